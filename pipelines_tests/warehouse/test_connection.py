"""Sets of rows as COPY takes them, and a transaction that is lost or stopped."""

import signal

import pandas as pd
import pytest
from sqlalchemy import Connection, text

from pipelines.failures import TransientFailure
from pipelines.warehouse.connection import Warehouse, copy_text, csv_text


def copied(connection: Connection, frame: pd.DataFrame, columns: str) -> None:
    connection.execute(text(f"CREATE TEMP TABLE copied ({columns}) ON COMMIT DROP"))
    copy_text(connection, "copied", csv_text(frame))


def test_hostile_texts_arrive_as_they_are(warehouse: Warehouse) -> None:
    names = ['"', "''; DROP TABLE x", "a,b", "\\.", "\\N", "Łódź ✈", "%s :name {x}", "=1+1", "-- x"]
    frame = pd.DataFrame({"n": range(len(names)), "name": names})
    with warehouse.transaction("test") as connection:
        copied(connection, frame, "n int, name text")
        assert [*connection.execute(text("SELECT name FROM copied ORDER BY n")).scalars()] == names


def test_missing_values_are_nulls_and_empty_texts_are_not(warehouse: Warehouse) -> None:
    """In more rows than a chunk has."""
    frame = pd.DataFrame({"key": ["", "b"] * 60_001, "name": [None, ""] * 60_001})
    with warehouse.transaction("test") as connection:
        copied(connection, frame, "key text, name text")
        stored = connection.execute(text("SELECT key, name, count(*) FROM copied GROUP BY 1, 2"))
        assert sorted(map(tuple, stored)) == [("", None, 60_001), ("b", "", 60_001)]


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
