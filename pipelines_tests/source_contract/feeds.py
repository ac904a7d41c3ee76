"""The ways into each source, driven alike: what a good record is, a changed one, a bad one.

Each feed goes through the source's own declared path: a file in a folder, or a service over HTTP.
"""

import csv
import datetime as dt
import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, LiteralString

import psycopg

from pipelines.http.client import HttpClient
from pipelines.ingest.deliveries import Delivery, Outcome, rejects_kept
from pipelines.ingest.file_loader import load_file
from pipelines.ingest.inbox import inspect_file
from pipelines.source import HttpDocument, PagedApi, sources
from pipelines.sources.bookings.client import EventsClient
from pipelines.sources.flights import archive
from pipelines.sources.flights import load as flights_load
from pipelines.sources.flights.client import FlightsClient
from pipelines.sources.solar.sync import Sync
from pipelines.sources.solar.windows import Depth, Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.fake_source import FakeSource, document
from pipelines_tests.loaders import loader
from pipelines_tests.sources.bookings.made_up import ROOM, event
from pipelines_tests.sources.flights.made_up import flights_document, itinerary, leg
from pipelines_tests.sources.shipments.made_up import line
from pipelines_tests.sources.solar.made_up import client_of, day_of_items, register

Record = dict[str, Any]


@dataclass
class Site:
    """Where a feed is tried: a database, a folder, a service that the test controls, a clock."""

    warehouse: Warehouse
    owner: psycopg.Connection
    folder: Path
    service: FakeSource
    clock: FakeClock


class Feed(ABC):
    """One way into a source. Its records are numbered; the same number is the same record."""

    title: ClassVar[str]
    source: ClassVar[str]
    #: The fixture that names the database to copy.
    template: ClassVar[str] = "template"
    #: Returns the stored records as `row` describes them.
    stored: ClassVar[LiteralString]
    #: Whether a changed record replaces the stored one; else the first stays, and it is rejected.
    latest_wins: ClassVar[bool] = True
    #: Records of the ledger for each record here.
    counted: ClassVar[int] = 1
    #: Whether a record that a delivery no longer has stays stored.
    is_additive: ClassVar[bool] = True
    is_http: ClassVar[bool] = True
    #: Whether a delivery that comes corrected has the same name.
    is_named_again: ClassVar[bool] = True
    #: What in the text of a spoiled record is to be replaced by what, to make it good.
    mend: ClassVar[tuple[str, str]] = ("", "")

    def __init__(self, site: Site) -> None:
        self.site = site
        self.deliveries = 0

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Store what has to be there before the first delivery."""

    @abstractmethod
    def record(self, number: int) -> Record:
        """Return a good record."""

    @abstractmethod
    def row(self, record: Record) -> tuple[Any, ...]:
        """Return the record as it is stored."""

    @abstractmethod
    def changed(self, record: Record) -> Record:
        """Return the same record with another value."""

    @abstractmethod
    def spoiled(self, record: Record) -> Record:
        """Return the same record with a value that cannot be."""

    def publish(self, records: Sequence[Record]) -> None:
        """Make the service answer with these records from now on."""
        self.site.service.will(document(list(records)))

    @abstractmethod
    def fetch(self) -> list[Outcome]:
        """Load what was published, as a run does. Raises what a run reports."""

    def deliver(self, records: Sequence[Record]) -> tuple[int, int, int, int]:
        """Publish and load; returns read, loaded, unchanged, rejected of all deliveries."""
        self.deliveries += 1
        self.site.clock.pass_by(hours=25)
        self.publish(records)
        found = [(one.read, one.loaded, one.unchanged, one.rejected) for one in self.fetch()]
        return tuple(map(sum, zip(*found, strict=True))) or (0, 0, 0, 0)  # type: ignore[return-value]

    def records(self, count: int) -> list[Record]:
        return [self.record(number) for number in range(count)]

    def rows(self) -> list[tuple[Any, ...]]:
        """The stored records."""
        return sorted(self.site.owner.execute(self.stored).fetchall())

    def expected(self, records: Sequence[Record]) -> list[tuple[Any, ...]]:
        """Return what is stored of good records."""
        return sorted(map(self.row, records))

    def http(self, variable: str) -> HttpClient:
        """A client that tries twice and does not wait."""
        return HttpClient(self.source, variable, attempts=2, first_wait_seconds=0.01)


class Files(Feed):
    """A folder into which CSV files are dropped."""

    is_http = False

    @property
    def file(self) -> Path:
        return self.site.folder / f"{self.deliveries}.csv"

    def publish(self, records: Sequence[Record]) -> None:
        columns = list(dict.fromkeys(key for record in records for key in record))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        self.file.write_text(text.getvalue())

    def fetch(self) -> list[Outcome]:
        file = inspect_file(self.source, self.file)
        outcome = load_file(self.site.warehouse, self.source, file, loader(self.source))
        return [outcome] if outcome else []


class Events(Feed):
    """Base of the feeds of hotel bookings, files and API."""

    source = "bookings"
    stored = (
        "SELECT event_id, hotel_id, status, room_reservation_id::text, night_of_stay::text,"
        " event_at AT TIME ZONE 'UTC' FROM bookings.events"
    )
    latest_wins = False

    def record(self, number: int) -> Record:
        return event(number + 1, hotel_id=1 + number % 3)

    def row(self, record: Record) -> tuple[Any, ...]:
        return (
            *(record["id"], record["hotel_id"], "booking", ROOM.format(record["id"])),
            *(record["night_of_stay"], dt.datetime.fromisoformat(record["event_timestamp"])),
        )

    def changed(self, record: Record) -> Record:
        return record | {"hotel_id": 99}

    def spoiled(self, record: Record) -> Record:
        return record | {"status": 3}


class BookingFiles(Events, Files):
    title = "bookings, files"
    mend = (",3,", ",1,")


class BookingsApi(Events):
    title = "bookings, API"
    mend = ('"status": 3', '"status": 1')

    def fetch(self) -> list[Outcome]:
        declared = sources()["bookings"]
        (api,) = (one for one in declared.fetch if isinstance(one, PagedApi))
        outcomes, failure = api.poll(
            self.site.warehouse,
            EventsClient(self.site.service.url, self.http("BOOKINGS_EVENTS_URL")),
            declared.settings(),
            run_id=None,
            clock=self.site.clock,
            is_whole=True,
        )
        if failure is not None:
            raise failure
        return outcomes


class ShipmentFiles(Files):
    title = "shipments, files"
    mend = ("free", "3.50")
    source = "shipments"
    stored = (
        "SELECT tracking_number, carrier, status_raw, sku, unit_price::text"
        " FROM shipments.shipments INNER JOIN shipments.articles USING (tracking_number, carrier)"
    )

    def record(self, number: int) -> Record:
        return {**line(number, article_price=f"{number}.50")}

    def row(self, record: Record) -> tuple[Any, ...]:
        names = ("tracking_number", "carrier", "status", "sku", "article_price")
        return tuple(record[name] for name in names)

    def changed(self, record: Record) -> Record:
        return record | {"status": "delivery"}

    def spoiled(self, record: Record) -> Record:
        return record | {"article_price": "free"}


class FlightDocuments(Feed):
    """A record is an itinerary with a leg of its own; a document is all that is on offer."""

    title = "flights, document"
    source = "flights"
    template = "flights_template"
    stored = (
        "SELECT itinerary_id, route, price_amount::text, price_currency, agent"
        " FROM flights.itineraries WHERE withdrawn_at IS NULL"
    )
    counted = 2
    is_additive = False
    is_named_again = False

    def record(self, number: int) -> Record:
        return itinerary(number, [number])

    def row(self, record: Record) -> tuple[Any, ...]:
        price = record["price"].removeprefix("£")
        return (record["id"], "BUD-LTN", f"{price}.00", "GBP", record["agent"])

    def changed(self, record: Record) -> Record:
        return record | {"agent": "Kiwi.com"}

    def spoiled(self, record: Record) -> Record:
        return record | {"price": "free"}

    def publish(self, records: Sequence[Record]) -> None:
        legs = [leg(int(record["id"].removeprefix("it_"))) for record in records]
        self.site.service.will(document(flights_document(list(records), legs)))

    def fetch(self) -> list[Outcome]:
        client = FlightsClient(self.site.service.url, self.http("FLIGHTS_URL"))
        answer = client.fetch()
        with self.site.warehouse.transaction(self.source) as connection:
            archive.keep(connection, answer)
        outcomes, failures = flights_load.bring_up_to_date(self.site.warehouse, run_id=None)
        if failures:
            raise failures[0]
        return outcomes


class SolarWindows(Feed):
    """A record is an hour of two days of one plant."""

    title = "solar, windows"
    source = "solar"
    stored = (
        "SELECT to_char(read_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS'),"
        " expected_energy_kwh, observed_energy_kwh FROM solar.readings"
    )
    window = Window(dt.date(2019, 1, 1), dt.date(2019, 1, 3))

    def prepare(self) -> None:
        self.plant = register(self.site.owner).plant_id

    def record(self, number: int) -> Record:
        days, hour = divmod(number, 24)
        return day_of_items(self.window.first + dt.timedelta(days=days))[hour]

    def row(self, record: Record) -> tuple[Any, ...]:
        return record["datetime"], record["expected"]["energy"], record["observed"]["energy"]

    def changed(self, record: Record) -> Record:
        return record | {"expected": {"energy": 500.0, "irradiation": 1.0}}

    def spoiled(self, record: Record) -> Record:
        return record | {"observed": {"energy": None, "irradiation": 1.0}}

    def fetch(self) -> list[Outcome]:
        client = client_of(self.site.service.url, attempts=2)
        sync = Sync(self.site.warehouse, client, Depth(10, 10), self.site.clock, window=self.window)
        (done,) = sync.plants([self.plant])
        if done.problem:
            raise SyncFailed(done.problem)
        return done.responses


class SyncFailed(Exception):
    """A plant was not refreshed; the run reports why, and the other plants go on."""


class TideDocuments(Feed):
    """The example plug-in. A record is a reading of one station, which is in each document."""

    title = "tides (plug-in), document"
    source = "tides"
    template = "tides_template"
    stored = (
        "SELECT to_char(read_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SSZ'), level_cm"
        " FROM tides.readings"
    )
    stations: ClassVar = [
        {"station_id": "HEL", "name": "Helgoland", "latitude": 54.0, "longitude": 7.0}
    ]

    def record(self, number: int) -> Record:
        at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=number)
        return {"station_id": "HEL", "read_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "level_cm": 250.0}

    def row(self, record: Record) -> tuple[Any, ...]:
        return record["read_at"], record["level_cm"]

    def changed(self, record: Record) -> Record:
        return record | {"level_cm": 260.0}

    def spoiled(self, record: Record) -> Record:
        return record | {"level_cm": "ice"}

    def publish(self, records: Sequence[Record]) -> None:
        self.site.service.will(document({"stations": self.stations, "readings": list(records)}))

    def deliver(self, records: Sequence[Record]) -> tuple[int, int, int, int]:
        """Count the readings alone: the station is loaded once and is unchanged then."""
        read, loaded, unchanged, rejected = super().deliver(records)
        is_first = self.deliveries == 1 or loaded > len(records)
        return read - 1, loaded - is_first, unchanged - (not is_first), rejected

    def fetch(self) -> list[Outcome]:
        declared = sources()["tides"]
        (fetcher,) = (one for one in declared.fetch if isinstance(one, HttpDocument))
        answer = self.http("TIDES_URL").get_json(self.site.service.url)
        delivery = Delivery(
            "tides", "tide_gauges", answer.sha256, len(answer.body), answer.received_at
        )
        store = self.site.warehouse
        with rejects_kept(store, None), store.transaction("tides") as connection:
            return [fetcher.load(connection, answer, delivery, declared.settings(), None)]


FEEDS: tuple[type[Feed], ...] = (
    BookingFiles,
    BookingsApi,
    FlightDocuments,
    ShipmentFiles,
    SolarWindows,
    TideDocuments,
)
