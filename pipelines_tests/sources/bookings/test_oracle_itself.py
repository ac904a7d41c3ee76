"""The oracle's meaning, pinned by small examples that a person computed; and its histories."""

from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Literal
from uuid import UUID

import pytest

from pipelines_tests.sources.bookings.oracle import (
    YEAR,
    Comparison,
    Event,
    Hotel,
    Pace,
    against_last_year,
    book,
    business_day,
    changes,
    findings,
    last_year,
    occupancy,
    on_the_books,
    on_the_books_at,
    pace,
    pickup,
    stored,
)
from pipelines_tests.sources.bookings.oracle_of_stays import (
    StaySummary,
    counts_by_event_day,
    counts_by_night,
    stays,
    stays_by_month_of_arrival,
    stays_by_month_of_booking,
)

NIGHT = date(2026, 6, 20)
HOTELS = {1: Hotel(1, 70), 2: Hotel(2)}
SEEDS = range(5)


def event(
    number: int | None,
    at: str,
    status: Literal["booking", "cancellation"] = "booking",
    night: date = NIGHT,
    reservation: int = 1,
    hotel_id: int = 1,
) -> Event:
    instant = datetime.fromisoformat(at)
    assert instant.tzinfo is not None
    return Event(number, hotel_id, instant, status, UUID(int=reservation), night)


def booked(hotel_id: int, number: int, day: date, night: date) -> list[Event]:
    """This many reservations of a night, all booked at noon of a day of UTC."""
    return [
        event(None, f"{day}T12:00Z", night=night, reservation=n, hotel_id=hotel_id)
        for n in range(number)
    ]


def test_a_second_cancellation_leaves_no_negative_books() -> None:
    events = [
        event(1, "2026-06-01T10:00Z"),
        event(2, "2026-06-02T10:00Z", "cancellation"),
        event(3, "2026-06-03T10:00Z", "cancellation"),
    ]
    assert on_the_books(events, HOTELS, 1, NIGHT, NIGHT) == 0
    assert occupancy(events, HOTELS, 1, NIGHT, NIGHT) == 0
    assert pickup(events, HOTELS, 1, NIGHT, date(2026, 6, 7), 7) == 0
    assert pickup(events, HOTELS, 1, NIGHT, date(2026, 6, 7), 6) == -1
    assert findings(events, HOTELS) == {("double_cancellation", 3)}
    june = stays_by_month_of_arrival(events, HOTELS)[1, date(2026, 6, 1)]
    assert june == StaySummary(1, 1, Fraction(1), Fraction(19), None)
    assert counts_by_night(events) == {(1, NIGHT): (1, 2)}
    assert counts_by_event_day(events)[1, date(2026, 6, 3)] == (0, 1)


def test_a_hotel_without_last_year_is_on_neither_side_of_a_comparison() -> None:
    closed_on = date(2026, 6, 10)
    events = [
        *booked(1, 100, closed_on - timedelta(days=2), NIGHT),
        *booked(1, 100, closed_on - YEAR - timedelta(days=30), NIGHT - YEAR),
        *booked(2, 80, closed_on - timedelta(days=2), NIGHT),
    ]
    compared = against_last_year(events, HOTELS, [NIGHT], closed_on)
    assert compared == Comparison(100, 100, hotels_compared=1, hotels=2)
    assert last_year(events, HOTELS, 2, NIGHT, closed_on) is None


def test_last_year_is_known_thirty_days_after_the_first_event_and_no_day_before() -> None:
    # The night a year before 20 June 2026 is 21 June 2025: both are Saturdays.
    events = booked(1, 3, date(2025, 1, 1), date(2025, 6, 21))
    known_on = date(2026, 1, 30)  # a year before: 31 January 2025
    assert last_year(events, HOTELS, 1, NIGHT, known_on) == 3
    assert last_year(events, HOTELS, 1, NIGHT, known_on - timedelta(days=1)) is None


def test_an_evening_in_los_angeles_belongs_to_its_own_night() -> None:
    hotels = {1: Hotel(1, 70, "America/Los_Angeles")}
    night = date(2026, 11, 29)
    events = [event(1, "2026-11-29T18:30:00-08:00", night=night)]
    assert business_day(hotels[1], events[0].event_at) == night
    assert findings(events, hotels) == set()
    assert [stay.booking_window_days for stay in stays(events, hotels)] == [0]
    assert pace(events, hotels, 1, night, night + timedelta(days=1), night, 1) == [
        Pace(1, 0, None),
        Pace(0, 1, None),
    ]
    # By UTC the event is of the day after: counts of events stay there.
    assert counts_by_event_day(events) == {(1, date(2026, 11, 30)): (1, 0)}
    assert findings(events, {1: Hotel(1)}) == {("event_after_night", 1)}


def test_a_long_stay_counts_once_in_the_booking_window() -> None:
    week = [NIGHT + timedelta(days=number) for number in range(7)]
    events = [
        *(event(n, "2026-06-10T12:00Z", night=night) for n, night in enumerate(week)),
        event(8, "2026-06-19T12:00Z", reservation=2),
    ]
    june = StaySummary(2, 0, Fraction(0), Fraction(11, 2), Fraction(4))
    assert stays_by_month_of_arrival(events, HOTELS) == {(1, date(2026, 6, 1)): june}


def test_a_stay_keeps_its_arrival_and_its_first_booking_when_nights_are_cancelled() -> None:
    second = NIGHT + timedelta(days=1)
    events = [
        event(1, "2026-05-30T12:00Z", night=second),
        event(2, "2026-06-05T12:00Z"),
        event(3, "2026-06-06T12:00Z", "cancellation"),
        event(4, "2026-06-21T12:00Z", reservation=2),
        event(5, "2026-06-01T12:00Z", "cancellation", reservation=3),  # never booked: no stay
    ]
    first, after_arrival = stays(events, HOTELS)
    assert (first.first_booked_on, first.arrival) == (date(2026, 5, 30), NIGHT)
    assert (first.booking_window_days, first.nights_booked, first.is_cancelled) == (21, 1, False)
    assert after_arrival.booking_window_days == -1
    by_booking = stays_by_month_of_booking(events, HOTELS)
    assert [(month, s.reservations) for (_, month), s in by_booking.items()] == [
        (date(2026, 5, 1), 1),
        (date(2026, 6, 1), 1),
    ]


@pytest.mark.parametrize(
    ("local", "begins", "day"),
    [
        ("2026-06-21T01:30:00+02:00", time(4), NIGHT),  # a walk-in after midnight
        ("2026-06-21T03:59:59+02:00", time(4), NIGHT),
        ("2026-06-21T04:00:00+02:00", time(4), date(2026, 6, 21)),
        ("2026-06-21T00:00:00+02:00", time(0), date(2026, 6, 21)),
        # 2026-03-29: 02:00 becomes 03:00. The day begins at 04:00 by the clock all the same.
        ("2026-03-29T01:59:00+01:00", time(4), date(2026, 3, 28)),
        ("2026-03-29T03:59:00+02:00", time(4), date(2026, 3, 28)),
        ("2026-03-29T04:00:00+02:00", time(4), date(2026, 3, 29)),
        # 2026-10-25: 03:00 becomes 02:00.
        ("2026-10-25T02:30:00+02:00", time(4), date(2026, 10, 24)),
        ("2026-10-25T03:59:00+01:00", time(4), date(2026, 10, 24)),
        ("2026-10-25T04:00:00+01:00", time(4), date(2026, 10, 25)),
        # A day that begins within the hour that repeats begins twice: the clock decides.
        ("2026-10-25T02:40:00+02:00", time(2, 30), date(2026, 10, 25)),
        ("2026-10-25T02:10:00+01:00", time(2, 30), date(2026, 10, 24)),
    ],
)
def test_a_business_day_is_cut_by_the_clock_of_berlin(local: str, begins: time, day: date) -> None:
    hotel = Hotel(1, None, "Europe/Berlin", begins)
    assert business_day(hotel, datetime.fromisoformat(local)) == day


@pytest.mark.parametrize(
    ("local", "day"),
    [
        ("2026-03-08T01:59:00-08:00", date(2026, 3, 7)),
        ("2026-03-08T03:59:00-07:00", date(2026, 3, 7)),
        ("2026-03-08T04:00:00-07:00", date(2026, 3, 8)),
        ("2026-11-01T01:30:00-07:00", date(2026, 10, 31)),
        ("2026-11-01T01:30:00-08:00", date(2026, 10, 31)),
        ("2026-11-01T03:59:00-08:00", date(2026, 10, 31)),
        ("2026-11-01T04:00:00-08:00", date(2026, 11, 1)),
    ],
)
def test_a_business_day_is_cut_by_the_clock_of_los_angeles(local: str, day: date) -> None:
    hotel = Hotel(1, None, "America/Los_Angeles")
    assert business_day(hotel, datetime.fromisoformat(local)) == day


def test_without_a_zone_the_day_is_of_utc_and_begins_at_midnight() -> None:
    hotel = Hotel(1, None, None, time(4))
    assert business_day(hotel, datetime.fromisoformat("2026-06-21T01:30:00+02:00")) == NIGHT
    assert business_day(hotel, datetime.fromisoformat("2026-06-21T00:00Z")) == date(2026, 6, 21)


def test_at_one_time_a_booking_counts_before_a_cancellation_whatever_their_ids() -> None:
    events = [
        event(2, "2026-06-01T10:00Z"),
        event(1, "2026-06-01T10:00Z", "cancellation"),
        event(4, "2026-06-02T10:00Z"),
        event(3, "2026-06-02T10:00Z"),
    ]
    assert [change.change for change in changes(events)] == [1, -1, 1]
    assert book(events, HOTELS) == {(1, NIGHT, date(2026, 6, 2)): 1}
    assert findings(events, HOTELS) == {("double_booking", 4)}


def test_a_cancellation_before_its_booking_cancels_nothing() -> None:
    events = [
        event(1, "2026-06-05T10:00Z"),
        event(2, "2026-06-01T10:00Z", "cancellation"),
        event(3, "2026-06-02T10:00Z", "cancellation"),
    ]
    assert on_the_books(events, HOTELS, 1, NIGHT, NIGHT) == 1
    before = {("cancelled_before_booked", 2), ("cancelled_before_booked", 3)}
    assert findings(events, HOTELS) == before


def test_the_books_of_an_instant_have_what_happened_at_it() -> None:
    events = [event(1, "2026-06-05T10:00Z")]
    at = events[0].event_at
    assert on_the_books_at(events, 1, NIGHT, at) == 1
    assert on_the_books_at(events, 1, NIGHT, at - timedelta(microseconds=1)) == 0


def test_pace_is_unknown_for_days_to_come_and_before_the_first_event() -> None:
    end = NIGHT + timedelta(days=2)
    events = [
        *booked(1, 2, NIGHT - YEAR - timedelta(days=2), NIGHT - YEAR),
        *booked(1, 5, NIGHT - timedelta(days=1), NIGHT),
        *booked(1, 3, NIGHT, NIGHT + timedelta(days=1)),
    ]
    assert pace(events, HOTELS, 1, NIGHT, end, NIGHT, 3) == [
        Pace(3, 0, None),
        Pace(2, 0, 2),
        Pace(1, 8, 2),
        Pace(0, None, 2),
    ]


def test_an_event_whose_id_comes_later_is_one_event() -> None:
    without, with_id = event(None, "2026-06-01T10:00Z"), event(7, "2026-06-01T10:00Z")
    twin, changed = event(8, "2026-06-01T10:00Z"), event(7, "2026-06-09T10:00Z")
    assert stored([[without], [without]]) == [without]
    assert stored([[without], [with_id]]) == [with_id]
    assert stored([[with_id], [without, with_id], [changed]]) == [with_id]
    assert stored([[without], [with_id, twin]]) == [with_id, twin]
