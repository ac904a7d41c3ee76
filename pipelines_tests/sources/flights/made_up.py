"""Small flights documents that tests make for themselves."""

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pandas as pd
import psycopg

from pipelines.failures import PermanentFailure
from pipelines.http.client import JsonResponse
from pipelines.ingest.deliveries import Outcome
from pipelines.ingest.feeds import Content
from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.sources.flights import (
    Settings,
    airports_feed,
    archive,
    client,
    feed,
    load,
    source,
    tables,
)
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.stored import Stored

AIRPORTS = ("BUD", "LTN", "LHR", "LGW", "JFK", "CDG", "FRA", "AMS", "LIS", "GRU")
MONDAY = dt.date(2026, 3, 2)
TUESDAY = dt.date(2026, 3, 3)
WEDNESDAY = dt.date(2026, 3, 4)


def load_airports(warehouse: Warehouse, few: pd.DataFrame | None = None) -> None:
    """Load the airports of the package, or a few of them."""
    delivery, read_airports = client.packaged_airports()
    airports = source.runner(airports_feed, warehouse, Settings())
    read = read_airports if few is None else lambda: few
    airports.load(Content(delivery=delivery, document=read))


@contextmanager
def airports_loaded(server: Connections, template: str) -> Iterator[str]:
    """The name of a copy of the template that has the airports, which take long to load."""
    with made(server, template) as name:
        warehouse = Warehouse(server.url(LOADER, name))
        load_airports(warehouse)
        warehouse.dispose()
        yield name


def leg(number: int, origin: str = "BUD", target: str = "LTN", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"leg_{number}",
        "departure_airport": origin,
        "arrival_airport": target,
        "departure_time": "2026-06-01T15:35",
        "arrival_time": "2026-06-01T17:00",
        "stops": 0,
        "airline_name": "Wizz Air",
        "airline_id": "WZ",
        "duration_mins": 145,
        **changes,
    }


def itinerary(number: int, leg_numbers: list[int], **changes: Any) -> dict[str, Any]:
    return {
        "id": f"it_{number}",
        "legs": [f"leg_{number}" for number in leg_numbers],
        "price": "£35",
        "agent": "Trip.com",
        "agent_rating": 9.5,
        **changes,
    }


def many_legs(
    random: Random, count: int, begins: dt.datetime, minutes: int
) -> list[dict[str, Any]]:
    """Legs between some airports that depart within so many minutes."""
    legs = []
    for number in range(count):
        origin, target = random.sample(AIRPORTS, 2)
        departure = begins + dt.timedelta(minutes=random.randrange(minutes))
        arrival = departure + dt.timedelta(minutes=random.randrange(60, 900))
        times = {"departure_time": departure, "arrival_time": arrival}
        legs.append(
            leg(
                number,
                origin,
                target,
                **{name: f"{at:%Y-%m-%dT%H:%M}" for name, at in times.items()},
                stops=random.randrange(3),
                airline_name=f"Air {number % 40}",
                airline_id=f"A{number % 40}",
                duration_mins=random.randrange(60, 600),
            )
        )
    return legs


def flights_document(
    itineraries: list[dict[str, Any]] | None = None, legs: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Two itineraries over three legs, by default."""
    there = leg(1)
    evening = {"departure_time": "2026-06-08T19:45", "arrival_time": "2026-06-08T23:10"}
    back = leg(2, "LTN", "BUD", **evening)
    home = leg(3, "LGW", "BUD", **evening, airline_id="LH", airline_name="Lufthansa", stops=1)
    return {
        "itineraries": itineraries
        if itineraries is not None
        else [itinerary(1, [1, 2]), itinerary(2, [1, 3], price="£90.50", agent="Kiwi.com")],
        "legs": legs if legs is not None else [there, back, home],
    }


def answer(content: Any, at: dt.date | dt.datetime) -> JsonResponse:
    """Return a response received at an instant, or on a day a second after the previous one."""
    body = json.dumps(content).encode()
    if not isinstance(at, dt.datetime):
        at = dt.datetime.combine(at, dt.time(5), dt.UTC) + dt.timedelta(seconds=next(_seconds))
    return JsonResponse("http://source/flights.json", body, content, at)


_seconds = itertools.count()


def deliver(warehouse: Warehouse, at: dt.date | dt.datetime, content: Any) -> list[Outcome]:
    """Archive a document as received then and load what is pending."""
    with warehouse.transaction("flights") as connection:
        archive.keep(connection, answer(content, at))
        pending = archive.pending(connection)
    outcomes = []
    for snapshot_at in pending:
        with warehouse.transaction("flights") as connection:
            runner = source.runner(feed, warehouse, Settings())
            outcomes.append(runner.write(connection, load.content_of(connection, snapshot_at)))
    return outcomes


def bring_up_to_date(
    warehouse: Warehouse, *, rebuild: bool = False
) -> tuple[list[Outcome], list[PermanentFailure]]:
    load_airports(warehouse)
    runner = source.runner(feed, warehouse, Settings())
    return load.bring_up_to_date(runner, rebuild=rebuild)


def keep(warehouse: Warehouse, at: dt.date | dt.datetime, content: Any) -> dt.datetime:
    """Archive a document as received then; return the instant of its snapshot."""
    with warehouse.transaction("flights") as connection:
        return archive.keep(connection, answer(content, at))


def contents(owner: psycopg.Connection) -> dict[str, list[Any]]:
    """Every row of every table that is read from the archive, but for which reading wrote it."""
    return {
        table.name: owner.execute(
            f"SELECT {', '.join(one.name for one in table.columns if one.name != 'delivery_id')}"
            f" FROM {table.fullname} ORDER BY 1, 2"
        ).fetchall()
        for table in tables.READ_FROM_SNAPSHOTS
    }


class Flights(Stored):
    """The tables of flights and the archive of documents."""

    def deliver(self, at: dt.date | dt.datetime, content: Any) -> list[Outcome]:
        return deliver(self.warehouse, at, content)

    def keep(self, at: dt.date | dt.datetime, content: Any) -> dt.datetime:
        return keep(self.warehouse, at, content)

    def bring_up_to_date(
        self, *, rebuild: bool = False
    ) -> tuple[list[Outcome], list[PermanentFailure]]:
        return bring_up_to_date(self.warehouse, rebuild=rebuild)

    def contents(self) -> dict[str, list[Any]]:
        return contents(self.owner)
