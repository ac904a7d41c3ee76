"""The sandbox as a drill has it: with outages and errors, and notes of its good answers."""

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.sandbox.app import build_app
from pipelines_tests import sandbox_server
from pipelines_tests.sources.weather.site import RECORDED

#: Status and content of a monitoring service's own errors, which are those of any other here.
OTHER = [
    (200, {"error": "the backend is away"}),
    (400, {"results": "Please provide plant_id, from and to values"}),
    *((status, {"error": "try again"}) for status in (404, 408, 429, 500, 502, 503, 504)),
]


def _recorded(provider: str) -> list[tuple[int, Any]]:
    recorded = json.loads((RECORDED / "errors.json").read_text())[provider]
    return [(one["status"], one["body"]) for one in recorded]


#: The errors that a provider is known to send, by the beginning of its path.
ERRORS = {
    "/v1/search": _recorded("geocoding"),
    "/v1/current.json": _recorded("weatherapi"),
    "/data/": _recorded("openweathermap"),
    "/v1/": _recorded("open_meteo"),
    "/": OTHER,
}


class Sources:
    """The sandbox, with outages on demand; what it answered well is noted as its callers saw it."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        #: Replace a response, each with this probability, by an error of those for its path.
        self.error_rate = 0.0
        self._random = Random()
        self.outages: list[tuple[str, dt.datetime, dt.datetime]] = []
        self.good: dict[str, list[dt.datetime]] = defaultdict(list)
        self.bad: Counter[str] = Counter()
        #: When the current weather of which coordinates was returned.
        self.observed: dict[tuple[str, str], list[dt.datetime]] = defaultdict(list)
        self._spoiled: ASGIApp | None = None
        self._calm: ASGIApp | None = None

    @contextmanager
    def served(self, seed: int, fault_rate: float) -> Iterator[str]:
        """The address of all sources; also some hours of plants are bad at first."""
        self._random = Random(seed)
        self._calm = build_app(seed=seed)
        self._spoiled = build_app(
            seed=seed,
            fault_rate=fault_rate,
            hang_seconds=0.2,
            solar_error_rate=0.01,
            solar_heals_after=1,
        )
        with (
            patch.object(sandbox_server, "build_app", lambda: self),
            sandbox_server.sandbox_server() as url,
        ):
            yield url

    def calm_down(self) -> None:
        """Answer well from now on."""
        self.down.clear()
        self.error_rate = 0.0
        self._spoiled = self._calm

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._spoiled is not None
        path = scope.get("path", "")
        if any(path.startswith(one) for one in self.down):
            await PlainTextResponse("down", 503)(scope, receive, send)
            self.bad[path] += 1
            return
        if self._random.random() < self.error_rate:
            begins = next(one for one in ERRORS if path.startswith(one))
            status, content = self._random.choice(ERRORS[begins])
            await JSONResponse(content, status)(scope, receive, send)
            self.bad[path] += 1
            return
        seen: list[Message] = []

        async def send_on(message: Message) -> None:
            seen.append(message)
            await send(message)

        await self._spoiled(scope, receive, send_on)
        if scope["type"] == "http":
            self._note(path, scope["query_string"].decode(), seen)

    def _note(self, path: str, query: str, seen: list[Message]) -> None:
        head, body = seen[0], b"".join(message.get("body", b"") for message in seen)
        length = dict(head["headers"]).get(b"content-length", b"-1")
        is_json = body[:1] in b"[{" and not body.startswith(b'{"error"')
        if head["status"] != 200 or int(length) != len(body) or not is_json:
            self.bad[path] += 1
            return
        now = dt.datetime.now(dt.UTC)
        self.good[path].append(now)
        requested = {name: given[0] for name, given in parse_qs(query).items()}
        if "current" in requested:
            latitudes, longitudes = (
                requested["latitude"].split(","),
                requested["longitude"].split(","),
            )
            for place in zip(latitudes, longitudes, strict=True):
                self.observed[place].append(now)
