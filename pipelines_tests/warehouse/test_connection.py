"""Sets of rows into tables, and what a second time does."""

import signal

import pandas as pd
import psycopg
import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, text

from pipelines.failures import TransientFailure
from pipelines.warehouse.connection import (
    Warehouse,
    copy_text,
    count_statement,
    csv_text,
    upsert_statement,
)

NAMES = Table(
    "names",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("name", Text),
    Column("delivery_id", BigInteger),
    schema="flights",
)
COLUMNS = ("key", "name", "record")


@pytest.fixture(autouse=True)
def names_table(owner: psycopg.Connection) -> None:
    owner.execute("SET ROLE isobar_owner")
    owner.execute(
        "CREATE TABLE flights.names (key text PRIMARY KEY, name text, delivery_id bigint)"
    )


def name_frame(**names: str) -> pd.DataFrame:
    return pd.DataFrame(
        [(key, name, record) for record, (key, name) in enumerate(names.items())],
        columns=["key", "name", "record"],
    )


def upsert(connection: Connection, frame: pd.DataFrame) -> int:
    """Stage rows and write them; returns how many were written."""
    connection.execute(text("CREATE TEMP TABLE changed (record integer) ON COMMIT DROP"))
    staged = "CREATE TEMP TABLE stage_names (key text, name text, record integer) ON COMMIT DROP"
    connection.execute(text(staged))
    copy_text(connection, "stage_names", csv_text(frame))
    statement = text(upsert_statement(NAMES, COLUMNS))
    return int(connection.execute(statement, {"delivery_id": 1}).scalar_one())


def load(warehouse: Warehouse, frame: pd.DataFrame) -> tuple[int, int]:
    """Rows written and source records that changed something."""
    with warehouse.transaction("test") as connection:
        written = upsert(connection, frame)
        changed = connection.execute(text("SELECT count(DISTINCT record) FROM changed"))
        return written, int(changed.scalar_one())


def test_only_rows_that_differ_are_written(warehouse: Warehouse) -> None:
    assert load(warehouse, name_frame(WZ="Wizz Air", BA="British Airways")) == (2, 2)
    assert load(warehouse, name_frame(WZ="Wizz Air", BA="British Airways")) == (0, 0)
    assert load(warehouse, name_frame(WZ="Wizz", BA="British Airways", LH="Lufthansa")) == (2, 2)


def test_the_first_of_several_rows_with_one_key_counts(warehouse: Warehouse) -> None:
    frame = pd.concat([name_frame(WZ="first"), name_frame(WZ="second")])
    frame["record"] = [4, 7]
    assert load(warehouse, frame) == (1, 1)
    with warehouse.engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM flights.names")).scalar() == "first"


def test_hostile_texts_arrive_as_they_are(warehouse: Warehouse) -> None:
    names = ['"', "''; DROP TABLE x", "a,b", "\\.", "\\N", "Łódź ✈", "%s :name {x}", "=1+1", "-- x"]
    load(warehouse, name_frame(**{f"A{i}": name for i, name in enumerate(names)}))
    with warehouse.engine.connect() as connection:
        stored = connection.execute(text("SELECT name FROM flights.names ORDER BY key"))
        assert list(stored.scalars()) == names


def test_missing_values_are_nulls_and_empty_texts_are_not(warehouse: Warehouse) -> None:
    frame = pd.DataFrame({"key": ["", "b"], "name": [None, ""], "record": [0, 1]})
    load(warehouse, frame)
    with warehouse.engine.connect() as connection:
        stored = connection.execute(text("SELECT key, name FROM flights.names"))
        assert sorted(map(tuple, stored)) == [("", None), ("b", "")]


def test_more_rows_than_a_chunk_all_arrive(warehouse: Warehouse) -> None:
    frame = pd.DataFrame({"n": range(120_001)})
    with warehouse.transaction("test") as connection:
        connection.execute(text("CREATE TEMP TABLE numbers (n integer) ON COMMIT DROP"))
        copy_text(connection, "numbers", csv_text(frame))
        query = text("SELECT count(DISTINCT n), max(n) FROM numbers")
        assert tuple(connection.execute(query).one()) == (120_001, 120_000)


def test_records_are_counted_where_they_ended_up(warehouse: Warehouse) -> None:
    with warehouse.transaction("test") as connection:
        upsert(connection, name_frame(WZ="Wizz Air", BA="British Airways"))
        counted = text(count_statement([(NAMES, COLUMNS)]))
        assert connection.execute(counted).scalar() == 2
        connection.execute(text("DELETE FROM flights.names WHERE key = 'BA'"))
        assert connection.execute(counted).scalar() == 1


def test_a_lost_server_is_reported_in_words(warehouse: Warehouse) -> None:
    end_this_session = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with (
        pytest.raises(TransientFailure, match="did not take the load, nothing was written"),
        warehouse.transaction("test") as connection,
    ):
        connection.execute(end_this_session)


class Stopped(BaseException):
    """As Dagster interrupts a run that someone stops."""


def test_a_run_stops_even_while_waiting_for_the_database(warehouse: Warehouse) -> None:
    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(Stopped), warehouse.transaction("test") as connection:
            connection.connection.cursor().execute("SELECT pg_sleep(60)")  # as COPY waits
    finally:
        signal.signal(signal.SIGALRM, before)
