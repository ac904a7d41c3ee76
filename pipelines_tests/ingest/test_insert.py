"""The policy `Insert` for a source of nothing but models, a table and a feed."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel
from sqlalchemy import BigInteger, Column, Numeric, Table, Text, Uuid

from pipelines.failures import PermanentFailure
from pipelines.ingest.csv_files import Batch
from pipelines.ingest.deliveries import Delivery, unbalanced
from pipelines.ingest.feeds import Content, Feed, Insert, Parsed
from pipelines.ingest.parsers import Csv, Json, Records
from pipelines.ingest.runner import Runner
from pipelines.source import Name, delivery_id_column, source_metadata
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.ingest.levels import FEED, HEADER, Levels, Owner, line, make_table

QUARANTINE = "SELECT position, reason_codes[1] FROM ops.quarantine ORDER BY 1"


@pytest.fixture
def levels(stored_levels: Levels) -> Levels:
    """Levels of which the first one stays."""
    feed = replace(FEED, load=Insert())
    stored_levels.runner = Runner(Owner(), feed, stored_levels.warehouse, None)
    return stored_levels


def test_a_retry_never_overwrites(levels: Levels) -> None:
    levels.deliver("a.csv", *(line(name, "ice") for name in "ABC"), line("B", 222))
    levels.owner.execute("UPDATE ops.quarantine SET raw = replace(raw, 'ice', '1') WHERE raw < 'C'")
    (outcome,) = levels.runner.retry()
    assert (outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected) == (3, 1, 0, 2)
    assert levels.rows() == [("A", 1.0), ("B", 222.0)]
    assert levels.rows(QUARANTINE) == [("line 3", "came_before"), ("line 4", "level_invalid")]
    levels.check()


def test_batches_are_compared_as_one(levels: Levels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.ingest.csv_files.BLOCK_LINES", 1)
    monkeypatch.setattr("pipelines.ingest.csv_files.PIECE_BYTES", 60)
    lines = [line(f"S{number % 50:02}", number // 100) for number in range(200)]
    assert levels.deliver("a.csv", *lines) == (200, 50, 50, 100)
    assert levels.rows("SELECT count(*), max(level) FROM bookings.levels") == [(50, 0.0)]
    levels.check()


def test_rows_without_their_text_are_a_bug(levels: Levels) -> None:
    """Incident: those that contradict others were left out without a word."""

    def read(batch: Batch, _: Any) -> Parsed:
        return batch.parsed({"bookings.levels": batch.sent}, {})

    columns = tuple(HEADER.strip().split(","))
    feed = Feed(name="levels", parse=Csv(columns=columns, read=read), load=Insert())
    levels.runner = Runner(Owner(), feed, levels.warehouse, None)
    with pytest.raises(PermanentFailure, match=r"bookings\.levels have no column raw"):
        levels.deliver("a.csv", line("A", 1))


class Trip(BaseModel):
    """A trip, whose key is neither one column nor an integer."""

    trip_id: UUID
    version: int
    price: float


class Stop(BaseModel):
    """A stop, in the same document."""

    stop: Name
    number: int


@pytest.fixture
def trips(warehouse: Warehouse, owner: psycopg.Connection) -> Runner:
    """A source of two lists in a document."""
    metadata = source_metadata()
    rounded = Column("price", Numeric(10, 2), nullable=False)
    key = (Column("trip_id", Uuid, primary_key=True), Column("version", Numeric, primary_key=True))
    Table("trips", metadata, *key, rounded, delivery_id_column(), schema="bookings")
    stop, number = Column("stop", Text, primary_key=True), Column("number", BigInteger)
    Table("stops", metadata, stop, number, delivery_id_column(), schema="bookings")
    for table in metadata.sorted_tables:
        make_table(owner, table)
    parse = Json(
        Records(at="trips", model=Trip, table="bookings.trips"),
        Records(at="stops", model=Stop, table="bookings.stops"),
    )
    feed = Feed(name="trips", parse=parse, load=Insert())
    return Runner(Owner("trips", metadata=metadata), feed, warehouse, None)


def test_rows_of_tables_with_keys_of_any_type(trips: Runner, owner: psycopg.Connection) -> None:
    one, other = "7B0C8E0C-0000-4000-8000-000000000001", "7b0c8e0c-0000-4000-8000-000000000002"

    def load(trips_: list[Any], *stops: Any) -> tuple[int, int, int, int]:
        delivery = Delivery("trips", "trips", str(trips_), 1, dt.datetime.now(dt.UTC))
        document = {"trips": trips_, "stops": [*stops]}
        outcome = trips.load(Content(delivery=delivery, document=document))
        assert outcome is not None
        return outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected

    trip = {"trip_id": one, "version": 1, "price": 1.005}
    stop = {"stop": "A", "number": 1}
    assert load([trip, trip | {"trip_id": other}], stop) == (3, 3, 0, 0)
    same = trip | {"trip_id": one.lower()}
    assert load([same, trip | {"version": 2}, trip | {"price": 3}], stop) == (4, 1, 2, 1)
    bad = {"trip_id": other.upper(), "version": 2, "price": "free"}
    assert load([bad, trip], stop | {"number": 2}) == (3, 0, 1, 2)
    found = owner.execute(
        "SELECT position, reason_codes[1], record_key FROM ops.quarantine ORDER BY quarantine_id"
    ).fetchall()
    assert found == [
        ("trips[2]", "came_before", ["bookings.trips", one.lower(), "1"]),
        ("trips[0]", "price_invalid", ["bookings.trips", other, "2"]),
        ("stops[0]", "came_before", ["bookings.stops", "A"]),
    ]
    assert load([bad | {"price": 2}]) == (1, 1, 0, 0)
    left = owner.execute("SELECT position FROM ops.quarantine ORDER BY 1").fetchall()
    assert left == [("stops[0]",), ("trips[2]",)]
    with trips.store.engine.connect() as connection:
        assert unbalanced(connection, "trips") == []
