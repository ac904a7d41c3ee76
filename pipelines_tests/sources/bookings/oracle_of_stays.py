"""The numbers of whole reservations, and the raw counts of events: the oracle's second part."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from pipelines_tests.sources.bookings.oracle import (
    Change,
    Event,
    Hotels,
    business_day,
    changes,
    hotel_of,
)


class Stay(NamedTuple):
    """A reservation that was ever booked."""

    hotel_id: int
    reservation: UUID
    #: The hotel's own day on which its first night was booked, whichever night that was.
    first_booked_on: date
    #: The earliest night that was ever booked, cancelled or not.
    arrival: date
    #: Below zero if it was entered after its arrival.
    booking_window_days: int
    nights_booked: int
    is_cancelled: bool


class StaySummary(NamedTuple):
    """The reservations of a hotel and month; means of none are None."""

    reservations: int
    cancelled: int
    cancellation_rate: Fraction
    #: Over all reservations, each once.
    mean_booking_window_days: Fraction
    #: Booked nights, over the reservations that are not cancelled.
    mean_length_of_stay_nights: Fraction | None


Months = dict[tuple[int, date], StaySummary]
#: Bookings and cancellations.
Counts = dict[tuple[int, date], tuple[int, int]]


def stays(events: Iterable[Event], hotels: Hotels) -> list[Stay]:
    reservations: dict[tuple[int, UUID], list[Change]] = defaultdict(list)
    for change in changes(events):
        reservations[change.hotel_id, change.reservation].append(change)
    return [
        _stay(hotel_id, reservation, those, hotels)
        for (hotel_id, reservation), those in reservations.items()
    ]


def _stay(hotel_id: int, reservation: UUID, those: list[Change], hotels: Hotels) -> Stay:
    first_booked_at = min(one.changed_at for one in those if one.change == 1)
    first_booked_on = business_day(hotel_of(hotels, hotel_id), first_booked_at)
    arrival = min(one.night for one in those)
    nights_booked = sum(one.change for one in those)
    return Stay(
        hotel_id,
        reservation,
        first_booked_on,
        arrival,
        (arrival - first_booked_on).days,
        nights_booked,
        nights_booked == 0,
    )


def stays_by_month_of_arrival(events: Iterable[Event], hotels: Hotels) -> Months:
    """Return a summary by hotel and first day of the month."""
    return _by_month(stays(events, hotels), lambda stay: stay.arrival)


def stays_by_month_of_booking(events: Iterable[Event], hotels: Hotels) -> Months:
    """Return a summary by hotel and first day of the month."""
    return _by_month(stays(events, hotels), lambda stay: stay.first_booked_on)


def _by_month(all_stays: Iterable[Stay], day: Callable[[Stay], date]) -> Months:
    months = defaultdict(list)
    for stay in all_stays:
        months[stay.hotel_id, day(stay).replace(day=1)].append(stay)
    return {key: _summary(those) for key, those in months.items()}


def _summary(those: list[Stay]) -> StaySummary:
    lengths = [stay.nights_booked for stay in those if not stay.is_cancelled]
    cancelled = len(those) - len(lengths)
    return StaySummary(
        len(those),
        cancelled,
        Fraction(cancelled, len(those)),
        Fraction(sum(stay.booking_window_days for stay in those), len(those)),
        Fraction(sum(lengths), len(lengths)) if lengths else None,
    )


def counts_by_event_day(events: Iterable[Event]) -> Counts:
    """Count the events of each hotel and day of UTC, whatever they changed."""
    return _counts(events, lambda event: event.event_at.astimezone(UTC).date())


def counts_by_night(events: Iterable[Event]) -> Counts:
    """Count the events of each hotel and night, whatever they changed."""
    return _counts(events, lambda event: event.night)


def _counts(events: Iterable[Event], day: Callable[[Event], date]) -> Counts:
    counts: Counts = {}
    for event in events:
        key = event.hotel_id, day(event)
        bookings, cancellations = counts.get(key, (0, 0))
        is_booking = event.status == "booking"
        counts[key] = bookings + is_booking, cancellations + (not is_booking)
    return counts
