"""Fault injection: responses that fail like those of real services."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Literal, get_args

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Literal["500", "429", "timeout", "truncated", "html", "error"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
#: Path suffixes of the sandbox's own endpoints; they never fail.
OWN_PATHS = ("/health", "/broken", "/requests")


class Faults:
    """ASGI middleware that corrupts the share `rate` of responses, in a seeded order.

    `kinds` are drawn with equal probability; `hang_seconds` is the length of a simulated time-out.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        rate: float,
        kinds: Sequence[Fault] = FAULTS,
        seed: int = 1,
        hang_seconds: float = 60.0,
    ) -> None:
        self.app = app
        self.rate = rate
        self.kinds = list(kinds)
        self.random = Random(seed)  # noqa: S311 - simulated faults
        self.hang_seconds = hang_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request, or respond with a fault."""
        is_source = scope["type"] == "http" and not scope["path"].endswith(OWN_PATHS)
        if not is_source or self.random.random() >= self.rate:
            await self.app(scope, receive, send)
            return
        kind = self.random.choice(self.kinds)
        if kind == "truncated":
            await self.app(scope, receive, _cut(send))
        elif kind == "timeout":
            await asyncio.sleep(self.hang_seconds)
            await _answer(send, 504, b"too late")
        elif kind == "429":
            await _answer(send, 429, b'{"error": "slow down"}', retry_after=b"1")
        elif kind == "html":
            await _answer(send, 200, b"<!doctype html><title>Maintenance</title>", b"text/html")
        elif kind == "error":
            await _answer(send, 200, b'{"error": "the backend is away"}')
        else:
            await _answer(send, 500, b"something broke")


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    content_type: bytes = b"application/json",
    retry_after: bytes | None = None,
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    if retry_after is not None:
        headers.append((b"retry-after", retry_after))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _cut(send: Send) -> Send:
    """Send half of each body under the full Content-Length, so that the connection breaks."""

    async def send_half(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2]}
        await send(message)

    return send_half
