"""The audit: hotels in turns within a budget, and the nights of new events."""

import datetime as dt
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.orchestration.resources import utc_now
from pipelines.sources.bookings import audits
from pipelines.sources.bookings.counts import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.sources.bookings.made_up import deliver, event

FOUND = "SELECT rule, hotel_id, event_id FROM bookings.findings ORDER BY 1, 2, 3"
AUDITED = "SELECT hotel_id FROM bookings.audits ORDER BY audited_at, hotel_id"
RULES = ("booked_before_cancelled", "no_double_booking", "event_before_stay", "matches_recount")


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

    def audit(self, later: dt.timedelta = dt.timedelta()) -> int:
        return audits.audit(self.warehouse, lambda: utc_now() + later).hotels

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.owner.execute(query.encode()).fetchall()

    def is_due(self) -> bool:
        with self.warehouse.engine.connect() as connection:
            return audits.is_due(connection, utc_now(), dt.timedelta(hours=23))


@pytest.fixture
def hotels(warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection) -> Hotels:
    return Hotels(warehouse, tmp_path, owner)


def test_within_the_budget_every_hotel_is_audited(hotels: Hotels) -> None:
    assert hotels.is_due()
    assert hotels.audit() == 3
    assert hotels.rows(AUDITED) == [(1,), (2,), (3,)]
    assert not hotels.is_due()


def test_beyond_the_budget_only_hotels_whose_audit_is_old(
    hotels: Hotels, monkeypatch: pytest.MonkeyPatch
) -> None:
    hotels.audit()
    monkeypatch.setattr(audits, "BUDGET_SECONDS", -1.0)
    assert hotels.audit() == 0
    ago = "UPDATE bookings.audits SET audited_at = audited_at - interval '{}' WHERE hotel_id = {}"
    hotels.owner.execute(ago.format("5 days 23 hours", 1).encode())
    hotels.owner.execute(ago.format("6 days 1 hour", 2).encode())
    assert hotels.audit() == 1
    assert hotels.rows(AUDITED) == [(1,), (3,), (2,)]


def test_new_events_are_audited_with_the_older_ones_of_their_nights(
    hotels: Hotels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of hotels that no audit has read; a booking that comes later settles a finding."""
    monkeypatch.setattr(audits, "BUDGET_SECONDS", -1.0)
    again, unbooked = event(4, hotel_id=1), event(5, hotel_id=2, status=2)
    again["room_reservation_id"] = event(1)["room_reservation_id"]
    hotels.send(again, unbooked)
    assert hotels.audit() == 0
    expected = [("booked_before_cancelled", 2, 5), ("no_double_booking", 1, 4)]
    assert hotels.rows(FOUND) == expected
    hotels.send(event(6, hotel_id=3))
    assert hotels.is_due()
    hotels.audit()
    assert hotels.rows(FOUND) == expected
    booked = unbooked | {"id": 7, "status": 1, "event_timestamp": "2022-01-01 00:00:00"}
    hotels.send(booked)
    hotels.audit()
    assert hotels.rows(FOUND) == expected[1:]
    assert not hotels.is_due()


def test_counts_of_a_hotel_without_events_are_found_until_all_are_counted_anew(
    hotels: Hotels,
) -> None:
    hotels.owner.execute(
        "INSERT INTO metrics.hotel_bookings_by_event_day (hotel_id, day, bookings, cancellations)"
        " VALUES (99, '2022-01-01', 1, 0)"
    )
    hotels.owner.execute("DELETE FROM metrics.hotel_bookings_by_stay_night WHERE hotel_id = 2")
    hotels.audit()
    assert hotels.rows(FOUND) == [("matches_recount", 2, None), ("matches_recount", 99, None)]
    refresh(hotels.warehouse, rebuild=True)
    assert hotels.rows(FOUND) == []


def test_what_is_found_of_hotels_in_turn_is_replaced(hotels: Hotels) -> None:
    hotels.send(event(5, hotel_id=2, status=2))
    for _ in range(2):
        hotels.audit()
        assert hotels.rows(FOUND) == [("booked_before_cancelled", 2, 5)]
    hotels.owner.execute("UPDATE bookings.events SET status = 'booking' WHERE event_id = 5")
    refresh(hotels.warehouse, rebuild=True)
    hotels.audit()
    assert hotels.rows(FOUND) == []


def test_every_rule_has_the_check_that_shows_it() -> None:
    for rule in RULES:
        query = read_sql("pipelines.sources.bookings", f"checks/{rule}")
        assert f"WHERE rule = '{rule}'" in query
