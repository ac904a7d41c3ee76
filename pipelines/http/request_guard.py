"""An ASGI layer in front of web servers without a login, against pages of other origins.

A browser reaches servers on loopback, and sends there whatever any page in it requests. The layer
is no protection against programs on this machine: they choose their headers themselves.
"""

import re
from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

#: A `Host` header, or an origin without its scheme.
AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]+)?", re.ASCII)
#: What browsers send when a person follows a link in a window of its own.
LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}

OTHER_NAME = (
    "This server is not known by the name in the address. To allow the name, add it to"
    " ISOBAR_ALLOWED_HOSTS where the server runs, and start the server again.\n"
)
OTHER_ORIGIN = "A page of another site sent this request.\n"
MUTATION = "A GraphQL mutation in an address is not executed. Send it with POST, as JSON.\n"


class RequestGuard:
    """Pass on requests of the app's own pages, links to them, and requests of programs.

    Rejected are requests for a name that is not the server's (DNS rebinding), HTTP and WebSocket
    requests of pages of another origin, and GraphQL mutations in an address, which any image or
    link could contain. No page may show the app in a frame.

    Args:
        app: The app behind the layer.
        hosts: The names and addresses of the server in lower case, without ports and brackets.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        if not self._is_ours(request):
            answer = PlainTextResponse(OTHER_NAME, 403)
        elif _is_of_another_origin(request):
            answer = PlainTextResponse(OTHER_ORIGIN, 403)
        elif _has_mutation(request):
            answer = PlainTextResponse(MUTATION, 405, {"Allow": "POST"})
        else:
            await self.app(scope, receive, _without_frames(send))
            return
        if scope["type"] == "websocket":  # the server answers 403 to a close before an accept
            await WebSocketClose()(scope, receive, send)
        else:
            await answer(scope, receive, send)

    def _is_ours(self, request: HTTPConnection) -> bool:
        named = request.headers.getlist("host")
        match = AUTHORITY.fullmatch(named[0].lower()) if len(named) == 1 else None
        return match is not None and match[1].strip("[]").rstrip(".") in self.hosts


def _is_of_another_origin(request: HTTPConnection) -> bool:
    """Return whether a page of another origin sent the request, as far as the browser says.

    Every browser sends `Origin` with a WebSocket and with a POST, and none lets a page change it.
    The schemes are not compared: behind a proxy with TLS, this server does not know its own.
    """
    host = request.headers["host"].lower()
    origins = [origin.lower() for origin in request.headers.getlist("origin")]
    if any(re.fullmatch(f"https?://{re.escape(host)}", origin) is None for origin in origins):
        return True
    if request.headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return False
    is_link = all(request.headers.get(name) == value for name, value in LINK.items())
    return not (is_link and request.scope.get("method") in ("GET", "HEAD"))


def _has_mutation(request: HTTPConnection) -> bool:
    """Return whether an address has GraphQL with the word mutation, without which there is none.

    Dagster's server reads it for GET, unless a browser gets an editor, and for POST without JSON.
    """
    if request.scope.get("method") == "GET" and "text/html" in request.headers.get("accept", ""):
        return False
    return any(re.search(r"\bmutation\b", one) for one in request.query_params.getlist("query"))


def _without_frames(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Frame-Options"] = "DENY"
        await send(message)

    return wrapped
