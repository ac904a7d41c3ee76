"""The layer against pages of other origins, with headers by hand."""

import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from pipelines.config import allowed_hosts
from pipelines.failures import PermanentFailure
from pipelines.http.request_guard import RequestGuard
from pipelines.postgres.ports import free_port

MUTATION = "mutation { launchRun { id } }"


async def _page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("passed")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("passed")
    await socket.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    routes = [Route("/{path:path}", _page, methods=["GET", "POST", "OPTIONS"])]
    app = Starlette(routes=[WebSocketRoute("/graphql", _socket), *routes])
    port = free_port()
    hosts = allowed_hosts({"ISOBAR_UI_URL": "https://isobar.example.org/ui"})
    server = uvicorn.Server(
        uvicorn.Config(RequestGuard(app, hosts), port=port, log_level="critical")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield port
    server.should_exit = True
    thread.join()


def answer(
    port: int, method: str = "GET", path: str = "/", *, host: str | None = None, **headers: str
) -> int:
    """Send a request; in the names of headers, _ stands for -. Return the status."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.putrequest(method, path, skip_host=True)
        for value in host.split("|") if host is not None else [f"127.0.0.1:{port}"]:
            connection.putheader("Host", value.replace("PORT", str(port)))
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value.replace("PORT", str(port)))
        connection.endheaders()
        return connection.getresponse().status


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:PORT", "localhost:PORT", "[::1]:PORT", "LOCALHOST:PORT", "localhost."),
        *("isobar.example.org", "isobar.example.org:8443"),
    ],
)
def test_the_names_of_the_server_pass(port: int, host: str) -> None:
    assert answer(port, host=host) == 200
    assert answer(port, "POST", host=host, Origin=f"http://{host}") == 200
    for site in ("same-origin", "none"):
        assert answer(port, host=host, Sec_Fetch_Site=site, Sec_Fetch_Mode="cors") == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:PORT", "localhost.evil.example", "127.0.0.1.evil.example"),
        *("localhost@evil.example", "evil.example@localhost:PORT", "localhost/evil", "", "[::1"),
        *("localhost:PORT:80", "192.0.2.7:PORT", "127.0.0.1:PORT|evil.example", "locálhost"),
    ],
)
def test_another_name_is_rejected(port: int, host: str) -> None:
    """DNS rebinding: for the browser, such a page has the origin of this server."""
    assert answer(port, host=host) in (400, 403)  # 400 by uvicorn: it is no header at all


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "null", "", "http://localhost:PORT", "http://127.0.0.1"),
        *("http://127.0.0.1:1", "http://127.0.0.1:PORT.evil.example", "file://127.0.0.1:PORT"),
        "http://127.0.0.1:PORT, http://evil.example",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_origin_is_rejected(port: int, method: str, origin: str) -> None:
    assert answer(port, method, Origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_embeds_is_rejected_and_a_link_is_not(port: int, site: str) -> None:
    for mode, target in (("no-cors", "image"), ("navigate", "iframe"), ("navigate", "object")):
        headers = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": mode, "Sec_Fetch_Dest": target}
        assert answer(port, **headers) == 403
    link = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert answer(port, **link) == 200
    assert answer(port, "POST", **link) == 403


@pytest.mark.parametrize(
    "query", [MUTATION, "# a comment\nquery a { id } mutation b { launchRun { id } }"]
)
def test_a_mutation_in_an_address_is_rejected_from_anywhere(port: int, query: str) -> None:
    for question in ("{ version }", "no GraphQL at all", ""):
        assert answer(port, path=f"/graphql?query={quote(question)}") == 200
    for path in (f"/graphql?query={quote(query)}", f"/graphql?query={{a}}&query={quote(query)}"):
        assert answer(port, path=path) == 405
        assert answer(port, "POST", path, Content_Type="text/plain") == 405
        own = {"Origin": "http://127.0.0.1:PORT", "Sec_Fetch_Site": "same-origin"}
        assert answer(port, path=path, **own) == 405
        assert answer(port, path=path, Accept="text/html") == 200  # the editor, by Dagster


def test_a_websocket_opens_for_our_own_pages_alone(port: int) -> None:
    url, own = f"ws://127.0.0.1:{port}/graphql", f"http://127.0.0.1:{port}"
    for headers in ({}, {"Origin": own}, {"Origin": own, "Sec-Fetch-Site": "same-origin"}):
        with connect(url, additional_headers=headers, proxy=None) as socket:
            assert socket.recv(timeout=30) == "passed"
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": f"http://localhost:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ):
        with pytest.raises(InvalidStatus, match="403"):
            connect(url, additional_headers=headers, proxy=None)


def test_no_page_may_be_framed(port: int) -> None:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/")
        assert connection.getresponse().headers["X-Frame-Options"] == "DENY"


def test_further_hosts_are_names_addresses_and_urls() -> None:
    given = "isobar.example.org, 192.0.2.7:1 https://Viewers.example.org:8 [2001:db8::1]:1 ::2 :443"
    found = allowed_hosts({"ISOBAR_ALLOWED_HOSTS": given, "ISOBAR_UI_URL": "http://web:3000"})
    own = {"localhost", "127.0.0.1", "::1"}
    named = {"isobar.example.org", "192.0.2.7", "viewers.example.org", "2001:db8::1", "::2", "web"}
    assert found == own | named


@pytest.mark.parametrize("wrong", ["*", "*.example.org", "http://", "a b/c d [::1", "me:word@"])
def test_an_entry_that_is_no_host_is_rejected_without_its_value(wrong: str) -> None:
    with pytest.raises(PermanentFailure, match="ISOBAR_ALLOWED_HOSTS has an entry") as failure:
        allowed_hosts({"ISOBAR_ALLOWED_HOSTS": wrong})
    assert "word" not in str(failure.value)
