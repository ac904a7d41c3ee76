"""Numbers of hotels beside the oracle's, over histories with everything that senders do."""

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.sources.bookings.counts import look, refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings import oracle
from pipelines_tests.sources.bookings.histories import CLOSED_ON, History, history
from pipelines_tests.sources.bookings.made_up import deliver
from pipelines_tests.sources.bookings.oracle_of_stays import counts_by_event_day, counts_by_night

STATUS = {"booking": 1, "cancellation": 2}
COUNTS = "SELECT hotel_id, day, bookings, cancellations FROM metrics.hotel_bookings_by_{}"
CHANGES = """
SELECT hotel_id, night_of_stay, room_reservation_id, changed_at, change
FROM enriched.reservation_changes
"""
FINDINGS = """
SELECT rule, event_id, hotel_id, room_reservation_id, day, status, event_at FROM bookings.findings
WHERE rule <> 'matches_recount'
"""
ON_THE_BOOKS = "SELECT * FROM metrics.hotel_on_the_books(%s, %s, %s, %s)"


def sent(event: oracle.Event) -> dict[str, Any]:
    """An event as a file has it."""
    return {
        "id": "" if event.event_id is None else event.event_id,
        "hotel_id": event.hotel_id,
        "event_timestamp": event.event_at.isoformat(),
        "status": STATUS[event.status],
        "room_reservation_id": str(event.reservation),
        "night_of_stay": event.night.isoformat(),
    }


@pytest.fixture(params=[1, 2, 3])
def loaded(
    request: pytest.FixtureRequest, warehouse: Warehouse, tmp_path: Path
) -> tuple[History, list[oracle.Event]]:
    """A history whose deliveries are all loaded, each counted by itself; and its events."""
    given = history(request.param)
    for number, batch in enumerate(given.batches):
        deliver(warehouse, tmp_path, [sent(event) for event in batch], f"{number}.csv")
        refresh(warehouse)
    return given, oracle.stored(given.batches)


@pytest.mark.parametrize("is_whole", [False, True])
def test_findings_are_those_of_the_events(
    loaded: tuple[History, list[oracle.Event]],
    owner: psycopg.Connection,
    warehouse: Warehouse,
    is_whole: bool,
) -> None:
    """By the days of each hotel: whether its nights are looked at, or all."""
    given, events = loaded
    for hotel in given.hotels.values():
        owner.execute(
            "INSERT INTO bookings.hotels (hotel_id, name, rooms, time_zone, day_begins)"
            " VALUES (%s, 'A hotel', %s, %s, %s)",
            [hotel.hotel_id, hotel.rooms, hotel.time_zone, hotel.day_begins],
        )
    look(warehouse, is_whole=is_whole)
    found = owner.execute(FINDINGS).fetchall()
    expected = oracle.findings(events, given.hotels)
    keys = {(rule, key if key >= 0 else (*fields,)) for rule, key, *fields in found}
    assert keys == expected, "an event without an id is known by its fields"
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("time_zone", "Mars/North", 'time zone "Mars/North" not recognized'),
        ("time_zone", "CET+1", "time_zone_is_like_europe_berlin"),
        ("day_begins", "25:00", "date/time field value out of range"),
        ("day_begins", "13:00", "day_begins_in_the_morning"),
    ],
)
def test_a_day_that_no_hotel_has_is_rejected_with_words(
    owner: psycopg.Connection, column: str, value: str, words: str
) -> None:
    insert = f"INSERT INTO bookings.hotels (hotel_id, name, {column}) VALUES (1, 'A', %s)"
    with pytest.raises(psycopg.Error, match=words):
        owner.execute(insert.encode(), [value])
    owner.execute("INSERT INTO bookings.hotels (hotel_id, name, time_zone) VALUES (1, 'A', 'UTC')")


def test_raw_counts_are_those_of_the_events(
    loaded: tuple[History, list[oracle.Event]], owner: psycopg.Connection
) -> None:
    _, events = loaded
    axes = {"event_day": counts_by_event_day(events), "stay_night": counts_by_night(events)}
    for axis, expected in axes.items():
        found = owner.execute(COUNTS.format(axis).encode()).fetchall()
        assert {(hotel, day): (one, two) for hotel, day, one, two in found} == expected


def test_changes_of_the_books_are_those_of_the_events(
    loaded: tuple[History, list[oracle.Event]], owner: psycopg.Connection
) -> None:
    _, events = loaded
    expected = [
        (one.hotel_id, one.night, one.reservation, one.changed_at, one.change)
        for one in oracle.changes(events)
    ]
    assert sorted(owner.execute(CHANGES).fetchall()) == sorted(expected)


def test_what_is_on_the_books_at_an_instant_is_what_the_events_say(
    loaded: tuple[History, list[oracle.Event]], owner: psycopg.Connection
) -> None:
    given, events = loaded
    first, last = CLOSED_ON - dt.timedelta(days=20), CLOSED_ON + dt.timedelta(days=40)
    nights = [first + dt.timedelta(days=number) for number in range((last - first).days)]
    for hotel_id in {event.hotel_id for event in events}:
        hotel = oracle.hotel_of(given.hotels, hotel_id)
        for days in (0, 1, 30):
            at = oracle.last_instant(hotel, given.closed_on - dt.timedelta(days=days))
            found = owner.execute(ON_THE_BOOKS, [hotel_id, at, first, last]).fetchall()
            assert found == [
                (night, oracle.on_the_books_at(events, hotel_id, night, at)) for night in nights
            ]


def test_what_is_on_the_books_now_counts_no_event_that_changes_nothing(
    loaded: tuple[History, list[oracle.Event]], owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    _, events = loaded
    look(warehouse)
    nights, days = Counter[Any](), Counter[Any]()
    for event in events:
        nights[event.hotel_id, event.night] += 0
        days[event.hotel_id, event.event_at.astimezone(dt.UTC).date()] += 0
    for change in oracle.changes(events):
        nights[change.hotel_id, change.night] += change.change
        days[change.hotel_id, change.changed_at.astimezone(dt.UTC).date()] += change.change
    for view, expected in (("hotel_nights", nights), ("hotel_changes_by_day", days)):
        found = owner.execute(f"SELECT * FROM metrics.{view}".encode()).fetchall()
        assert {(hotel, day): count for hotel, day, count in found} == expected
