"""The numbers of sources against their oracles, over many made-up histories."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar import losses
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.form import LONG
from pipelines_tests.sources.bookings import histories as of_hotels
from pipelines_tests.sources.bookings.hotels import Hotels
from pipelines_tests.sources.flights.histories import AIRPORTS, history
from pipelines_tests.sources.flights.made_up import Flights, airports_loaded
from pipelines_tests.sources.flights.numbers import differences
from pipelines_tests.sources.flights.oracle import Oracle
from pipelines_tests.sources.shipments import histories as of_parcels
from pipelines_tests.sources.shipments import numbers as parcels
from pipelines_tests.sources.solar import histories as solar_histories
from pipelines_tests.sources.solar import loading
from pipelines_tests.sources.solar import numbers as solar_numbers
from pipelines_tests.sources.solar.oracle import records

SEEDS = range(1000, 1200 if LONG else 1010)


@pytest.fixture(scope="module")
def with_airports(server: Connections, template: str) -> Iterator[str]:
    with airports_loaded(server, template) as name:
        yield name


@contextmanager
def opened(server: Connections, template: str) -> Iterator[tuple[Warehouse, psycopg.Connection]]:
    """Yield a copy of a database as runs see it, and a connection that may do anything."""
    with (
        made(server, template) as name,
        psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner,
        Warehouse(server.url(LOADER, name)) as warehouse,
    ):
        yield warehouse, owner


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_of_flights_is_that_of_the_oracle(
    server: Connections, with_airports: str, seed: int
) -> None:
    """After the documents in order, after one that comes late, and after a rebuild."""
    documents = history(seed, dt.datetime.now(dt.UTC))
    late = sorted(documents)[1 + seed % (len(documents) - 1)]
    with opened(server, with_airports) as (warehouse, owner):
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
    with opened(server, template) as (warehouse, owner):
        hotels = Hotels(of_hotels.history(seed), warehouse, owner, tmp_path)
        given = hotels.given.hotels
        entered = seed % (len(hotels.given.batches) + 1)
        hotels.load(slice(entered))
        hotels.enter(*given.values())
        hotels.load(slice(entered, None))
        for is_rebuild in (False, True):
            hotels.refresh(rebuild=is_rebuild)
            assert hotels.differences(given, audit=is_rebuild) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_of_solar_plants_is_that_of_the_oracle(
    server: Connections, template: str, seed: int
) -> None:
    """With the weather that comes before the readings, and after that which comes later."""
    made_up = solar_histories.history(seed)
    hours = solar_histories.stored_hours(made_up)
    with opened(server, template) as (warehouse, owner):
        loading.add_plants(warehouse, owner, made_up.plants)
        loading.add_weather(owner, made_up.suns)
        loading.send_all(warehouse, made_up.plants, made_up.hours, made_up.first, made_up.last)
        known = records(made_up.plants, hours, made_up.suns)
        assert solar_numbers.differences(owner, known) == []
        loading.add_weather(owner, made_up.late_suns)
        losses.refresh(warehouse)
        suns = solar_histories.all_suns(made_up)
        known = records(made_up.plants, hours, suns)
        assert solar_numbers.differences(owner, known) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_of_parcels_is_that_of_the_oracle(
    server: Connections, template: str, tmp_path: Path, seed: int
) -> None:
    """Loaded in the order in which files came, late ones included."""
    with opened(server, template) as (warehouse, owner), owner.transaction():
        (now,) = owner.execute("SELECT now()").fetchone() or ()
        files = parcels.without_returns_of_unknown_time(of_parcels.history(seed, now).files)
        parcels.deliver(warehouse, tmp_path, files)
        assert parcels.differences(owner, files, now) == []
