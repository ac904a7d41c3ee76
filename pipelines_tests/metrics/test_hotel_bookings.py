"""The counts of hotel bookings: each event once, however it came and whatever broke."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from pipelines.failures import Failure
from pipelines.ingest import watermarks
from pipelines.sources.bookings import counts as hotel_bookings
from pipelines.sources.bookings.counts import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings.made_up import Event, Inbox, event

TABLES = ("hotel_bookings_by_event_day", "hotel_bookings_by_stay_night")
ANEW = """
SELECT
    hotel_id, {day}, count(*) FILTER (WHERE status = 'booking'),
    count(*) FILTER (WHERE status = 'cancellation'),
    sum(CASE status WHEN 'booking' THEN 1 ELSE -1 END)
FROM bookings.events GROUP BY 1, 2 ORDER BY 1, 2
"""
DAYS = ("(event_at AT TIME ZONE 'UTC')::date", "night_of_stay")


def counted(inbox: Inbox) -> list[Any]:
    return [inbox.rows(f"SELECT * FROM metrics.{table} ORDER BY hotel_id, day") for table in TABLES]


def anew(inbox: Inbox) -> list[Any]:
    return [inbox.rows(ANEW.format(day=day)) for day in DAYS]


def one_of_many(number: int) -> Event:
    day = f"2022-{1 + number % 12:02}-{1 + number % 28:02}"
    return event(number, hotel_id=number % 7, event_timestamp=f"{day} 23:59:59", night_of_stay=day)


@pytest.fixture
def inbox(warehouse: Warehouse, owner: Connection, tmp_path: Path) -> Inbox:
    return Inbox(warehouse, owner, tmp_path)


@pytest.fixture
def many(inbox: Inbox) -> Inbox:
    """A thousand events that are counted, and statistics about them."""
    inbox.deliver([one_of_many(number) for number in range(1000)], "many.csv")
    inbox.owner.execute("ANALYZE bookings.events")
    refresh(inbox.warehouse)
    return inbox


def test_events_are_counted_by_utc_day_and_by_night(inbox: Inbox) -> None:
    events = [
        event(1, event_timestamp="2022-07-31T23:59:59Z"),
        event(2, event_timestamp="2022-08-01T01:00:00+02:00", status=2),
        event(3, event_timestamp="2022-08-01T00:00:00Z"),
    ]
    inbox.deliver(events)
    assert refresh(inbox.warehouse)[0] == 3
    assert counted(inbox) == [
        [(2607, date(2022, 7, 31), 1, 1, 0), (2607, date(2022, 8, 1), 1, 0, 1)],
        [(2607, date(2022, 8, 1), 2, 1, 1)],
    ]


def test_counting_again_adds_nothing(many: Inbox) -> None:
    """DEF E53: the same events, read again, were added again."""
    before = counted(many)
    assert refresh(many.warehouse)[0] == 0
    many.deliver([one_of_many(number) for number in range(3)], "again.csv")
    assert refresh(many.warehouse)[0] == 0
    assert counted(many) == before == anew(many)


def test_new_events_are_added_and_very_many_cause_a_rebuild(many: Inbox) -> None:
    for first, count, is_rebuilt in ((1000, 20, False), (1020, 500, True)):
        fresh = [event(n, hotel_id=n % 9, status=1 + n % 2) for n in range(first, first + count)]
        many.deliver(fresh, f"{count}.csv")
        assert refresh(many.warehouse) == (count, is_rebuilt)
        assert counted(many) == anew(many)


def test_a_month_is_counted_once_whatever_its_key(many: Inbox) -> None:
    """DEF E62: rows of months had no day, and the unique key let them in as often as they came."""
    keys = many.row(
        "SELECT count(*), count(DISTINCT (hotel_id, day)) FROM metrics.hotel_bookings_by_event_day"
    )
    assert keys is not None
    assert keys[0] == keys[1]
    with pytest.raises(psycopg.errors.NotNullViolation):
        many.owner.execute(
            "INSERT INTO metrics.hotel_bookings_by_event_day VALUES (1, NULL, 1, 0, DEFAULT)"
        )
    query = "SELECT sum(bookings) FROM metrics.hotel_bookings(%s, %s, 2022)"
    for hotel in range(7):
        sums = [many.row(query, hotel, period) for period in ("day", "month")]
        assert sums[0] == sums[1] == many.row(query, hotel, "year")


def test_a_crash_before_the_watermark_moves_leaves_counts_unchanged(
    many: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    many.deliver([event(2000)], "fresh.csv")
    before = counted(many)

    def crash(connection: Any, *_: Any) -> None:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patched, pytest.raises(Failure):
        patched.setattr(hotel_bookings, "move", crash)
        refresh(many.warehouse)
    assert counted(many) == before
    assert refresh(many.warehouse)[0] == 1
    assert counted(many) == anew(many)


def test_refreshes_and_loads_at_once_count_each_event_once(many: Inbox) -> None:
    def load(part: int) -> None:
        for number in range(3):
            first = 10_000 * (part + 1) + 10 * number
            events = [event(n, hotel_id=n % 5) for n in range(first, first + 15)]
            many.deliver(events, f"{part}-{number}.csv")

    def count() -> None:
        for number in range(6):
            refresh(many.warehouse, rebuild=number % 4 == 3)

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(load, part) for part in range(3)]
        done += [pool.submit(count) for _ in range(3)]
    assert [one.exception() for one in done] == [None] * 6
    refresh(many.warehouse)
    assert counted(many) == anew(many)
    with many.warehouse.engine.connect() as connection:
        assert watermarks.position(connection, "bookings.events") == 10
        assert watermarks.position(connection, hotel_bookings.WATERMARK) == 10
