"""Statements of the page of hotel bookings, compared with the functions."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.warehouse.sql_files import read_sql

NAMES = ["Ritz (1)", "Ritz (2)", "Sacher", "Hotel 4"]
PARAMETERS = {"hotels": [1, 2, 3, 4], "names": NAMES, "nights": 17}
#: Hotels with one name, one without rooms and one without a name; four reservations of hotel 1.
DATA = """
INSERT INTO bookings.hotels (hotel_id, name, rooms)
VALUES (1, 'Ritz', 10), (2, 'Ritz', 5), (3, 'Sacher', NULL);
INSERT INTO ops.deliveries (
    delivery_id, feed, name, sha256, byte_count, received_at, loaded_at, read_count,
    loaded_count, unchanged_count, rejected_count
) OVERRIDING SYSTEM VALUE
VALUES (1, 'bookings', 'test', 'x', 1, now(), now(), 0, 0, 0, 0);
INSERT INTO bookings.events (
    event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay, delivery_id,
    load_number
)
SELECT
    20 * hotel_id + number, hotel_id, now() - interval '9 days',
    'booking', gen_random_uuid(), current_date, 1, 1
FROM generate_series(1, 4) AS hotel_id,
    generate_series(0, 4 - hotel_id) AS number;
INSERT INTO bookings.events (
    event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay, delivery_id,
    load_number
)
SELECT
    1000 + event_id, hotel_id, event_at + interval '1 day', 'cancellation', room_reservation_id,
    night_of_stay, 1, 1
FROM bookings.events WHERE hotel_id = 1 AND event_id = 20;
INSERT INTO metrics.hotel_bookings_by_event_day (hotel_id, day, bookings, cancellations)
SELECT
    hotel_id, (event_at AT TIME ZONE 'UTC')::date, count(*) FILTER (WHERE status = 'booking'),
    count(*) FILTER (WHERE status = 'cancellation')
FROM bookings.events GROUP BY 1, 2;
INSERT INTO metrics.hotel_bookings_by_stay_night (hotel_id, day, bookings, cancellations)
SELECT
    hotel_id, night_of_stay, count(*) FILTER (WHERE status = 'booking'),
    count(*) FILTER (WHERE status = 'cancellation')
FROM bookings.events GROUP BY 1, 2;
"""


@pytest.fixture(scope="module")
def filled(server: Connections, template: str) -> Iterator[psycopg.Connection]:
    with (
        made(server, template) as name,
        psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner,
    ):
        owner.execute("SET TIME ZONE 'UTC'")
        owner.execute(DATA.encode())
        yield owner


def answer(connection: psycopg.Connection, name: str) -> list[tuple[Any, ...]]:
    statement = read_sql("pipelines.sources.bookings", f"dashboard/{name}")
    return psycopg.ClientCursor(connection).execute(statement.encode(), PARAMETERS).fetchall()


def test_hotels_with_one_name_have_two_labels(filled: psycopg.Connection) -> None:
    assert answer(filled, "hotels") == list(enumerate(NAMES, 1))
    shown = {row[:2] for row in answer(filled, "occupancy")}
    assert shown == {(1, "Ritz (1)"), (2, "Ritz (2)")}


def test_hotels_beside_last_year_add_up_to_the_nights(filled: psycopg.Connection) -> None:
    with filled.transaction(force_rollback=True):
        # A year and longer ago: hotel 1 had one of its reservations more, hotel 2 the same.
        filled.execute(
            "INSERT INTO bookings.events SELECT 5000 + event_id, hotel_id,"
            " event_at - interval '364 days', status, gen_random_uuid(), night_of_stay - 364, 1, 1"
            " FROM bookings.events WHERE hotel_id <= 2 AND status = 'booking'"
        )
        filled.execute(
            "INSERT INTO metrics.hotel_bookings_by_event_day"
            " (hotel_id, day, bookings, cancellations)"
            " SELECT hotel_id, current_date - 400, 1, 0 FROM generate_series(1, 2) AS hotel_id"
        )
        hotels = answer(filled, "by_hotel")
        nights = answer(filled, "on_the_books")
    assert hotels == [
        ("Ritz (1)", 3, 4, -1, Decimal("-0.250")),
        ("Ritz (2)", 3, 3, 0, 0),
        ("Hotel 4", 1, None, None, None),
        ("Sacher", 2, None, None, None),
    ]
    assert sum(row[1] for row in hotels) == sum(row[1] for row in nights)
    assert sum(row[2] or 0 for row in hotels) == sum(row[-1] or 0 for row in nights)


def test_a_new_hotel_is_no_rise_against_last_year(filled: psycopg.Connection) -> None:
    """Incident: the reservations of hotels without last year were "+80 against last year"."""
    with filled.transaction(force_rollback=True):
        filled.execute(
            "INSERT INTO bookings.events SELECT 5000 + event_id, hotel_id,"
            " event_at - interval '364 days', status, gen_random_uuid(), night_of_stay - 364, 1, 1"
            " FROM bookings.events WHERE hotel_id = 2"
        )
        filled.execute(
            "INSERT INTO metrics.hotel_bookings_by_event_day VALUES (2, current_date - 600, 1, 0)"
        )
        tonight, *_ = answer(filled, "on_the_books")
        pace = answer(filled, "pace")
    compared, hotels, this_year, last_year = tonight[-4:]
    assert (compared, hotels) == (1, 4)
    assert tonight[1] == 9
    assert this_year == last_year == 3
    assert {row[2] for row in pace if row[2] is not None} == {0}


def test_what_changes_nothing_is_no_room(filled: psycopg.Connection) -> None:
    """Incident: booked, cancelled and cancelled again was an occupancy of -1 of 70."""
    again = (
        "INSERT INTO bookings.events SELECT 7000 + number, 2, now() - interval '1 hour',"
        " 'cancellation', room_reservation_id, night_of_stay, 1, 1"
        " FROM bookings.events, generate_series(1, 2) AS number WHERE event_id = 40"
    )
    with filled.transaction(force_rollback=True):
        filled.execute("DELETE FROM bookings.events WHERE hotel_id = 2 AND event_id <> 40")
        filled.execute(again)
        filled.execute("DELETE FROM metrics.hotel_bookings_by_stay_night WHERE hotel_id = 2")
        filled.execute("DELETE FROM metrics.hotel_bookings_by_event_day WHERE hotel_id = 2")
        filled.execute(
            "INSERT INTO metrics.hotel_bookings_by_stay_night VALUES (2, current_date, 1, 2);"
            "INSERT INTO metrics.hotel_bookings_by_event_day VALUES (2, current_date, 1, 2)"
        )
        filled.execute(
            read_sql("pipelines.sources.bookings", "findings/find_events")
            .format(events="bookings.events")
            .encode()
        )
        rooms = [row[3] for row in answer(filled, "occupancy") if row[0] == 2]
        *_, last = answer(filled, "card")
        books = sum(row[1] for row in answer(filled, "on_the_books"))
    assert {*rooms} == {0}
    assert books == 3 + 2 + 1
    assert last[-1] == "6 are on the books for the next 60 nights"


def test_the_story_of_a_hotel_behind_last_year_links_to_it_and_not_to_its_namesake(
    filled: psycopg.Connection,
) -> None:
    """It linked to "Ritz", which the page does not know where two hotels are called so."""
    with filled.transaction(force_rollback=True):
        filled.execute(
            "INSERT INTO bookings.events SELECT 5000 + number, 2,"
            " now() - interval '373 days', 'booking', gen_random_uuid(), current_date - 364, 1, 1"
            " FROM generate_series(1, 40) AS number"
        )
        filled.execute(
            "INSERT INTO metrics.hotel_bookings_by_event_day"
            " (hotel_id, day, bookings, cancellations) VALUES (2, current_date - 400, 1, 0)"
        )
        ((link, nights, name, *counts),) = answer(filled, "behind")
    assert link == name == NAMES[1]
    assert (nights, *counts[:2]) == (30, 3, 40)
