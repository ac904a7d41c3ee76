"""The services and files that are spoiled: where each is set, its true answers, what is stored."""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, LiteralString, Protocol
from urllib.parse import parse_qs, urlsplit

import psycopg

from pipelines.sources.solar.windows import Window
from pipelines.testing.fake_clock import FakeClock
from pipelines.testing.fake_source import FakeSource, body
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.faults.faults import (
    ANSWERS,
    CONTENT,
    Spot,
    busy_port,
    spoil,
)
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.flights.made_up import flights_document, itinerary, leg
from pipelines_tests.sources.solar.made_up import items_of, register
from pipelines_tests.tls import authority

NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Bench:
    """Where a cell is tried: a database, a clock, a folder, and other sources, which are well."""

    owner: psycopg.Connection
    warehouse: Warehouse
    warehouse_url: str
    clock: FakeClock
    folder: Path
    sandbox_url: str


class Teller(Protocol):
    """A source that serves the truth, or what a fault makes of it."""

    #: Whether a fault of the content changed anything.
    is_spoiled: bool

    def serve(self, fault: str | None) -> Mapping[str, str]:
        """From now on; returns the environment by which it is found."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source as the matrix has it.

    `assets` of the job are refreshed; `stored` selects the records that landed, a row each,
    and `reported` why others are known to be missing, where that is not in quarantine.
    """

    title: str
    variable: str
    job: str
    assets: tuple[str, ...]
    stored: LiteralString
    reported: LiteralString | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Bench], None] = lambda bench: None
    #: After which it is queried again.
    later: dt.timedelta = dt.timedelta()
    #: Faults that it cannot have, and why.
    spared: Mapping[str, str] = field(default_factory=dict)

    def open(self, bench: Bench) -> Any:
        """A context that gives a `Teller`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Service(Source):
    """A source that is queried over HTTP.

    `truth` is from the path with its query to the document; `spots` is what content faults spoil in
    the first, second and further documents that are requested.
    """

    truth: Callable[[Bench, str], Any]
    spots: Callable[[Any, int], list[Spot]]
    path: str = ""

    @contextmanager
    def open(self, bench: Bench) -> Iterator[Teller]:
        with FakeSource() as fake, ExitStack() as stack:
            yield _Served(self, bench, fake, stack)


class _Served:
    def __init__(self, service: Service, bench: Bench, fake: FakeSource, stack: ExitStack) -> None:
        self.service, self.bench, self.fake, self.stack = service, bench, fake, stack
        self.requested: list[str] = []
        self.is_spoiled = False

    def serve(self, fault: str | None) -> Mapping[str, str]:
        self.fake.will(lambda handler: self._answer(handler, fault))
        address = self._address(fault) + self.service.path
        return {**self.service.settings, self.service.variable: address}

    def _address(self, fault: str | None) -> str:
        if fault == "connection refused":
            return NOWHERE
        if fault == "connect time-out":
            return f"http://127.0.0.1:{self.stack.enter_context(busy_port())}"
        if fault == "TLS failure":
            shown = _unknown_authority(self.bench.folder)
            return _base(self.stack.enter_context(FakeSource(shown.context)))
        return _base(self.fake)

    def _answer(self, handler: BaseHTTPRequestHandler, fault: str | None) -> None:
        if handler.path not in self.requested:
            self.requested.append(handler.path)
        document = self.service.truth(self.bench, handler.path)
        if fault in CONTENT:
            before = json.dumps(document)
            spoil(fault, self.service.spots(document, self.requested.index(handler.path)))
            self.is_spoiled = self.is_spoiled or json.dumps(document) != before
        true = json.dumps(document).encode()
        (ANSWERS[fault](true) if fault in ANSWERS else body(true))(handler)


@cache
def _unknown_authority(folder: Path) -> Any:
    return authority(folder, "unknown")


def _base(fake: FakeSource) -> str:
    return fake.url.removesuffix("/document.json")


FLIGHTS = 40
LEG_KINDS = {
    "id": "text",
    "departure_airport": "text",
    "arrival_airport": "text",
    "departure_time": "time",
    "arrival_time": "time",
    "stops": "number",
    "airline_name": "text",
    "airline_id": "text",
    "duration_mins": "number",
}
ITINERARY_KINDS = {
    "id": "text",
    "legs": "list",
    "price": "text",
    "agent": "text",
    "agent_rating": "number",
}


def _flights(bench: Bench, path: str) -> Any:
    numbers = range(FLIGHTS)
    return flights_document([itinerary(n, [n]) for n in numbers], [leg(n) for n in numbers])


def _flights_spots(document: Any, number: int) -> list[Spot]:
    legs = zip(document["legs"], LEG_KINDS.items(), strict=False)
    itineraries = zip(document["itineraries"][20:], ITINERARY_KINDS.items(), strict=False)
    return [
        Spot(record, key, kind, may_be=("null",) if key == "agent_rating" else ())
        for record, (key, kind) in [*legs, *itineraries]
    ]


flights = Service(
    title="Flights",
    variable="FLIGHTS_URL",
    job="flights",
    assets=(
        "flights.snapshots",
        *(
            f"flights.{table}"
            for table in ("airports", "airlines", "agents", "legs", "prices", "itineraries")
        ),
        "flights.itinerary_legs",
    ),
    stored=(
        "SELECT concat_ws(' ', leg_id, departure_airport, arrival_airport, departure_local,"
        " arrival_local, stops, airline_id, airlines.name, duration_minutes)"
        " FROM flights.legs JOIN flights.airlines USING (airline_id) UNION ALL"
        " SELECT concat_ws(' ', itinerary_id, price_amount, price_currency, agent, agent_rating,"
        " route, airlines) FROM flights.itineraries"
    ),
    truth=_flights,
    spots=_flights_spots,
    path="/flights.json",
)
EVENTS = 70
EVENT_KINDS = {
    "id": "number",
    "hotel_id": "number",
    "event_timestamp": "time",
    "status": "number",
    "room_reservation_id": "uuid",
    "night_of_stay": "time",
}


def _event_spots(events: Any, number: int) -> list[Spot]:
    return [
        Spot(record, key, kind, may_be=("null", "missing") if key == "id" else ())
        for record, (key, kind) in zip(events, EVENT_KINDS.items(), strict=False)
    ]


STORED_EVENTS: LiteralString = (
    "SELECT concat_ws(' ', event_id, hotel_id, event_at, status, room_reservation_id,"
    " night_of_stay) FROM bookings.events"
)
bookings_api = Service(
    title="Hotel bookings, events API",
    variable="BOOKINGS_EVENTS_URL",
    job="bookings",
    assets=("bookings.events",),
    stored=STORED_EVENTS,
    truth=lambda bench, path: [event(number) for number in range(EVENTS)],
    spots=_event_spots,
    path="/events",
    later=dt.timedelta(hours=25),  # after which all is read again
)
ITEM_KINDS = [
    ("expected", "energy"),
    ("expected", "irradiation"),
    ("observed", "energy"),
    ("observed", "irradiation"),
]


def _items(bench: Bench, path: str) -> Any:
    query = parse_qs(urlsplit(path).query)
    return items_of(Window(*(dt.date.fromisoformat(query[name][0]) for name in ("from", "to"))))


def _item_spots(items: Any, number: int) -> list[Spot]:
    values = [
        Spot(item[side], measure, "number")
        for item, (side, measure) in zip(items[8:], ITEM_KINDS, strict=False)
    ]
    return [Spot(items[4], "datetime", "time"), *values]


def _add_plant(bench: Bench) -> None:
    register(bench.owner)


solar = Service(
    title="Solar plants",
    variable="MONITORING_URL",
    job="solar",
    assets=("solar.plants", "solar.readings"),
    settings={"SYNC_EVERY_RUN": "0", "SYNC_UNTIL_YEAR": "0"},
    prepare=_add_plant,
    stored="SELECT to_jsonb(readings) - 'delivery_id' FROM solar.readings",
    reported=(
        "SELECT concat(status, ': ', problem) FROM solar.gaps,"
        " generate_series(1, hours_missing) WHERE status <> 'not requested'"
    ),
    truth=_items,
    spots=_item_spots,
    later=dt.timedelta(minutes=15),
)
