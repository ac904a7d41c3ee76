"""A source that redirects: on its own server it may, to another one it may not."""

import io

import pytest
import requests

from pipelines.failures import PermanentFailure
from pipelines.http.client import HttpClient, _Session
from pipelines.testing.fake_source import Answer, FakeSource, body

CLIENT = HttpClient("flights", "FLIGHTS_URL", attempts=1, read_seconds=2.0)


def redirects_to(location: str) -> Answer:
    return body(b"", status=302, Location=location)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "http://2852039166/",  # the same address as one number
        "https://10.0.0.1/",
        "https://example.com/",
        "http://127.0.0.1:1/",  # another server of the same host
        "http://192.168.0.1\\@127.0.0.1/",  # a browser's host is the first, a naive reader's not
        "http://[::1",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_redirects_to_another_server_are_rejected(source: FakeSource, location: str) -> None:
    source.will(redirects_to(location))
    with pytest.raises(PermanentFailure, match="it redirects to") as caught:
        CLIENT.get_json(source.url)
    assert "FLIGHTS_URL" in str(caught.value)
    assert len(source.requests) == 1


def test_an_address_in_a_redirect_is_shown_without_its_secrets(source: FakeSource) -> None:
    source.will(redirects_to("https://me:hunter2@example.com/?token=k3y&again=s3cret"))
    with pytest.raises(PermanentFailure, match=r"example\.com") as caught:
        HttpClient("flights", "FLIGHTS_URL", secrets=["s3cret"]).get_json(source.url)
    assert not any(secret in str(caught.value) for secret in ("hunter2", "k3y", "s3cret"))


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("http://a.example/x", "https://a.example/y", "https://a.example/y"),
        ("https://a.example/x", "http://a.example/y", None),
        ("http://a.example:8080/x", "https://a.example/y", None),
        ("https://a.example/x", "https://b.a.example/y", None),
        ("https://a.example/x/y", "z?q", "https://a.example/x/z?q"),
    ],
)
def test_only_https_replaces_http(url: str, location: str, target: str | None) -> None:
    response = requests.Response()
    response.raw = io.BytesIO()
    response.url, response.status_code, response.headers["Location"] = url, 302, location
    if target is None:
        with pytest.raises(requests.TooManyRedirects, match="another server"):
            _Session().get_redirect_target(response)
    else:
        assert _Session().get_redirect_target(response) == target
