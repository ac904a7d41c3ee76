"""The hotel numbers, computed a second time from their definitions and the raw events alone.

Plain Python without SQL, which shares nothing with the code that it judges. Whole histories are
computed anew on each call: what counts here is that a reader can check each function by eye.

A business day is the hotel's own: it begins at `day_begins` by the clock on the hotel's wall. A
hotel without a time zone, or without a row at all, has days of UTC that begin at midnight.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

#: The same weekday a year before.
YEAR = timedelta(days=364)
#: A hotel's history is known on a day if its first event is at least this much older.
BEFORE_KNOWN = timedelta(days=30)


@dataclass(frozen=True)
class Event:
    """A booking or cancellation of one night of a reservation; `event_id` is None if not sent."""

    event_id: int | None
    hotel_id: int
    event_at: datetime
    status: Literal["booking", "cancellation"]
    reservation: UUID
    night: date

    @property
    def fields(self) -> tuple[int, UUID, date, str, datetime]:
        """What identifies an event without an id."""
        return self.hotel_id, self.reservation, self.night, self.status, self.event_at

    @property
    def key(self) -> object:
        return self.fields if self.event_id is None else self.event_id


@dataclass(frozen=True)
class Hotel:
    hotel_id: int
    rooms: int | None = None
    time_zone: str | None = None
    day_begins: time = time(4)


class Change(NamedTuple):
    """A reservation night becomes booked (1), or is booked no longer (-1)."""

    hotel_id: int
    night: date
    reservation: UUID
    changed_at: datetime
    change: int


class Pace(NamedTuple):
    """Nights on the books so many days before each of them; None if that is not known."""

    days_before: int
    this_year: int | None
    last_year: int | None


Hotels = Mapping[int, Hotel]
Book = dict[tuple[int, date, date], int]


def stored(batches: Iterable[Iterable[Event]]) -> list[Event]:
    """Return each event once, whatever was delivered again, without its id or with it.

    Of two events with one id the first stays. An event without an id is the one with the same
    fields; it gets the first id that comes for it.
    """
    with_id: dict[int, Event] = {}
    without_id: dict[object, Event] = {}
    for event in (event for batch in batches for event in batch):
        if event.event_id is None:
            without_id.setdefault(event.fields, event)
        else:
            with_id.setdefault(event.event_id, event)
    known = {event.fields for event in with_id.values()}
    return [*with_id.values(), *(e for fields, e in without_id.items() if fields not in known)]


def business_day(hotel: Hotel, instant: datetime) -> date:
    if hotel.time_zone is None:
        return instant.astimezone(UTC).date()
    wall = instant.astimezone(ZoneInfo(hotel.time_zone)).replace(tzinfo=None)
    return wall.date() if wall.time() >= hotel.day_begins else wall.date() - timedelta(days=1)


def last_instant(hotel: Hotel, day: date) -> datetime:
    """Return the last microsecond of a business day."""
    begins, zone = time(0), "UTC"
    if hotel.time_zone is not None:
        begins, zone = hotel.day_begins, hotel.time_zone
    end = datetime.combine(day + timedelta(days=1), begins, ZoneInfo(zone))
    return end.astimezone(UTC) - timedelta(microseconds=1)


def hotel_of(hotels: Hotels, hotel_id: int) -> Hotel:
    return hotels.get(hotel_id, Hotel(hotel_id))


def in_order(events: Iterable[Event]) -> list[list[Event]]:
    """Return the events of each reservation night in the order in which they count."""
    nights = defaultdict(list)
    for event in events:
        nights[event.hotel_id, event.night, event.reservation].append(event)
    return [
        # No two events without ids have the same fields: the last part of the key decides only
        # between ids.
        sorted(those, key=lambda e: (e.event_at, e.status != "booking", e.event_id or 0))
        for those in nights.values()
    ]


def changes(events: Iterable[Event]) -> Iterator[Change]:
    for those in in_order(events):
        is_booked = False
        for event in those:
            books = event.status == "booking"
            if books != is_booked:
                is_booked = books
                change = 1 if books else -1
                yield Change(event.hotel_id, event.night, event.reservation, event.event_at, change)


def book(events: Iterable[Event], hotels: Hotels) -> Book:
    """Return the changes by hotel, night and business day, without sums of zero."""
    sums: Book = defaultdict(int)
    for hotel_id, night, _, changed_at, change in changes(events):
        sums[hotel_id, night, business_day(hotel_of(hotels, hotel_id), changed_at)] += change
    return {key: change for key, change in sums.items() if change}


def on_the_books(
    events: Iterable[Event], hotels: Hotels, hotel_id: int, night: date, closed_on: date
) -> int:
    """Return the reservation nights booked at the close of a business day."""
    return _sum(book(_of(events, hotel_id), hotels), night, closed_on)


def on_the_books_at(events: Iterable[Event], hotel_id: int, night: date, instant: datetime) -> int:
    return sum(
        one.change
        for one in changes(_of(events, hotel_id))
        if one.night == night and one.changed_at <= instant
    )


def pickup(
    events: Iterable[Event],
    hotels: Hotels,
    hotel_id: int,
    night: date,
    closed_on: date,
    days: int,
) -> int:
    """Return the sum of the changes of the last `days` business days."""
    the_book = book(_of(events, hotel_id), hotels)
    before = closed_on - timedelta(days=days)
    return _sum(the_book, night, closed_on) - _sum(the_book, night, before)


def first_day(events: Iterable[Event], hotels: Hotels, hotel_id: int) -> date | None:
    """Return the business day of a hotel's first event."""
    times = [event.event_at for event in _of(events, hotel_id)]
    return business_day(hotel_of(hotels, hotel_id), min(times)) if times else None


def last_year(
    events: Sequence[Event], hotels: Hotels, hotel_id: int, night: date, closed_on: date
) -> int | None:
    """Return the books 364 days earlier, None unless the hotel's history is known then.

    Nor is a night known that was before its first event.
    """
    first = first_day(events, hotels, hotel_id)
    if first is None or first > min(closed_on - YEAR - BEFORE_KNOWN, night - YEAR):
        return None
    return on_the_books(events, hotels, hotel_id, night - YEAR, closed_on - YEAR)


class Comparison(NamedTuple):
    """Both years of the hotels that have both; how many these are, of how many."""

    this_year: int
    last_year: int
    hotels_compared: int
    hotels: int


def against_last_year(
    events: Sequence[Event], hotels: Hotels, nights: Sequence[date], closed_on: date
) -> Comparison:
    """Compare all hotels that have events, over some nights."""
    everyone = {event.hotel_id for event in events}
    this, last, compared = 0, 0, 0
    for hotel_id in everyone:
        before = [last_year(events, hotels, hotel_id, night, closed_on) for night in nights]
        known = [number for number in before if number is not None]
        if len(known) == len(nights):
            this += sum(on_the_books(events, hotels, hotel_id, n, closed_on) for n in nights)
            last += sum(known)
            compared += 1
    return Comparison(this, last, compared, len(everyone))


def pace(
    events: Sequence[Event],
    hotels: Hotels,
    hotel_id: int,
    from_night: date,
    to_night: date,
    closed_on: date,
    days: int,
) -> list[Pace]:
    """Return the books of the nights before `to_night`, from `days` days before each to its own.

    This year's are None if a night has not come so near yet. Last year's are None for the same
    reason, or if the hotel's first event is after the earliest of the days.
    """
    the_book = book(_of(events, hotel_id), hotels)
    first = first_day(events, hotels, hotel_id)
    nights = [from_night + timedelta(days=n) for n in range((to_night - from_night).days)]

    def total(back: timedelta, before: timedelta) -> int | None:
        if any(night - back - before > closed_on for night in nights):
            return None
        return sum(_sum(the_book, night - back, night - back - before) for night in nights)

    def known(before: timedelta) -> bool:
        return first is not None and first <= from_night - YEAR - before

    rows = []
    for number in range(days, -1, -1):
        before = timedelta(days=number)
        earlier = total(YEAR, before) if known(before) else None
        rows.append(Pace(number, total(timedelta(0), before), earlier))
    return rows


def occupancy(
    events: Iterable[Event], hotels: Hotels, hotel_id: int, night: date, closed_on: date
) -> Fraction | None:
    """Return the books by the rooms, None without rooms."""
    rooms = hotel_of(hotels, hotel_id).rooms
    if not rooms:
        return None
    return Fraction(on_the_books(events, hotels, hotel_id, night, closed_on), rooms)


def findings(events: Iterable[Event], hotels: Hotels) -> set[tuple[str, object]]:
    """Return the events that contradict others, or their night, as (rule, key of the event)."""
    found: set[tuple[str, object]] = set()
    for those in in_order(events):
        is_booked = was_booked = False
        for event in those:
            if event.status == "booking":
                if is_booked:
                    found.add(("double_booking", event.key))
                is_booked = was_booked = True
            else:
                if not was_booked:
                    found.add(("cancelled_before_booked", event.key))
                elif not is_booked:
                    found.add(("double_cancellation", event.key))
                is_booked = False
            if business_day(hotel_of(hotels, event.hotel_id), event.event_at) > event.night:
                found.add(("event_after_night", event.key))
    return found


def _of(events: Iterable[Event], hotel_id: int) -> list[Event]:
    return [event for event in events if event.hotel_id == hotel_id]


def _sum(of_hotel: Book, night: date, closed_on: date) -> int:
    return sum(
        change
        for (_, changed_night, changed_on), change in of_hotel.items()
        if changed_night == night and changed_on <= closed_on
    )
