"""A source that sends us on: to the world it may, to servers that only we reach it may not."""

from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pipelines.failures import PermanentFailure
from pipelines.http.client import HttpClient
from pipelines.http.redirects import is_public
from pipelines.testing.fake_source import Answer, FakeSource, body, document

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
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://localhost/",
        "http://100.100.100.200/",
        "http://192.168.0.1\\@127.0.0.1/",  # a browser's host is the first, a naive reader's not
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "javascript:alert(1)",
    ],
)
def test_redirects_to_internal_or_non_http_addresses_are_rejected(
    source: FakeSource, location: str
) -> None:
    source.will(sends_on(location))
    with pytest.raises(PermanentFailure, match="it redirects to") as caught:
        CLIENT.get_json(source.url)
    assert "FLIGHTS_URL" in str(caught.value)
    assert len(source.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1"])
def test_a_redirect_from_outside_to_localhost_is_rejected(
    source: FakeSource, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    port = source.url.split(":")[2].split("/")[0]
    with FakeSource() as outside:  # as a proxy, it answers for the name of a host outside
        monkeypatch.setenv("http_proxy", outside.url.removesuffix("document.json"))
        monkeypatch.setenv("no_proxy", "")
        outside.will(sends_on(f"https://{host}:{port}/admin"))
        with pytest.raises(PermanentFailure, match="which is not a public address"):
            CLIENT.get_json("http://source.example/flights.json")
        assert [path for _, path in outside.requests] == ["http://source.example/flights.json"]
    assert source.requests == []


def test_a_name_rebound_to_an_internal_address_receives_nothing(
    source: FakeSource, public_https: FakeSource
) -> None:
    """It has no certificate for the name, so that no request is sent."""
    source.will(sends_on(public_https.url))
    with pytest.raises(PermanentFailure, match="its certificate is not trusted"):
        CLIENT.get_json(source.url)
    assert public_https.requests == []


def test_credentials_do_not_go_along_to_another_server(
    source: FakeSource, public_https: FakeSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password hunter3\n")
    monkeypatch.setenv("NETRC", str(netrc))
    received: list[tuple[str, str | None]] = []

    def listening(then: Answer) -> Answer:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            received.append((handler.path, handler.headers["Authorization"]))
            then(handler)

        return answer

    elsewhere = public_https.url.replace("127.0.0.1", "me:hunter3@localhost")
    source.will(listening(sends_on("/moved")), listening(sends_on(elsewhere)))
    public_https.will(listening(document({})))
    url = source.url.replace("http://", "http://me:hunter2@")
    CLIENT.get_json(url, {"key": "hunter2"})
    paths = [path for path, _ in received]
    assert paths == ["/document.json?key=hunter2", "/moved", "/document.json"]
    assert [sent is not None for _, sent in received] == [True, True, False]


def test_a_redirect_from_https_to_http_is_rejected(
    source: FakeSource, public_https: FakeSource
) -> None:
    public_https.will(sends_on("/moved"), document({"at": "home"}))
    url = public_https.url.replace("127.0.0.1", "localhost")
    assert CLIENT.get_json(url).document == {"at": "home"}
    public_https.will(sends_on(source.url))
    with pytest.raises(PermanentFailure, match="another server without https"):
        CLIENT.get_json(url)
    assert source.requests == []


@pytest.mark.parametrize(
    ("address", "is_reached"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.53", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::7f00:1", False),
        ("::127.0.0.1", False),
        ("fec0::1", False),
        ("168.63.129.16", False),
        ("192.0.0.192", False),
        ("2002:7f00:1::", False),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("172.16.0.1", False),
        ("100.64.0.1", False),
        ("fd00::1", False),
        ("224.0.0.1", False),
    ],
)
def test_every_notation_of_an_address_is_recognised(address: str, is_reached: bool) -> None:
    assert is_public(address) is is_reached
