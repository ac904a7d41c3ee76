"""What contradicts among events: the nights of new ones, and all of them once a week."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.sources.bookings.counts import compare, refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings.made_up import deliver, event

FOUND = "SELECT rule, hotel_id, event_id FROM bookings.findings ORDER BY 1, 2, 3"


class Hotels:
    """Hotels 1 to 3 with an event each, and further deliveries."""

    def __init__(self, warehouse: Warehouse, folder: Path, owner: psycopg.Connection) -> None:
        self.warehouse, self.folder, self.owner = warehouse, folder, owner
        self.files = 0
        self.send(*(event(number, hotel_id=number) for number in (1, 2, 3)))

    def send(self, *events: dict[str, Any]) -> None:
        self.files += 1
        deliver(self.warehouse, self.folder, list(events), f"{self.files}.txt")
        refresh(self.warehouse)

    def found(self, *, audit: bool = False) -> list[tuple[Any, ...]]:
        if audit:
            compare(self.warehouse)
        return self.owner.execute(FOUND.encode()).fetchall()


@pytest.fixture
def hotels(warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection) -> Hotels:
    return Hotels(warehouse, tmp_path, owner)


def test_new_events_are_looked_at_with_the_older_ones_of_their_nights(hotels: Hotels) -> None:
    """A booking that comes later settles a finding."""
    again, unbooked = event(4, hotel_id=1), event(5, hotel_id=2, status=2)
    again["room_reservation_id"] = event(1)["room_reservation_id"]
    hotels.send(again, unbooked)
    expected = [("cancelled_before_booked", 2, 5), ("double_booking", 1, 4)]
    assert hotels.found() == expected
    hotels.send(event(6, hotel_id=3))
    assert hotels.found() == expected
    booked = unbooked | {"id": 7, "status": 1, "event_timestamp": "2022-01-01 00:00:00"}
    hotels.send(booked)
    assert hotels.found() == expected[1:]
    assert hotels.found(audit=True) == expected[1:]


def test_counts_that_differ_are_found_until_all_are_counted_anew(hotels: Hotels) -> None:
    hotels.owner.execute(
        "INSERT INTO metrics.hotel_bookings_by_event_day (hotel_id, day, bookings, cancellations)"
        " VALUES (99, '2022-01-01', 1, 0)"
    )
    hotels.owner.execute("DELETE FROM metrics.hotel_bookings_by_stay_night WHERE hotel_id = 2")
    assert hotels.found() == []
    differing = [("matches_recount", 2, None), ("matches_recount", 99, None)]
    assert hotels.found(audit=True) == differing
    assert hotels.found() == differing
    refresh(hotels.warehouse, rebuild=True)
    assert hotels.found() == []


def test_events_that_were_changed_by_hand_are_seen_when_all_are_counted_anew(
    hotels: Hotels,
) -> None:
    hotels.send(event(5, hotel_id=2, status=2))
    for _ in range(2):
        assert hotels.found(audit=True) == [("cancelled_before_booked", 2, 5)]
    hotels.owner.execute("UPDATE bookings.events SET status = 'booking' WHERE event_id = 5")
    refresh(hotels.warehouse, rebuild=True)
    assert hotels.found() == []
    assert hotels.found(audit=True) == []


def test_a_hotel_whose_zone_is_entered_has_no_events_after_their_nights(hotels: Hotels) -> None:
    """As the check advises: the finding goes with the next refresh, and not a week later."""
    late = event(8, hotel_id=3, event_timestamp="2022-08-02 02:30:00", night_of_stay="2022-08-01")
    hotels.send(late)
    assert hotels.found() == [("event_after_night", 3, 8)]
    hotels.owner.execute(
        "INSERT INTO bookings.hotels (hotel_id, name, time_zone)"
        " VALUES (3, 'A', 'America/New_York')"
    )
    refresh(hotels.warehouse)
    assert hotels.found() == []


def test_a_finding_has_the_id_with_which_its_event_came_later(hotels: Hotels) -> None:
    """It kept the one that was made up, which no event had any more."""
    nameless = event("", hotel_id=1, status=2)
    hotels.send(*(event(number, hotel_id=number) for number in range(10, 20)), nameless)
    ((rule, hotel, made_up),) = hotels.found()
    assert (rule, hotel) == ("cancelled_before_booked", 1)
    assert made_up < 0
    hotels.send(nameless | {"id": 9})
    assert hotels.found() == [("cancelled_before_booked", 1, 9)]


def test_a_rebuild_forgets_events_that_were_deleted(hotels: Hotels) -> None:
    """The first day of a hotel stayed that of a wrong event, and a hotel without events stale."""
    hotels.send(event(8, hotel_id=3, event_timestamp="1990-01-01 12:00:00"))
    first = "SELECT first_day::text FROM enriched.hotels WHERE hotel_id = 3"
    assert hotels.owner.execute(first).fetchall() == [("1990-01-01",)]
    hotels.owner.execute("DELETE FROM bookings.events WHERE event_id IN (2, 8)")
    refresh(hotels.warehouse, rebuild=True)
    assert hotels.owner.execute(first).fetchall() == [("2022-07-31",)]
    kept = "SELECT hotel_id FROM bookings.books ORDER BY 1"
    assert hotels.owner.execute(kept).fetchall() == [(1,), (3,)]


def test_no_book_is_stale_where_there_is_nothing_to_count(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """A rebuild of an empty database made the sensor start a run each half a minute."""
    refresh(warehouse, rebuild=True)
    assert owner.execute("TABLE bookings.stale_books").fetchall() == []


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ("time_zone = 'Europe/Berln+1'", "hotels_time_zone_is_like_europe_berlin"),
        ("time_zone = 'Foo/Bar3'", "hotels_time_zone_is_like_europe_berlin"),
        ("time_zone = 'Europe/Berln'", 'time zone "Europe/Berln" not recognized'),
        ("time_zone = '+02'", "hotels_time_zone_is_like_europe_berlin"),
        ("day_begins = '25:00'", 'out of range: "25:00"'),
        ("day_begins = '13:00'", "hotels_day_begins_in_the_morning"),
    ],
)
def test_days_that_are_none_are_rejected_with_words_and_the_book_stays(
    hotels: Hotels, days: str, words: str
) -> None:
    kept = sorted(hotels.owner.execute("TABLE metrics.hotel_book").fetchall())
    entered = (
        "INSERT INTO bookings.hotels (hotel_id, name, time_zone) VALUES (3, 'A', 'Asia/Tokyo')"
    )
    hotels.owner.execute(entered.encode())
    with pytest.raises(psycopg.Error, match=re.escape(words)):
        hotels.owner.execute(f"UPDATE bookings.hotels SET {days} WHERE hotel_id = 3".encode())
    refresh(hotels.warehouse)
    assert sorted(hotels.owner.execute("TABLE metrics.hotel_book").fetchall()) == kept
