"""Stages of tables whose names or columns are like others'."""

import datetime as dt
from typing import Any

import psycopg
import pytest
from pydantic import BaseModel
from sqlalchemy import BigInteger, Column, Double, Table, Text

from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content, Feed, Insert, Upsert
from pipelines.ingest.parsers import Json, Records
from pipelines.ingest.runner import Runner
from pipelines.source import delivery_id_column, source_metadata
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.ingest.levels import Owner, make_table


class Day(BaseModel):
    """A day."""

    day: str
    level: float


class Ordered(BaseModel):
    """An order of a sender who calls its fields by words of SQL."""

    order: int
    limit: float
    user: str
    words: str | None = None
    quote: str | None = None


def runner_of(
    store: Warehouse,
    owner: psycopg.Connection,
    tables: list[tuple[str, Any]],
    parse: Json,
    how: Any,
) -> Runner:
    metadata = source_metadata()
    for name, columns in tables:
        schema, _, own = name.partition(".")
        Table(own, metadata, *columns, delivery_id_column(), schema=schema)
    for table in metadata.sorted_tables:
        make_table(owner, table)
    return Runner(
        Owner("tid", metadata=metadata), Feed(name="tid", parse=parse, load=how), store, None
    )


def load(runner: Runner, document: dict[str, Any]) -> tuple[int, int, int, int]:
    delivery = Delivery("tid", "tid", str(document), 1, dt.datetime.now(dt.UTC))
    outcome = runner.load(Content(delivery=delivery, document=document))
    assert outcome is not None
    return outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected


@pytest.mark.parametrize("how", [Upsert(), Insert()])
def test_tables_of_one_name_in_two_schemas_are_two(
    warehouse: Warehouse, owner: psycopg.Connection, how: Any
) -> None:
    """Incident: rows for metrics.daily landed in the table of the same name of the source."""
    names = ("bookings.daily", "flights.daily", f"bookings.{'d' * 60}", f"bookings.{'d' * 59}e")
    days = [
        (name, (Column("day", Text, primary_key=True), Column("level", Double))) for name in names
    ]
    kinds = [Records(at=f"list{n}", model=Day, table=name) for n, name in enumerate(names)]
    runner = runner_of(warehouse, owner, days, Json(*kinds), how)
    document = {f"list{n}": [{"day": "Mon", "level": n}] for n in range(len(names))}
    assert load(runner, document) == (4, 4, 0, 0)
    stored = [owner.execute(f"SELECT level FROM {name}".encode()).fetchall() for name in names]
    assert stored == [[(0.0,)], [(1.0,)], [(2.0,)], [(3.0,)]]
    document["list1"] += [{"day": "Mon", "level": 9}]
    assert load(runner, document) == (5, 0, 4, 1)
    key = owner.execute("SELECT record_key FROM ops.quarantine").fetchone()
    assert key == (["flights.daily", "Mon"],)


@pytest.mark.parametrize("how", [Upsert(), Insert()])
def test_columns_that_need_quotation_marks_are_loaded(
    warehouse: Warehouse, owner: psycopg.Connection, how: Any
) -> None:
    """Incident: a column called order failed in COPY, which lists columns."""
    keys = [Column("order", BigInteger, primary_key=True), Column("user", Text, primary_key=True)]
    others = [Column("limit", Double), Column("words", Text), Column("quote", Text)]
    parse = Json(Records(at="orders", model=Ordered, table="bookings.ordered"))
    table = ("bookings.ordered", (*keys, *others))
    runner = runner_of(warehouse, owner, [table], parse, how)
    order = {"order": 1, "user": "A", "limit": 1.5, "words": None}
    assert load(runner, {"orders": [order, order | {"user": "B"}]}) == (2, 2, 0, 0)
    changed = order | {"limit": 2}
    counts = (2, 1, 0, 1) if isinstance(how, Upsert) else (2, 0, 0, 2)
    assert load(runner, {"orders": [changed, {"order": 1, "user": "A", "limit": "x"}]}) == counts
    key = owner.execute("SELECT DISTINCT record_key FROM ops.quarantine").fetchall()
    assert key == [(["bookings.ordered", "1", "A"],)]
    assert load(runner, {"orders": [order | {"order": 2}]}) == (1, 1, 0, 0)
