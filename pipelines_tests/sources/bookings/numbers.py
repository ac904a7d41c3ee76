"""The numbers of hotels in a database beside those of the oracle."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from math import copysign, floor
from typing import Any

import psycopg

from pipelines_tests.sources.bookings import oracle, oracle_of_stays

COUNTS = "SELECT hotel_id, day, bookings, cancellations FROM metrics.hotel_bookings_by_{}"
CHANGES = """
SELECT hotel_id, night_of_stay, room_reservation_id, changed_at, change
FROM enriched.reservation_changes
"""
BOOK = "SELECT hotel_id, night_of_stay, changed_on, change FROM metrics.hotel_book"
FINDINGS = """
SELECT rule, event_id, hotel_id, room_reservation_id, day, status, event_at FROM bookings.findings
"""
AT_CLOSE = """
SELECT
    hotel_id, period_start, on_the_books, on_the_books_last_year, occupancy,
    pickup_1_day, pickup_7_days, pickup_7_days_before, pickup_30_days
FROM metrics.hotels_at_close(%s, %s, 'day', %s)
"""
PACE = """
SELECT days_before_arrival, on_the_books, on_the_books_last_year
FROM metrics.hotel_pace(%s, %s, %s, %s, %s)
"""
STAYS = """
SELECT
    hotel_id, month_from, reservations, cancelled, cancellation_ratio, booking_window_days,
    length_of_stay_nights
FROM metrics.hotel_stays
WHERE axis = %s
"""
ON_THE_BOOKS = "SELECT night_of_stay, on_the_books FROM metrics.hotel_on_the_books(%s, %s, %s, %s)"
LEAD_TIMES = """
SELECT hotel_id, night_of_stay, room_reservation_id, lead_time_days FROM enriched.reservation_nights
WHERE lead_time_days IS NOT NULL
"""
NIGHTS = 30

Events = list[oracle.Event]


class Numbers:
    """What a database says of hotels whose events an oracle knows, too."""

    def __init__(
        self, owner: psycopg.Connection, events: Events, hotels: oracle.Hotels, closed_on: dt.date
    ) -> None:
        self.owner, self.events, self.hotels, self.closed_on = owner, events, hotels, closed_on
        self.ids = {event.hotel_id for event in events}
        self.of_hotel = {
            key: [event for event in events if event.hotel_id == key] for key in self.ids
        }
        self.nights = [closed_on + dt.timedelta(days=1 + number) for number in range(NIGHTS)]

    def differences(self) -> list[str]:
        """Return each number that differs, with what was found and what it is."""
        pairs = {
            "counts by event day": (
                self._rows(COUNTS.format("event_day")),
                _flat(oracle_of_stays.counts_by_event_day(self.events)),
            ),
            "counts by night": (
                self._rows(COUNTS.format("stay_night")),
                _flat(oracle_of_stays.counts_by_night(self.events)),
            ),
            "changes": (self._rows(CHANGES), [*map(tuple, oracle.changes(self.events))]),
            "book": (self._rows(BOOK), _flat(oracle.book(self.events, self.hotels))),
            "lead times": (self._rows(LEAD_TIMES), self._lead_times()),
            "findings": (self._found(), [*oracle.findings(self.events, self.hotels)]),
            "at close": (
                self._rows(AT_CLOSE, self.nights[0], self._end, self.closed_on),
                [self._at_close(hotel, night) for hotel in self.ids for night in self.nights],
            ),
            "stays by arrival": (
                self._rows(STAYS, "arrival"),
                _months(oracle_of_stays.stays_by_month_of_arrival(self.events, self.hotels)),
            ),
            "stays by booking": (
                self._rows(STAYS, "booking"),
                _months(oracle_of_stays.stays_by_month_of_booking(self.events, self.hotels)),
            ),
        }
        for hotel in self.ids:
            pairs |= {f"pace of {hotel}": self._pace(hotel)}
            pairs |= {
                f"books of {hotel}, {days} days before": self._at_an_instant(hotel, days)
                for days in (0, 1, 30)
            }
        return [
            f"{name}: {found_not_expected}"
            for name, (found, expected) in pairs.items()
            if (found_not_expected := _difference(found, expected))
        ]

    @property
    def _end(self) -> dt.date:
        return self.nights[-1] + dt.timedelta(days=1)

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.owner.execute(query.encode(), values).fetchall()

    def _found(self) -> list[tuple[Any, ...]]:
        """Findings by the id of the event, or by its fields if it was sent without."""
        return [
            (rule, key if key is not None and key >= 0 else (*fields,))
            for rule, key, *fields in self._rows(FINDINGS)
        ]

    def _lead_times(self) -> list[tuple[Any, ...]]:
        """Days from the business day of the first booking to the night."""
        first: dict[Any, dt.datetime] = {}
        for hotel_id, night, reservation, at, change in oracle.changes(self.events):
            if change == 1:
                key = hotel_id, night, reservation
                first[key] = min(at, first.get(key, at))
        return [
            (*key, (key[1] - oracle.business_day(oracle.hotel_of(self.hotels, key[0]), at)).days)
            for key, at in first.items()
        ]

    def _at_close(self, hotel_id: int, night: dt.date) -> tuple[Any, ...]:
        events = self.of_hotel[hotel_id]
        first = min(events, key=lambda event: event.event_at)  # since when the hotel is known
        nights = night, night - oracle.YEAR
        near = [event for event in events if event is first or event.night in nights]
        of_night = near, self.hotels, hotel_id, night
        week = oracle.pickup(*of_night, self.closed_on, 7)
        return (
            hotel_id,
            night,
            oracle.on_the_books(*of_night, self.closed_on),
            oracle.last_year(*of_night, self.closed_on),
            _rounded(oracle.occupancy(*of_night, self.closed_on), 4),
            oracle.pickup(*of_night, self.closed_on, 1),
            week,
            oracle.pickup(*of_night, self.closed_on, 14) - week,
            oracle.pickup(*of_night, self.closed_on, 30),
        )

    def _pace(self, hotel_id: int) -> tuple[list[Any], list[Any]]:
        """Four weeks around the closed day: some nights have come, and some have not."""
        hotel = oracle.hotel_of(self.hotels, hotel_id)
        begin, end = (self.closed_on + dt.timedelta(days=days) for days in (-14, 14))
        at = oracle.last_instant(hotel, self.closed_on) + dt.timedelta(microseconds=1)
        expected = oracle.pace(
            self.of_hotel[hotel_id], self.hotels, hotel_id, begin, end, self.closed_on, 60
        )
        return self._rows(PACE, hotel_id, begin, end, at, 60), [*map(tuple, expected)]

    def _at_an_instant(self, hotel_id: int, days: int) -> tuple[list[Any], list[Any]]:
        """The books at the last instant of a business day are those of its close."""
        closed_on = self.closed_on - dt.timedelta(days=days)
        at = oracle.last_instant(oracle.hotel_of(self.hotels, hotel_id), closed_on)
        book = oracle.book(self.of_hotel[hotel_id], self.hotels)
        closed = Counter[dt.date]()
        for (_, night, changed_on), change in book.items():
            closed[night] += change if changed_on <= closed_on else 0
        found = self._rows(ON_THE_BOOKS, hotel_id, at, self.nights[0], self._end)
        return found, [(night, closed[night]) for night in self.nights]


def _flat(numbers: dict[Any, Any]) -> list[tuple[Any, ...]]:
    """Rows of a key and the value or values of it."""
    return [
        (*key, *(value if isinstance(value, tuple) else (value,))) for key, value in numbers.items()
    ]


def _months(summaries: oracle_of_stays.Months) -> list[tuple[Any, ...]]:
    return [
        (*key, *counts, _rounded(rate, 4), _rounded(window, 2), _rounded(length, 2))
        for key, (*counts, rate, window, length) in summaries.items()
    ]


def _rounded(value: Fraction | None, places: int) -> float | None:
    """Return a fraction with so many decimals, the half away from zero."""
    if value is None:
        return None
    return float(copysign(floor(abs(value) * 10**places + Fraction(1, 2)), value) / 10**places)


def _difference(found: list[Any], expected: list[Any]) -> str:
    plain = [
        tuple(float(value) if isinstance(value, Decimal) else value for value in row)
        for row in found
    ]
    more, less = Counter(plain), Counter(expected)
    if more == less:
        return ""
    return f"found {[*(more - less)][:5]}, expected {[*(less - more)][:5]}"
