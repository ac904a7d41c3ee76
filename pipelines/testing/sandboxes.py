"""The simulated service or files of a source, for tests: what it says, and where it is."""

import datetime as dt
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import uvicorn
from starlette.applications import Starlette

from pipelines.postgres.ports import free_port
from pipelines.sandbox import sample
from pipelines.source import Sandbox, Source
from pipelines.testing.drivers import Driver

#: The time of the sandbox.
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI app on loopback in a thread; gives its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True  # it looks ten times a second


@dataclass(frozen=True)
class Simulation:
    """The sandbox of one source with a seed, at noon."""

    source: Source
    url: str
    folder: Path

    def place(self, driver: Driver) -> str:
        """Return the URL or the folder that a driver's job reads."""
        if not driver.is_http:
            return str(self.folder)
        return f"{self.url}{self.source.settings.about(driver.setting)['url']}"

    def said(self, driver: Driver) -> list[bytes]:
        """Return what a driver's job would read."""
        if not driver.is_http:
            return [one.read_bytes() for one in sorted(self.folder.iterdir()) if one.is_file()]
        answer = requests.get(self.place(driver) + driver.sandbox_query, timeout=30)
        answer.raise_for_status()
        return [answer.content]


@contextmanager
def simulated(source: Source, seeds: Sequence[int], folder: Path) -> Iterator[list[Simulation]]:
    """Serve the sandbox of a source, or its sample, for each seed; files are within a folder."""
    module: Any = source.module("sandbox")
    found = []
    with ExitStack() as stack:
        for number, seed in enumerate(seeds):
            given = Sandbox(seed, lambda: NOON)
            parts = module.build(given) if module else sample.build(source)
            url = stack.enter_context(served(Starlette(routes=[*parts.routes])))
            files = folder / f"sandbox-{number}"
            files.mkdir()
            if parts.write_files:
                parts.write_files(files, NOON.date())
            found.append(Simulation(source, url, files))
        yield found
