"""Fault injection: responses that fail like those of real services."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Literal, get_args

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Literal["500", "429", "timeout", "truncated", "html", "error"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
#: Status and body of those that are no cut response.
ANSWERS: dict[Fault, tuple[int, str]] = {
    "500": (500, "something broke"),
    "429": (429, '{"error": "slow down"}'),
    "timeout": (504, "too late"),
    "html": (200, "<!doctype html><title>Maintenance</title>"),
    "error": (200, '{"error": "the backend is away"}'),
}
#: Path suffixes of the sandbox's own endpoints; they never fail.
OWN_PATHS = ("/health", "/broken")
#: Of a simulated time-out.
HANG_SECONDS = 60.0


class Faults:
    """ASGI middleware that corrupts the share `rate` of responses, in a seeded order.

    `kinds` are drawn with equal probability.
    """

    def __init__(self, app: ASGIApp, *, rate: float, kinds: Sequence[Fault], seed: int) -> None:
        self.app = app
        self.rate = rate
        self.kinds = list(kinds)
        self.random = Random(seed)  # noqa: S311 - simulated faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request, or respond with a fault."""
        is_source = scope["type"] == "http" and not scope["path"].endswith(OWN_PATHS)
        if not is_source or self.random.random() >= self.rate:
            await self.app(scope, receive, send)
            return
        kind = self.random.choice(self.kinds)
        if kind == "truncated":
            await self.app(scope, receive, _cut(send))
            return
        if kind == "timeout":
            await asyncio.sleep(HANG_SECONDS)
        status, words = ANSWERS[kind]
        media_type = "text/html" if kind == "html" else "application/json"
        headers = {"Retry-After": "1"} if kind == "429" else None
        await Response(words, status, headers, media_type)(scope, receive, send)


def _cut(send: Send) -> Send:
    """Send half of each body under the full Content-Length, so that the connection breaks."""

    async def send_half(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2]}
        await send(message)

    return send_half
