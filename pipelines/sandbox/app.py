"""The sandbox's web server: one address with a path for each source, and files for inboxes."""

import asyncio
import datetime as dt
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipelines.sandbox.faults import FAULTS, Fault, Faults
from pipelines.sources.bookings.sandbox import event_files as booking_files
from pipelines.sources.bookings.sandbox import events_api as bookings_api
from pipelines.sources.flights import sandbox as flights
from pipelines.sources.shipments import sandbox as shipments
from pipelines.sources.solar.sandbox import service as solar
from pipelines.sources.weather.sandbox import service as weather

LOG = logging.getLogger("isobar.sandbox")
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
    bookings_files_per_minute: float = 0.0,
    bookings_lines: int = 1000,
    bookings_dirt: float = 0.01,
    solar_dirt: float = 0.0,
    solar_heals_after: int | None = None,
    solar_seconds: float = 0.0,
) -> Starlette:
    """All sources as of `today` (the day of `now`, UTC, when None), spoiled at `fault_rate`.

    `inboxes` is the folder in which each source of files has one, `now` the clock, of which hotels
    take only the time of day when `today` is given. So many files of fresh hotel events come a
    minute, each of `bookings_lines`, of which the share `bookings_dirt` is bad.

    Of solar plants, the share `solar_dirt` of the hours is spoiled, the first `solar_heals_after`
    times they are told (each time when None), and an answer takes `solar_seconds`.
    """

    def present() -> dt.datetime:
        moment = now().astimezone(dt.UTC)
        return moment if today is None else dt.datetime.combine(today, moment.timetz())

    async def drop_files(inboxes: Path) -> None:
        day = present().date()
        await _write(shipments.write_files, inboxes / "shipments", seed, day)
        await _write(booking_files.write_files, inboxes / "bookings", seed, day)

    async def keep_dropping(inboxes: Path) -> None:
        while True:
            await asyncio.sleep(LOOK_AT_THE_DAY_SECONDS)
            await drop_files(inboxes)

    async def stream(inboxes: Path) -> None:
        files = booking_files.Stream(inboxes / "bookings", seed, bookings_lines, bookings_dirt)
        clock = asyncio.get_running_loop()
        due = clock.time()
        while True:
            await _write(files.write_next, present())
            due = max(due + 60 / bookings_files_per_minute, clock.time())
            await asyncio.sleep(due - clock.time())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = []
        if inboxes is not None:
            await drop_files(inboxes)  # the first files are there before the first answer
            tasks.append(asyncio.create_task(keep_dropping(inboxes)))
            if bookings_files_per_minute > 0:
                tasks.append(asyncio.create_task(stream(inboxes)))
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def flights_json(_: Request) -> Response:
        document = flights.document(seed, present().date())
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
            *bookings_api.routes(seed, present),
            *solar.routes(
                seed,
                present,
                dirt=solar_dirt,
                heals_after=solar_heals_after,
                seconds=solar_seconds,
            ),
        ],
        middleware=[spoiled],
        lifespan=lifespan,
    )


async def _write(write: Callable[..., object], *what: object) -> None:
    """Write files in a thread; where that fails, as on a full disk, a later round tries again."""
    try:
        await asyncio.to_thread(write, *what)
    except OSError as error:
        LOG.warning("the sandbox could not write a file: %s", error)
