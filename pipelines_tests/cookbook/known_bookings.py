"""Events of two hotels: what was booked and cancelled for the first days of November."""

from pathlib import Path

import psycopg

from pipelines.sources.bookings import Settings
from pipelines.sources.bookings.counts import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings.made_up import ROOM, Event, deliver, event


def _sent(number: int, at: str, reservation: int, night: str, status: int = 1) -> Event:
    hotel = 3009 if reservation in (4, 8) else 2607
    room = ROOM.format(reservation)
    times = {"event_timestamp": f"{at}:00", "night_of_stay": night}
    return event(number, hotel_id=hotel, status=status, room_reservation_id=room, **times)


EVENTS = [
    _sent(7001, "2025-09-20 10:15", 1, "2025-11-05"),
    _sent(7002, "2025-09-20 10:15", 1, "2025-11-06"),
    _sent(7003, "2025-10-30 18:40", 2, "2025-11-08"),
    _sent(7004, "2025-12-28 11:00", 11, "2026-02-14"),
    _sent(7101, "2026-08-14 09:05", 3, "2026-11-06"),
    _sent(7102, "2026-08-14 09:05", 3, "2026-11-07"),
    _sent(7103, "2026-09-02 13:20", 4, "2026-11-10"),
    _sent(7104, "2026-10-03 21:30", 5, "2026-11-03"),
    _sent(7105, "2026-10-03 21:30", 5, "2026-11-04"),
    _sent(7106, "2026-10-12 08:00", 6, "2026-11-07"),
    _sent(7107, "2026-10-28 16:45", 5, "2026-11-04", status=2),
    _sent(7108, "2026-10-30 09:20", 7, "2026-11-06"),
    _sent(7109, "2026-10-30 11:10", 8, "2026-11-05"),
    _sent(7110, "2026-10-30 12:30", 9, "2026-11-05"),
    _sent(7111, "2026-11-01 22:10", 6, "2026-11-07", status=2),
    _sent(7112, "2026-11-02 07:55", 10, "2026-11-07"),
]
#: What a later file says of an event that came before.
OTHERWISE = {one["id"]: one for one in EVENTS}[7104] | {"hotel_id": 3009}
UNREADABLE = _sent(7113, "2026-11-02 07:58", 12, "2026-11-09") | {"room_reservation_id": "0498d45a"}


#: Name, city, rooms and coordinates by number.
HOTELS = {
    2607: ("Harbour House", "Hamburg", 4, 53.546, 9.966),
    3009: ("Park View", "London", 2, 51.503, -0.153),
}


def put_hotels(owner: psycopg.Connection) -> None:
    for hotel_id, hotel in HOTELS.items():
        owner.execute(
            "INSERT INTO bookings.hotels (hotel_id, name, city, rooms, latitude, longitude)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [hotel_id, *hotel],
        )


def put_first(warehouse: Warehouse, folder: Path) -> None:
    """The file of what was known at the end of October."""
    known = [one for one in EVENTS if one["id"] <= 7110]
    deliver(warehouse, folder, known, name="bookings-2026-10-31.csv")
    refresh(warehouse)


def put_second(warehouse: Warehouse, folder: Path) -> None:
    """The next file, with two lines that are rejected."""
    new = [one for one in EVENTS if one["id"] > 7110]
    lines = [*new, OTHERWISE, UNREADABLE]
    deliver(
        warehouse, folder, lines, name="bookings-2026-11-02.csv", settings=Settings(most_bad=0.9)
    )
    refresh(warehouse)
