"""The numbers of flights and hotels against their oracles, over many made-up histories."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.form import LONG
from pipelines_tests.sources.bookings import histories as of_hotels
from pipelines_tests.sources.bookings.hotels import Hotels
from pipelines_tests.sources.flights.histories import AIRPORTS, history
from pipelines_tests.sources.flights.made_up import Flights, airports_loaded
from pipelines_tests.sources.flights.numbers import differences
from pipelines_tests.sources.flights.oracle import Oracle

SEEDS = range(1000, 1200 if LONG else 1010)


@pytest.fixture(scope="module")
def with_airports(server: Connections, template: str) -> Iterator[str]:
    with airports_loaded(server, template) as name:
        yield name


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_of_flights_is_that_of_the_oracle(
    server: Connections, with_airports: str, seed: int
) -> None:
    """After the documents in order, after one that comes late, and after a rebuild."""
    documents = history(seed, dt.datetime.now(dt.UTC))
    late = sorted(documents)[1 + seed % (len(documents) - 1)]
    with (
        made(server, with_airports) as name,
        psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner,
        Warehouse(server.url(LOADER, name)) as warehouse,
    ):
        flights = Flights(warehouse, owner)
        on_time = {at: document for at, document in documents.items() if at != late}
        for at, document in on_time.items():
            flights.keep(at, document)
        flights.bring_up_to_date()
        assert differences(owner, Oracle(on_time, AIRPORTS)) == []
        flights.keep(late, documents[late])
        for is_rebuild in (False, True):
            flights.bring_up_to_date(rebuild=is_rebuild)
            assert differences(owner, Oracle(documents, AIRPORTS)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_of_hotels_is_that_of_the_oracle(
    server: Connections, template: str, tmp_path: Path, seed: int
) -> None:
    """After deliveries between which hotels are entered, and after a rebuild."""
    with (
        made(server, template) as name,
        psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner,
        Warehouse(server.url(LOADER, name)) as warehouse,
    ):
        hotels = Hotels(of_hotels.history(seed), warehouse, owner, tmp_path)
        given = hotels.given.hotels
        entered = seed % (len(hotels.given.batches) + 1)
        hotels.load(slice(entered))
        hotels.enter(*given.values())
        hotels.load(slice(entered, None))
        for is_rebuild in (False, True):
            hotels.refresh(rebuild=is_rebuild)
            assert hotels.differences(given, audit=is_rebuild) == []
