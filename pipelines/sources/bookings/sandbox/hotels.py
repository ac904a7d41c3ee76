"""The simulated hotel system: booking and cancellation events.

All events are a function of seed and time. A reservation is for one to four nights up to four
months ahead and has an event for each night; about 15 % are cancelled before they begin. An event
exists from its time on, and its id never changes. `events_api` serves these events, `event_files`
writes them, with bad lines added, to files.
"""

import datetime as dt
import math
import uuid
from functools import lru_cache
from random import Random
from typing import NamedTuple

BOOKED, CANCELLED = 1, 2
#: Average per hotel over a year.
RESERVATIONS_A_DAY = {2607: 5.0, 753: 3.6, 1731: 2.7, 3009: 2.1, 4410: 1.4}
#: Number, name, city, rooms, country and coordinates of each.
HOTELS = (
    (2607, "Harbour House", "Hamburg", 16, "DE", 53.5461, 9.9661),
    (753, "Hotel Miramar", "Lisbon", 14, "PT", 38.7097, -9.1365),
    (1731, "Grand Central", "Vienna", 8, "AT", 48.2082, 16.3719),
    (3009, "Park View", "London", 8, "GB", 51.5034, -0.1528),
    (4410, "Alpine Lodge", "Innsbruck", 6, "AT", 47.2692, 11.4041),
)
WEEKDAYS = (1.1, 1.1, 1.05, 1.0, 0.95, 0.85, 0.95)
MAX_DAYS_AHEAD = 120
CANCELLED_SHARE = 0.15
IDS_A_DAY = 10_000
FIRST_DAY = dt.date(2000, 1, 1)


class Event(NamedTuple):
    """One night booked or cancelled; the time is UTC."""

    id: int
    room_reservation_id: str
    night_of_stay: dt.date
    status: int
    event_timestamp: dt.datetime
    hotel_id: int


class Reservation(NamedTuple):
    """A stay with the times of its booking and, if any, cancellation."""

    room_reservation_id: str
    hotel_id: int
    nights: tuple[dt.date, ...]
    booked_at: dt.datetime
    cancelled_at: dt.datetime | None


@lru_cache(maxsize=128)
def events_of_day(seed: int, day: dt.date) -> tuple[Event, ...]:
    """Return all events of a day (UTC) by time and id: about 33 bookings and 5 cancellations."""
    happened = []
    for before in range(MAX_DAYS_AHEAD + 1):
        for stay in _reservations(seed, day - dt.timedelta(days=before)):
            for status, at in ((BOOKED, stay.booked_at), (CANCELLED, stay.cancelled_at)):
                if at is not None and at.date() == day:
                    happened += [
                        (at, status, stay.room_reservation_id, night, stay.hotel_id)
                        for night in stay.nights
                    ]
    first = day.toordinal() * IDS_A_DAY + 1
    return tuple(
        Event(number, room, night, status, at, hotel)
        for number, (at, status, room, night, hotel) in enumerate(sorted(happened), first)
    )


@lru_cache(maxsize=256)
def _reservations(seed: int, day: dt.date) -> tuple[Reservation, ...]:
    """Return the reservations made on a day: more in summer and early in the week."""
    if day < FIRST_DAY:
        return ()
    random = Random(f"{seed} reservations {day}")  # noqa: S311 - made-up data
    year = 1 + 0.2 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 190) / 365.25)
    made = []
    for hotel_id, usual in RESERVATIONS_A_DAY.items():
        expected = usual * WEEKDAYS[day.weekday()] * year
        for _ in range(max(0, round(expected + random.uniform(-1, 1)))):
            second = int(random.triangular(0, 86_400, 64_800))
            booked_at = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(seconds=second)
            arrival = day + dt.timedelta(days=int((MAX_DAYS_AHEAD + 1) * random.random() ** 2))
            count = random.choices((1, 2, 3, 4), (30, 35, 22, 13))[0]
            made.append(
                Reservation(
                    str(uuid.UUID(int=random.getrandbits(128), version=4)),
                    hotel_id,
                    tuple(arrival + dt.timedelta(days=night) for night in range(count)),
                    booked_at,
                    _cancelled_at(random, booked_at, arrival),
                )
            )
    return tuple(made)


def _cancelled_at(random: Random, booked_at: dt.datetime, arrival: dt.date) -> dt.datetime | None:
    """Return an instant before 18:00 (UTC) on the day of arrival; None for most."""
    seconds = (dt.datetime.combine(arrival, dt.time(18), dt.UTC) - booked_at).total_seconds()
    if random.random() >= CANCELLED_SHARE or seconds < 2:
        return None
    return booked_at + dt.timedelta(seconds=random.randrange(1, int(seconds)))
