"""The drivers of the project's own sources: how their records look, and what is stored of them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from pipelines.ingest.deliveries import Outcome
from pipelines.sources.bookings import counts
from pipelines.sources.solar.windows import Window
from pipelines.testing import Driver, Files, document
from pipelines.testing.records import Record
from pipelines_tests.sources.bookings.made_up import ROOM, event
from pipelines_tests.sources.flights.made_up import flights_document, itinerary, leg
from pipelines_tests.sources.shipments.made_up import line
from pipelines_tests.sources.solar.made_up import day_of_items, register


class Events(Driver):
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

    def settle(self) -> None:
        counts.refresh(self.site.warehouse)
        counts.compare(self.site.warehouse)


class BookingFiles(Events, Files):
    title = "bookings, files"


class BookingsApi(Events):
    title = "bookings, API"
    setting = "events_url"
    options: ClassVar = {"read_whole": True}


class ShipmentFiles(Files):
    title = "shipments, files"
    contradicting = 2  # nobody knows which line is right
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


class FlightDocuments(Driver):
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
        numbers = [record["id"].removeprefix("it_") for record in records]
        legs = [leg(int(number)) for number in numbers if number.isdigit()]
        self.site.service.will(document(flights_document(list(records), legs)))


class SolarWindows(Driver):
    """A record is an hour of two days of one plant."""

    title = "solar, windows"
    source = "solar"
    stored = (
        "SELECT to_char(read_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS'),"
        " expected_energy_kwh, observed_energy_kwh FROM solar.readings"
    )
    window = Window(dt.date(2019, 1, 1), dt.date(2019, 1, 3))
    setting = "monitoring_url"
    complete_count = 48

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

    def fetch_from(self, place: str) -> list[Outcome]:
        days = {"from_date": str(self.window.first), "to_date": str(self.window.end)}
        address = {self.setting: place}
        job = "backfill_solar_days"
        return self.outcomes(self.run(job, address, "request_days", plants=[self.plant], **days))


DRIVERS: tuple[type[Driver], ...] = (
    BookingFiles,
    BookingsApi,
    FlightDocuments,
    ShipmentFiles,
    SolarWindows,
)
