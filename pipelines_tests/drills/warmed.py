"""Imports and preparations for forks, done once so that each of them inherits them.

Only `schedule` has it imported, by the process that is forked.
"""

import datetime as dt

import pyarrow.csv  # noqa: F401

import pipelines_tests.drills.schedule  # noqa: F401
from pipelines.ingest.csv_files import Record, of_records
from pipelines.ingest.feeds import Context
from pipelines.sources.bookings import Settings as BookingSettings
from pipelines.sources.bookings.transform import of_objects, read_events
from pipelines.sources.flights.transform import read_snapshot
from pipelines.sources.shipments import Settings as ShipmentSettings
from pipelines.sources.shipments.addresses import read_address
from pipelines.sources.shipments.transform import COLUMNS, read_lines
from pipelines.sources.solar.transform import read_response
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.flights import made_up as flights
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.solar import made_up as solar

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)

line = shipments.line(article_price="cheap")
read_lines(
    of_records([Record(2, "", [*line.values()], None)], [*line], COLUMNS),
    Context(source="shipments", settings=ShipmentSettings()),
)
read_address(shipments.BERLIN)
read_events(
    of_objects([bookings.event(1), bookings.event(2, status=3)]),
    Context(source="bookings", settings=BookingSettings()),
)
read_snapshot(flights.flights_document(), time_zones={"BUD": "Europe/Budapest"})
read_response(
    solar.answer_of(solar.day_of_items()).document,
    plant_id=1,
    zone="UTC",
    window=solar.ONE_DAY,
    now=NOW,
)
