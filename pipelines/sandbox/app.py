"""The sandbox's web server: one address, a path for each source."""

import datetime as dt
import json
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipelines.sandbox import flights
from pipelines.sandbox.faults import FAULTS, Fault, Faults


def build_app(
    *,
    seed: int = 1,
    today: dt.date | None = None,
    fault_rate: float = 0.0,
    faults: Sequence[Fault] = FAULTS,
    hang_seconds: float = 60.0,
) -> Starlette:
    """All sources as of `today` (the present day, UTC, when None), spoiled at `fault_rate`."""

    def flights_json(_: Request) -> Response:
        document = flights.document(seed, today or dt.datetime.now(dt.UTC).date())
        body = json.dumps(document, ensure_ascii=False, indent=1)
        return Response(body, media_type="text/plain; charset=utf-8")  # as the real one is served

    def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    spoiled = Middleware(
        Faults, rate=fault_rate, kinds=faults, seed=seed, hang_seconds=hang_seconds
    )
    return Starlette(
        routes=[Route("/health", health), Route("/flights.json", flights_json)],
        middleware=[spoiled],
    )
