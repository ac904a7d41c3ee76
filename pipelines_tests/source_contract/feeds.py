"""The ways into each source, driven alike: what a good record is, a changed one, a bad one.

Each feed is loaded by the source's own job, executed in process: from a folder, or from a service
over HTTP.
"""

import csv
import datetime as dt
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, LiteralString

import dagster as dg
import psycopg

from pipelines.definitions import build_definitions
from pipelines.ingest.deliveries import Outcome
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.fake_source import FakeSource, document
from pipelines_tests.jobs import failures
from pipelines_tests.sources.bookings.made_up import ROOM, event
from pipelines_tests.sources.flights.made_up import flights_document, itinerary, leg
from pipelines_tests.sources.shipments.made_up import line
from pipelines_tests.sources.solar.made_up import day_of_items, register

Record = dict[str, Any]


class LoadFailed(Exception):
    """The job failed, or its check of what could be read did."""


@dataclass
class Site:
    """Where a feed is tried: a database, a folder, a service that the test controls, a clock."""

    warehouse: Warehouse
    owner: psycopg.Connection
    folder: Path
    service: FakeSource
    clock: FakeClock
    #: Of the database, for jobs.
    url: str = ""


class Feed(ABC):
    """One way into a source. Its records are numbered; the same number is the same record."""

    title: ClassVar[str]
    source: ClassVar[str]
    #: The fixture that names the database to copy.
    template: ClassVar[str] = "template"
    #: Returns the stored records as `row` describes them.
    stored: ClassVar[LiteralString]
    #: The fixture with the folders of its package, if it is a plug-in.
    plugin: ClassVar[str | None] = None
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

    def fetch(self) -> list[Outcome]:
        """Execute the job, which loads what was published. Raises `LoadFailed`."""
        ran = self.run(self.source, {"url": self.site.service.url})
        return self.outcomes(ran)

    def run(
        self, job: str, addresses: Mapping[str, str], op: str = "", **config: Any
    ) -> dg.ExecuteInProcessResult:
        """Execute a job of the source in process, its checks and views too. Raises `LoadFailed`."""
        definitions = build_definitions(
            {
                "warehouse": WarehouseResource(url=self.site.url),
                self.source: source_resource(self.source, **addresses),
            }
        )
        ran = definitions.resolve_job_def(job).execute_in_process(
            run_config={"ops": {op: {"config": config}}} if op else {},
            raise_on_error=False,
            tags={"isobar/by_hand": "a test"},
        )
        unreadable = [
            f"{one.check_name}: {one.metadata}"
            for one in ran.get_asset_check_evaluations()
            if one.check_name in ("readable_files", "readable_api") and not one.passed
        ]
        if problems := [*failures(ran), *unreadable]:
            raise LoadFailed("\n".join(problems))
        assert ran.success
        return ran

    def outcomes(self, ran: dg.ExecuteInProcessResult) -> list[Outcome]:
        """The deliveries that a run loaded, as the ledger has them."""
        query = (
            "SELECT delivery_id, read_count, loaded_count, unchanged_count, rejected_count"
            " FROM ops.deliveries WHERE run_id = %s ORDER BY delivery_id"
        )
        found = self.site.owner.execute(query, [ran.run_id]).fetchall()
        return [Outcome(*row) for row in found]

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
        if self.file.exists():
            return self.outcomes(self.run(self.source, {"inbox": str(self.site.folder)}))
        return self.outcomes(self.run(self.source, {}, f"load_{self.source}", file=str(self.file)))


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
        address = {"events_url": self.site.service.url}
        return self.outcomes(self.run("bookings", address, "load_bookings", read_whole=True))


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
        days = {"from_date": str(self.window.first), "to_date": str(self.window.end)}
        address = {"monitoring_url": self.site.service.url}
        job = "backfill_solar_days"
        return self.outcomes(self.run(job, address, "request_days", plants=[self.plant], **days))


class TideDocuments(Feed):
    """The example plug-in. A record is a reading of one station, which is in each document."""

    title = "tides (plug-in), document"
    source = "tides"
    template = "tides_template"
    plugin = "tides_plugin"
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


class LevelFiles(Files):
    """A plug-in with CSV files. A record is the level of a day."""

    title = "levels (plug-in), files, the latest counts"
    source = "lastlevels"
    template = "levels_template"
    plugin = "levels_plugins"
    stored = "SELECT station, day::text, level::text FROM lastlevels.levels"
    mend = ("ice", "2.50")

    def record(self, number: int) -> Record:
        day = dt.date(2026, 1, 1) + dt.timedelta(days=number)
        return {"station": "HEL", "day": day.isoformat(), "level": "2.50"}

    def row(self, record: Record) -> tuple[Any, ...]:
        return record["station"], record["day"], record["level"]

    def changed(self, record: Record) -> Record:
        return record | {"level": "2.60"}

    def spoiled(self, record: Record) -> Record:
        return record | {"level": "ice"}


class FirstLevelFiles(LevelFiles):
    title = "levels (plug-in), files, the first counts"
    source = "firstlevels"
    stored = "SELECT station, day::text, level::text FROM firstlevels.levels"
    latest_wins = False


FEEDS: tuple[type[Feed], ...] = (
    BookingFiles,
    BookingsApi,
    FirstLevelFiles,
    FlightDocuments,
    LevelFiles,
    ShipmentFiles,
    SolarWindows,
    TideDocuments,
)
