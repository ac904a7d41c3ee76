"""A source that sends us on: to the world it may, to servers that only we reach it may not."""

import ssl
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests

from pipelines.failures import PermanentFailure
from pipelines.http.client import HttpClient
from pipelines.http.redirects import RedirectRefused, _Bounded, network_of
from pipelines_tests.fake_source import Answer, FakeSource, body, document

CLIENT = HttpClient("flights", "FLIGHTS_URL", attempts=1, connect_seconds=2.0)


def sends_on(location: str) -> Answer:
    return body(b"", status=302, Location=location)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "http://2852039166/",  # the same address as one number
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1:8080/",
        "http://100.100.100.200/",
        "http://192.168.0.1\\@127.0.0.1/",  # a browser's host is the first, a naive reader's not
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_to_an_internal_address_or_no_http_is_refused_unasked(
    source: FakeSource, location: str
) -> None:
    source.will(sends_on(location))
    with pytest.raises(PermanentFailure, match="it redirects to") as caught:
        CLIENT.get_json(source.url)
    assert "FLIGHTS_URL" in str(caught.value)
    assert len(source.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1"])
def test_a_redirect_from_outside_to_this_machine_is_refused_unasked(
    source: FakeSource, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    port = source.url.split(":")[2].split("/")[0]
    with FakeSource() as outside:  # as a proxy, it answers for the name of a host outside
        monkeypatch.setenv("http_proxy", outside.url.removesuffix("flights.json"))
        monkeypatch.setenv("no_proxy", "")
        outside.will(sends_on(f"http://{host}:{port}/admin"))
        with pytest.raises(PermanentFailure, match="a loopback address, which its own is not"):
            CLIENT.get_json("http://source.example/flights.json")
        assert [path for _, path in outside.requests] == ["http://source.example/flights.json"]
    assert source.requests == []


def test_a_name_that_stands_for_an_internal_address_by_the_time_of_asking_gets_nothing(
    source: FakeSource,
) -> None:
    with requests.Session() as session:
        session.mount("http://", _Bounded({"public"}))
        with pytest.raises(RedirectRefused, match="a loopback address"):
            session.get(source.url, timeout=5)
    assert source.requests == []


def test_credentials_do_not_go_along_to_another_server(
    source: FakeSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password hunter3\n")
    monkeypatch.setenv("NETRC", str(netrc))
    heard: list[tuple[str, str | None]] = []

    def listening(then: Answer) -> Answer:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            heard.append((handler.path, handler.headers["Authorization"]))
            then(handler)

        return answer

    with FakeSource() as other:
        elsewhere = other.url.replace("127.0.0.1", "me:hunter3@localhost")
        source.will(listening(sends_on("/moved")), listening(sends_on(elsewhere)))
        other.will(listening(document({})))
        url = source.url.replace("http://", "http://me:hunter2@")
        CLIENT.get_json(url, {"key": "hunter2"})
    paths = [path for path, _ in heard]
    assert paths == ["/flights.json?key=hunter2", "/moved", "/flights.json"]
    assert [sent is not None for _, sent in heard] == [True, True, False]


def test_a_redirect_from_https_to_http_is_refused(
    source: FakeSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", certificate, "-out", certificate.with_suffix(".crt"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    with FakeSource() as secure:
        server: Any = secure._server
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        url = secure.url.replace("http://", "https://")
        secure.will(sends_on("/moved"), document({"at": "home"}))
        assert CLIENT.get_json(url).document == {"at": "home"}
        secure.will(sends_on(source.url))
        with pytest.raises(PermanentFailure, match="redirects from https to http://127"):
            CLIENT.get_json(url)
    assert source.requests == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("8.8.8.8", "public"),
        ("2606:4700::1111", "public"),
        ("127.0.0.53", "loopback"),
        ("0.0.0.0", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b:1::7f00:1", "private"),
        ("::127.0.0.1", "private"),
        ("fec0::1", "private"),
        ("168.63.129.16", "private"),
        ("192.0.0.192", "private"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("172.16.0.1", "private"),
        ("100.64.0.1", "private"),
        ("fd00::1", "private"),
        ("224.0.0.1", "private"),
    ],
)
def test_every_form_of_an_address_is_known_for_what_it_reaches(address: str, network: str) -> None:
    assert network_of(address) == network
