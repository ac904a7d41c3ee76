"""A source that misbehaves in every way that HTTP allows."""

import gzip
import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from pipelines.failures import NotReady, PermanentFailure, TransientFailure
from pipelines.http.client import HttpClient
from pipelines.testing.fake_source import Answer, FakeSource, body, cut, document
from pipelines_tests.slow_answers import drip
from pipelines_tests.tls import authority

GOOD: dict[str, Any] = {"itineraries": [], "legs": []}
PACKED = gzip.compress(json.dumps([*range(1_000)]).encode(), mtime=0)


def client(**changes: Any) -> HttpClient:
    waits = {"first_wait_seconds": 0.01, "longest_wait_seconds": 0.05}
    settings = {"read_seconds": 0.3, "attempt_seconds": 1.0, "attempts": 2, **waits, **changes}
    return HttpClient("flights", "FLIGHTS_URL", **settings)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (body(b"broken", status=500), "answered 500"),
        (body(b"", status=429), "answered 429"),
        (body(b"<!doctype html><title>Sorry</title>"), "is HTML instead of JSON"),
        (body(b'{"itineraries": [{"id"'), "is not JSON"),
        (body(b'{"error": {"message": "try later"}}'), "answered with an error"),
        (body(b'{"items": [1], "errors": [{"message": "timed out"}]}'), "answered with an error"),
        (body(b"[" * 100_000), "is not JSON"),
        (cut(b'{"itineraries"', said_length=500), "IncompleteRead(14 bytes read"),
        (body(b"no gzip", Content_Encoding="gzip"), "while decompressing"),
        (body(PACKED[:1000], Content_Encoding="gzip"), "is not JSON"),
        (lambda _: time.sleep(0.6), "ReadTimeout: timed out"),
    ],
)
def test_transient_errors_are_retried_and_reported_when_they_persist(
    source: FakeSource, fault: Answer, words: str
) -> None:
    source.will(fault, document(GOOD))
    assert client().get_json(source.url).document == GOOD
    source.will(fault)
    with pytest.raises(TransientFailure, match="in 2 attempts") as caught:
        client().get_json(source.url)
    assert words in str(caught.value)
    assert source.url in str(caught.value)
    assert "FLIGHTS_URL" in str(caught.value)


def test_retries_are_shared_and_a_response_gives_one_back(source: FakeSource) -> None:
    shared = client(attempts=9, retries=deque([None], maxlen=1))
    for _ in range(2):
        source.will(body(b"", 503), document([]))
        assert shared.get_json(source.url).document == []
    source.will(body(b"", 503))
    before = len(source.requests)
    for tries in (2, 1):
        with pytest.raises(TransientFailure):
            shared.get_json(source.url)
        assert len(source.requests) - before == tries
        before = len(source.requests)


def test_a_permanent_error_is_not_retried(source: FakeSource) -> None:
    statuses = [400, 401, 404, 422, 600]
    for status in statuses:
        source.will(body(b"no", status=status))
        with pytest.raises(PermanentFailure, match=f"answered {status}"):
            client().get_json(source.url)
    assert len(source.requests) == len(statuses)


def test_nothing_there_yet_is_not_a_failure(source: FakeSource) -> None:
    for status in (202, 204, 304):
        source.will(body(b"", status=status))
        with pytest.raises(NotReady):
            client().get_json(source.url)
    assert len(source.requests) == 3


def test_retry_after_in_seconds_is_honoured(source: FakeSource) -> None:
    source.will(body(b"", status=429, Retry_After="1"), document(GOOD))
    client(longest_wait_seconds=2).get_json(source.url)
    first, second = (at for at, _ in source.requests)
    assert second - first >= 1


def test_a_retry_after_beyond_the_maximum_wait_ends_the_retries(source: FakeSource) -> None:
    source.will(body(b"", status=503, Retry_After="Fri, 31 Dec 2100 23:59:59 GMT"))
    with pytest.raises(TransientFailure, match="asks to wait") as caught:
        client().get_json(source.url)
    assert len(source.requests) == 1
    assert caught.value.retry_after_seconds is not None


def test_a_senseless_retry_after_is_ignored(source: FakeSource) -> None:
    for value in ("soon", "-5", "nan", "", "inf", "Mon, 01 Jan 99999999999 00:00:00 GMT"):
        source.will(body(b"", status=429, Retry_After=value), document(GOOD))
        assert client().get_json(source.url).document == GOOD


def test_an_oversized_response_is_rejected_before_it_fills_memory(source: FakeSource) -> None:
    source.will(body(b'"' + b"x" * 2_000_000 + b'"'))
    with pytest.raises(PermanentFailure, match="larger than 1 MiB"):
        client(max_bytes=1024 * 1024).get_json(source.url)


def test_a_gzip_bomb_is_rejected_by_its_decompressed_size(source: FakeSource) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    source.will(body(bomb, Content_Encoding="gzip"))
    with pytest.raises(PermanentFailure, match="larger than"):
        client(max_bytes=4 * 1024 * 1024, attempt_seconds=30).get_json(source.url)


def test_a_slowly_dripping_response_times_out(source: FakeSource) -> None:
    source.will(drip(json.dumps(GOOD).encode(), seconds_a_byte=0.1))
    began = time.monotonic()
    with pytest.raises(TransientFailure, match="response took more than 1 s"):
        client(attempts=1, attempt_seconds=0.6).get_json(source.url)
    assert time.monotonic() - began < 2


def test_the_connection_is_kept_for_the_next_request(source: FakeSource) -> None:
    """It cost a handshake for each page."""
    ports: list[int] = []

    def kept(handler: BaseHTTPRequestHandler) -> None:
        ports.append(handler.client_address[1])
        handler.protocol_version = "HTTP/1.1"
        document(GOOD)(handler)
        handler.close_connection = False

    source.will(kept)
    reader = client()
    for one in (reader, reader, replace(reader, secrets=["k3y"])):
        assert one.get_json(source.url).document == GOOD
    assert len(ports) == 3
    assert len({*ports}) == 1


def test_redirects_that_never_end_are_not_followed_for_ever(source: FakeSource) -> None:
    source.will(body(b"", status=302, Location="/again"))
    with pytest.raises(PermanentFailure, match="redirect"):
        client().get_json(source.url)


def test_what_is_no_address_is_named() -> None:
    for url in ("ftp://example.org/x", "no address", "http://", "http://[::1"):
        with pytest.raises(PermanentFailure, match="FLIGHTS_URL"):
            client().get_json(url)


def test_secrets_appear_in_no_message(source: FakeSource) -> None:
    source.will(body(b"hunter2 is wrong", status=200))
    url = source.url.replace("http://", "http://me:hunter2@") + "?appid=hunter2&key=abc"
    with pytest.raises(TransientFailure) as caught:
        client(secrets=["hunter2"]).get_json(url)
    assert "hunter2" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_a_redirect_with_an_endless_body_is_followed_at_once(source: FakeSource) -> None:
    """Requests read all of it, decompressed, though it followed no redirect."""
    sent = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(302)
        handler.send_header("Location", "/moved.json")
        handler.end_headers()
        with suppress(OSError):
            while sent < 100_000_000:
                sent += handler.wfile.write(b"x" * 100_000)
        handler.close_connection = True

    source.will(endless, document(GOOD))
    assert client(max_bytes=1000).get_json(source.url).document == GOOD
    assert source.requests[1][1] == "/moved.json"
    assert sent < 50_000_000


def test_an_untrusted_certificate_is_reported(tmp_path: Path) -> None:
    with FakeSource(authority(tmp_path, "nobody").context) as source:
        source.will(document(GOOD))
        with pytest.raises(PermanentFailure) as caught:
            client().get_json(source.url)
    assert "certificate verify failed: self-signed certificate" in caught.value.problem


@pytest.mark.parametrize(
    ("variable", "address", "words"),
    [
        ("http_proxy", "", "answered 407"),
        ("https_proxy", "", "ProxyError: Tunnel connection failed: 5"),
        ("http_proxy", "http://ann:s3cret@127.0.0.1:9", "ProxyError: .*Connection refused"),
    ],
)
def test_a_proxy_that_fails_is_named_without_its_password(
    source: FakeSource, monkeypatch: pytest.MonkeyPatch, variable: str, address: str, words: str
) -> None:
    """It was said that nothing listens at the address of the source."""
    source.will(body(b"", status=407))
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv(variable, address or source.url.removesuffix("/document.json"))
    with pytest.raises((PermanentFailure, TransientFailure), match=words) as caught:
        client().get_json(f"{variable.removesuffix('_proxy')}://source.example/a")
    assert "s3cret" not in str(caught.value)
