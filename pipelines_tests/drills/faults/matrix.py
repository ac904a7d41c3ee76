"""All cells, and where they are tried, each in a database of its own."""

import datetime as dt
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import psycopg

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.weather.sandbox import service
from pipelines.testing.databases import made
from pipelines.testing.fake_clock import FakeClock
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.faults import file_sources, sources, weather_sources
from pipelines_tests.drills.faults.cells import Cell, observe, true_rows
from pipelines_tests.drills.faults.faults import FAULTS
from pipelines_tests.drills.faults.sources import Bench, Source
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.sources.flights.made_up import load_airports

SOURCES: tuple[Source, ...] = (
    sources.flights,
    sources.bookings_api,
    file_sources.bookings_files,
    file_sources.shipments,
    sources.solar,
    weather_sources.open_meteo,
    weather_sources.weatherapi,
    weather_sources.openweathermap,
    weather_sources.forecast,
    weather_sources.archive,
    weather_sources.geocoder,
)
CELLS = [(one, fault) for one in SOURCES for fault in FAULTS if fault not in one.spared]
LATEST_HOUR = 22


def few_cells() -> list[tuple[Source, str]]:
    """Each fault once, and each source some times."""
    turns = deque(SOURCES)
    found = []
    for fault in FAULTS:
        source = next(one for one in turns if fault not in one.spared)
        turns.remove(source)
        turns.append(source)
        found.append((source, fault))
    return found


class Matrix:
    """Tries cells: what those of one session share."""

    def __init__(
        self,
        server: Connections,
        template: str,
        sandbox_url: str,
        folder: Path,
        began_at: dt.datetime,
    ) -> None:
        self.server, self.template = server, template
        self.sandbox_url, self.folder, self.began_at = sandbox_url, folder, began_at
        self._truths: dict[str, set[str]] = {}

    def cell(self, source: Source, fault: str) -> Cell:
        """Try it."""
        if source.title not in self._truths:
            with self._bench(source) as bench:
                self._truths[source.title] = true_rows(bench, source)
        with self._bench(source) as bench:
            return observe(bench, source, fault, self._truths[source.title])

    @contextmanager
    def _bench(self, source: Source) -> Iterator[Bench]:
        with (
            made(self.server, self.template) as name,
            psycopg.connect(self.server.url(SUPERUSER, name), autocommit=True) as owner,
        ):
            url = self.server.url(LOADER, name)
            warehouse = Warehouse(url)
            clock = FakeClock(self.began_at)
            bench = Bench(owner, warehouse, url, clock, self.folder, self.sandbox_url)
            source.prepare(bench)
            yield bench
            warehouse.dispose()


@contextmanager
def matrix(server: Connections, template: str, folder: Path) -> Iterator[Matrix]:
    """The setting of a cell: healthy sources at a fixed instant."""
    now = dt.datetime.now(dt.UTC)
    began_at = min(now, now.replace(hour=LATEST_HOUR, minute=0))  # the day is not over meanwhile
    with (
        patch.object(service, "LIMITS", {}),  # the minute does not end
        patch.object(service, "OPENWEATHERMAP_PER_MINUTE", math.inf),
        sandbox_server(now=lambda: began_at) as url,
        made(server, template) as stocked,
    ):
        stock = Warehouse(server.url(LOADER, stocked))
        load_airports(stock)
        stock.dispose()
        yield Matrix(server, stocked, url, folder, began_at)
