"""Generated histories of hotels, with everything that senders of booking events do.

Each seed has each case at least once; `test_histories.py` tests so. Nothing of `pipelines`.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pipelines_tests.sources.bookings.oracle import YEAR, Event, Hotel

BOOKING: Literal["booking"] = "booking"
CANCELLATION: Literal["cancellation"] = "cancellation"

LOS_ANGELES, BERLIN, TOKYO, NO_ZONE, NO_ROOMS, NEW, NO_ROW = 1, 2, 3, 4, 5, 6, 2607
HOTELS = {
    hotel.hotel_id: hotel
    for hotel in (
        Hotel(LOS_ANGELES, 70, "America/Los_Angeles"),
        Hotel(BERLIN, 40, "Europe/Berlin", time(5, 30)),
        Hotel(TOKYO, 120, "Asia/Tokyo", time(0)),
        Hotel(NO_ZONE, 25),
        Hotel(NO_ROOMS, None, "Europe/Berlin", time(3)),
        Hotel(NEW, 16, "Asia/Kolkata"),
    )
}
#: The business day at whose close the numbers are computed; some events are later.
CLOSED_ON = date(2026, 11, 15)
#: Arrivals of this year; those of last year are 364 days earlier.
FIRST_ARRIVAL, LAST_ARRIVAL = date(2026, 2, 1), date(2026, 12, 15)
#: Instants at which clocks change, forward and back.
CLOCK_CHANGES = {
    LOS_ANGELES: (
        datetime(2025, 3, 9, 10, tzinfo=UTC),
        datetime(2025, 11, 2, 9, tzinfo=UTC),
        datetime(2026, 3, 8, 10, tzinfo=UTC),
        datetime(2026, 11, 1, 9, tzinfo=UTC),
    ),
    BERLIN: (
        datetime(2025, 3, 30, 1, tzinfo=UTC),
        datetime(2025, 10, 26, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
    ),
}
#: What happens to a single night: what, and how many hours before noon of the night.
SEQUENCES = (
    ((BOOKING, 240), (BOOKING, 200)),
    ((BOOKING, 240), (BOOKING, 240)),
    ((BOOKING, 700), (CANCELLATION, 90), (CANCELLATION, 30)),
    ((BOOKING, 500), (CANCELLATION, 300), (BOOKING, 299), (CANCELLATION, 20)),
    ((BOOKING, 800), (CANCELLATION, 400), (BOOKING, 100)),
    ((CANCELLATION, 50),),
    ((CANCELLATION, 170), (BOOKING, 20)),
    ((CANCELLATION, 77), (BOOKING, 77)),
    ((BOOKING, 90), (CANCELLATION, 77), (BOOKING, 77)),
    ((BOOKING, 300), (CANCELLATION, -60)),
    ((BOOKING, -50),),
)


@dataclass(frozen=True)
class History:
    hotels: dict[int, Hotel]
    batches: list[list[Event]]
    closed_on: date


def history(seed: int) -> History:
    """Return hotels and their events in two to four deliveries, always the same for a seed."""
    random = Random(seed)
    events = _Events(random)
    opened_on = CLOSED_ON - timedelta(days=random.choice((393, 370, 200, 100)))
    for hotel_id in (*HOTELS, NO_ROW):
        since = opened_on if hotel_id == NEW else date(2024, 12, 1)
        _cases(events, hotel_id)
        _clock_changes(events, hotel_id)
        _reservations(events, hotel_id, since)
    # The new hotel's first event is on its first day exactly: its last year is missing by a day,
    # by weeks or wholly.
    events.add(NEW, events.reservation(), opened_on, BOOKING, _local(NEW, opened_on, time(12)))
    return History(dict(HOTELS), _batches(random, events.with_ids()), CLOSED_ON)


class _Events:
    """Events as they happened, before anything is delivered."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.events: list[Event] = []

    def reservation(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def add(
        self,
        hotel_id: int,
        reservation: UUID,
        night: date,
        status: Literal["booking", "cancellation"],
        at: datetime,
    ) -> None:
        self.events.append(Event(None, hotel_id, at, status, reservation, night))

    def with_ids(self) -> list[Event]:
        """Give each an id, in no order."""
        ids = self.random.sample(range(1, 10 * len(self.events)), len(self.events))
        return [
            replace(event, event_id=number) for event, number in zip(self.events, ids, strict=True)
        ]


def _cases(events: _Events, hotel_id: int) -> None:
    """Every sequence of a single night, and stays whose nights go different ways."""
    random = events.random
    for sequence in SEQUENCES:
        night, reservation = _some_night(random), events.reservation()
        minutes = timedelta(minutes=random.randrange(-600, 600))
        for status, hours in sequence:
            at = _local(hotel_id, night, time(12)) - timedelta(hours=hours) + minutes
            events.add(hotel_id, reservation, night, status, at)
    # A walk-in after midnight: in most hotels, the business day is still that of the night.
    night = _some_night(random)
    at = _local(hotel_id, night + timedelta(days=1), time(1, 30))
    events.add(hotel_id, events.reservation(), night, BOOKING, at)
    # The first night and the last one of five are cancelled.
    night, reservation = _some_night(random), events.reservation()
    nights = [night + timedelta(days=number) for number in range(5)]
    booked_at = _local(hotel_id, night - timedelta(days=9), time(17, 5))
    for each in nights:
        events.add(hotel_id, reservation, each, BOOKING, booked_at)
    for each in (nights[0], nights[-1]):
        events.add(hotel_id, reservation, each, CANCELLATION, booked_at + timedelta(days=3))
    # Another hotel has the same night under the same reservation.
    events.add(NO_ROW if hotel_id != NO_ROW else BERLIN, reservation, night, BOOKING, booked_at)


def _clock_changes(events: _Events, hotel_id: int) -> None:
    """Around each change of the clocks, on both sides of the change and of the day's beginning."""
    for change in CLOCK_CHANGES.get(hotel_id, ()):
        for minutes in (-90, -30, -1, 0, 30, 61, 119, 120, 179, 180, 209, 210, 269, 270):
            at = change + timedelta(minutes=minutes)
            night = at.date() + timedelta(days=events.random.choice((-1, 0, 0, 1, 5)))
            reservation = events.reservation()
            events.add(hotel_id, reservation, night, BOOKING, at)
            if events.random.random() < 0.3:
                later = at + timedelta(minutes=events.random.randrange(1, 300))
                events.add(hotel_id, reservation, night, CANCELLATION, later)


def _reservations(events: _Events, hotel_id: int, since: date) -> None:
    """Ordinary reservations of both years, some cancelled, of those some booked again."""
    random = events.random
    span = (LAST_ARRIVAL - FIRST_ARRIVAL).days
    for number in range(40):
        arrival = FIRST_ARRIVAL + timedelta(days=random.randrange(span))
        if number % 2:
            arrival -= YEAR
        booked_on = arrival - timedelta(days=random.choice((0, 1, 3, 10, 30, 60, 100)))
        if booked_on <= since:
            continue
        reservation = events.reservation()
        at = _local(hotel_id, booked_on, time(random.randrange(24), random.randrange(60)))
        nights = [arrival + timedelta(days=night) for night in range(random.randint(1, 5))]
        for night in nights:
            events.add(hotel_id, reservation, night, BOOKING, at)
        if random.random() < 0.4:
            at += timedelta(hours=random.randrange(1, 24 * 20))
            for night in random.choice((nights, nights, nights[:1], nights[-2:])):
                events.add(hotel_id, reservation, night, CANCELLATION, at)
                if random.random() < 0.3:
                    again = at + timedelta(hours=random.randrange(1, 72))
                    events.add(hotel_id, reservation, night, BOOKING, again)


def _batches(random: Random, events: list[Event]) -> list[list[Event]]:
    """Deliver the events by time, but some late, some again, and some without their ids."""
    number = random.randint(2, 4)
    batches: list[list[Event]] = [[] for _ in range(number)]
    for position, event in enumerate(sorted(events, key=lambda event: event.event_at)):
        batch = position * number // len(events)
        if random.random() < 0.1:
            batch = random.randrange(batch, number)
        without_id = replace(event, event_id=None)
        later = batches[random.randrange(batch, number)]
        fate = random.random()
        batches[batch].append(without_id if fate < 0.11 else event)
        if fate < 0.08 or fate > 0.97:  # its id comes later, or the same again
            later.append(event)
        elif fate > 0.94:
            later.append(without_id)
    for delivered in batches:
        random.shuffle(delivered)
    return batches


def _some_night(random: Random) -> date:
    """A night of which each hotel can have events, also the new one."""
    return date(2026, 9, 20) + timedelta(days=random.randrange(70))


def _local(hotel_id: int, day: date, clock: time) -> datetime:
    """A time of the hotel's clock, in UTC."""
    hotel = HOTELS.get(hotel_id)
    zone = ZoneInfo(hotel.time_zone) if hotel and hotel.time_zone else UTC
    return datetime.combine(day, clock, zone).astimezone(UTC)
