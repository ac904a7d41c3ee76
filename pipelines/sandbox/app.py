"""The sandbox's web server: one address with a path for each source, and files for inboxes."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipelines.sandbox import flights, shipments, weather
from pipelines.sandbox.faults import FAULTS, Fault, Faults

LOOK_AT_THE_DAY_SECONDS = 60.0


def build_app(
    *,
    seed: int = 1,
    today: dt.date | None = None,
    fault_rate: float = 0.0,
    faults: Sequence[Fault] = FAULTS,
    hang_seconds: float = 60.0,
    inboxes: Path | None = None,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> Starlette:
    """All sources as of `today` (the present day, UTC, when None), spoiled at `fault_rate`.

    `inboxes` is the folder in which each source of files has one, `now` the weather's clock.
    """

    def present_day() -> dt.date:
        return today or dt.datetime.now(dt.UTC).date()

    async def drop_files() -> None:
        while inboxes is not None:
            shipments.write_files(inboxes / "shipments", seed, present_day())
            await asyncio.sleep(LOOK_AT_THE_DAY_SECONDS)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        dropping = asyncio.create_task(drop_files())
        await asyncio.sleep(0)  # the first files are there before the first answer
        yield
        dropping.cancel()
        with suppress(asyncio.CancelledError):
            await dropping

    def flights_json(_: Request) -> Response:
        document = flights.document(seed, present_day())
        body = json.dumps(document, ensure_ascii=False, indent=1)
        return Response(body, media_type="text/plain; charset=utf-8")  # as the real one is served

    def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    spoiled = Middleware(
        Faults, rate=fault_rate, kinds=faults, seed=seed, hang_seconds=hang_seconds
    )
    return Starlette(
        routes=[
            Route("/health", health),
            Route("/flights.json", flights_json),
            *weather.routes(now),
        ],
        middleware=[spoiled],
        lifespan=lifespan,
    )
