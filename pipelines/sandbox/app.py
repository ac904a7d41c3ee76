"""The sandbox's web server: the paths of every source at one URL, and files for inboxes."""

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipelines.isolation import broken_sources, isolated
from pipelines.sandbox import sample
from pipelines.sandbox.faults import FAULTS, Fault, Faults
from pipelines.source import Sandbox, SandboxParts, sources

LOG = logging.getLogger("isobar.sandbox")
DAY_CHECK_SECONDS = 60.0


def build_app(
    *,
    seed: int = 1,
    fault_rate: float = 0.0,
    faults: Sequence[Fault] = FAULTS,
    inboxes: Path | None = None,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> Starlette:
    """Build the app of all sources, failing at `fault_rate`.

    Args:
        seed: Seed of all data and faults.
        fault_rate: The share of responses that are replaced by faults, 0 to 1.
        faults: The kinds of faults, drawn with equal probability.
        inboxes: The folder with one inbox per source of files; None writes no files.
        now: The clock, UTC.
    """
    parts = _build_parts(Sandbox(seed, now))

    async def drop_files(inboxes: Path) -> None:
        for name, part in parts.items():
            try:
                if write := part.write_files:
                    await asyncio.to_thread(write, inboxes / name, now().date())
            except OSError as error:  # as on a full disk; a later round tries again
                LOG.warning("the sandbox could not write a file: %s", error)

    async def keep_dropping(inboxes: Path) -> None:
        while True:
            await asyncio.sleep(DAY_CHECK_SECONDS)
            await drop_files(inboxes)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = []
        if inboxes is not None:
            await drop_files(inboxes)  # the first files exist before the first response
            tasks.append(asyncio.create_task(keep_dropping(inboxes)))
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    def broken(_: Request) -> Response:
        return JSONResponse({one.name: one.problem for one in broken_sources()})

    spoiled = Middleware(Faults, rate=fault_rate, kinds=faults, seed=seed)
    return Starlette(
        routes=[
            Route("/health", health),
            Route("/broken", broken),
            *(route for one in parts.values() for route in one.routes),
        ],
        middleware=[spoiled],
        lifespan=lifespan,
    )


def _build_parts(given: Sandbox) -> dict[str, SandboxParts]:
    """Build each simulated source."""
    found: dict[str, SandboxParts] = {}
    for source in sources().values():
        with isolated(source.name, "its sandbox", source.package):
            if module := source.module("sandbox"):
                found[source.name] = module.build(given)
            elif source.sample:
                found[source.name] = sample.build(source)
    return found
