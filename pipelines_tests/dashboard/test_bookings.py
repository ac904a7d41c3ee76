"""Statements of the page of hotel bookings, compared with what a person counts."""

from typing import Any

import psycopg
import pytest

from pipelines.sources.bookings.counts import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

NAMES = ["Ritz (1)", "Ritz (2)", "Sacher", "Hotel 4"]
PARAMETERS = {"hotels": [1, 2, 3, 4], "names": NAMES, "nights": 17}
DELIVERY = """
INSERT INTO ops.deliveries (
    delivery_id, feed, name, sha256, byte_count, received_at, loaded_at, read_count,
    loaded_count, unchanged_count, rejected_count
) OVERRIDING SYSTEM VALUE
VALUES (1, 'bookings', 'test', 'x', 1, now(), now(), 0, 0, 0, 0);
INSERT INTO bookings.hotels (hotel_id, name, rooms)
VALUES (1, 'Ritz', 10), (2, 'Ritz', 5), (3, 'Sacher', NULL);
"""
#: Days before today (UTC) at noon, of hotels whose days are those of UTC.
EVENT = """
INSERT INTO bookings.events (
    event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay, delivery_id,
    load_number
)
SELECT
    (SELECT count(*) FROM bookings.events) + number, %(hotel)s,
    (current_date - %(days_ago)s + time '12:00') AT TIME ZONE 'UTC', %(status)s,
    lpad(to_hex(%(reservation)s + number), 32, '0')::uuid, current_date + %(night)s, 1, %(load)s
FROM generate_series(1, %(number)s) AS number
"""


class Hotels:
    """Hotels with one name, one without rooms and one without a name, and their events."""

    def __init__(self, warehouse: Warehouse, owner: psycopg.Connection) -> None:
        self.warehouse, self.owner = warehouse, owner
        self.loads = self.reservations = 0
        owner.execute("SET TIME ZONE 'UTC'")
        owner.execute(DELIVERY.encode())

    def book(self, hotel: int, number: int, *, days_ago: int, night: int = 0) -> int:
        """Book a night, from today, so many times; return what `cancel` needs."""
        first, self.reservations = self.reservations, self.reservations + number
        self._add(hotel, first, number, "booking", days_ago, night)
        return first

    def cancel(self, hotel: int, first: int, number: int, *, days_ago: int, night: int = 0) -> None:
        self._add(hotel, first, number, "cancellation", days_ago, night)

    def _add(
        self, hotel: int, first: int, number: int, status: str, days_ago: int, night: int
    ) -> None:
        self.loads += 1
        values = {"hotel": hotel, "number": number, "status": status, "days_ago": days_ago}
        values |= {"night": night, "reservation": first, "load": self.loads}
        self.owner.execute(EVENT.encode(), values)

    def answer(self, name: str) -> list[dict[str, Any]]:
        """Rows of a statement of the page, after a refresh."""
        self.owner.execute(
            "INSERT INTO ops.watermarks (name, position) VALUES ('bookings.events', %s)"
            " ON CONFLICT (name) DO UPDATE SET position = excluded.position",
            [self.loads],
        )
        refresh(self.warehouse)
        statement = read_sql("pipelines.sources.bookings", f"dashboard/{name}")
        cursor = psycopg.ClientCursor(self.owner, row_factory=psycopg.rows.dict_row)
        return cursor.execute(statement.encode(), PARAMETERS).fetchall()


@pytest.fixture
def hotels(warehouse: Warehouse, owner: psycopg.Connection) -> Hotels:
    """Four, three, two reservations and one of tonight; one of hotel 1 was cancelled."""
    made = Hotels(warehouse, owner)
    for hotel in range(1, 5):
        first = made.book(hotel, 5 - hotel, days_ago=9)
        if hotel == 1:
            made.cancel(1, first, 1, days_ago=8)
    return made


def test_hotels_with_one_name_have_two_labels(hotels: Hotels) -> None:
    found = {row["hotel_id"]: row["hotel_name"] for row in hotels.answer("hotels")}
    assert found == dict(enumerate(NAMES, 1))
    shown = {(row["hotel_id"], row["hotel_name"]) for row in hotels.answer("occupancy")}
    assert shown == {(1, "Ritz (1)"), (2, "Ritz (2)")}


def test_hotels_beside_last_year_add_up_to_the_nights(hotels: Hotels) -> None:
    for hotel, number in ((1, 4), (2, 3)):
        hotels.book(hotel, number, days_ago=400, night=-364)
    found = hotels.answer("by_hotel")
    assert [
        (row["hotel_name"], row["on_the_books"], row["last_year"], row["change"], row["change_pct"])
        for row in found
    ] == [
        ("Ritz (1)", 3, 4, -1, -25),
        ("Ritz (2)", 3, 3, 0, 0),
        ("Hotel 4", 1, None, None, None),
        ("Sacher", 2, None, None, None),
    ]
    nights = hotels.answer("on_the_books")
    for column in ("on_the_books", "last_year"):
        assert sum(row[column] or 0 for row in found) == sum(row[column] or 0 for row in nights)
    assert [(row["pickup_7_days"], row["pickup_7_days_before"]) for row in found] == [
        (0, 3),
        (0, 3),
        (0, 1),
        (0, 2),
    ]


def test_a_new_hotel_is_no_rise_against_last_year(hotels: Hotels) -> None:
    """Incident: the reservations of hotels without last year were "+80 against last year"."""
    hotels.book(2, 3, days_ago=600, night=-364)
    tonight, *_ = hotels.answer("on_the_books")
    assert (tonight["hotels_compared"], tonight["hotels"]) == (1, 4)
    assert tonight["on_the_books"] == 9
    assert tonight["this_year"] == tonight["last_year"] == 3
    pace = hotels.answer("pace")
    assert {row["last_year"] for row in pace if row["last_year"] is not None} == {0}
    assert {row["hotels_compared"] for row in pace} == {1}


def test_what_changes_nothing_is_no_room(hotels: Hotels) -> None:
    """Incident: booked, cancelled and cancelled again was an occupancy of -1 of 70."""
    first = hotels.book(2, 1, days_ago=5, night=1)
    for days_ago in (4, 3):
        hotels.cancel(2, first, 1, days_ago=days_ago, night=1)
    _, tomorrow, *_ = hotels.answer("on_the_books")
    assert (tomorrow["on_the_books"], tomorrow["pickup_7_days"]) == (0, 0)
    assert {row["occupancy"] >= 0 for row in hotels.answer("occupancy")} == {True}
    *_, last = hotels.answer("card")
    assert last["value"] == 0
    assert last["detail"].endswith("9 are on the books for the next 60 nights")


def test_what_is_booked_this_morning_is_no_part_of_a_comparison(hotels: Hotels) -> None:
    """Incident: a morning was compared with the whole day of the week before, or of last year."""
    before = {name: hotels.answer(name) for name in ("on_the_books", "by_hotel", "card", "pickup")}
    hotels.book(1, 5, days_ago=0, night=1)
    for name, rows in before.items():
        assert hotels.answer(name) == rows, name


def test_the_last_whole_month_is_beside_the_same_month_a_year_before(hotels: Hotels) -> None:
    find = "SELECT (date_trunc('month', current_date) - CAST(%s AS interval))::date - current_date"
    this, last = (hotels.owner.execute(find, [ago]).fetchone() for ago in ("1 month", "13 months"))
    assert this is not None
    assert last is not None
    hotels.book(1, 7, days_ago=9 - this[0], night=this[0])
    hotels.book(1, 8, days_ago=1 - last[0], night=last[0])
    months = {
        row["hotel_name"]: (row["last_month"], row["month_a_year_before"])
        for row in (hotels.answer("by_hotel"))
    }
    assert months["Ritz (1)"] == (7, 8)
    assert months["Ritz (2)"] == (None, None)


def test_the_story_of_a_hotel_behind_last_year_links_to_it_and_not_to_its_namesake(
    hotels: Hotels,
) -> None:
    """It linked to "Ritz", which the page does not know where two hotels are called so."""
    hotels.book(2, 40, days_ago=400, night=-364)
    (row,) = hotels.answer("behind")
    assert row["link_hotel"] == row["hotel"] == NAMES[1]
    assert (row["link_nights"], row["this_year"], row["last_year"]) == (30, 3, 40)


def test_the_pace_of_hotels_far_apart_is_that_of_all_or_unknown(hotels: Hotels) -> None:
    """Its last point was the sum of the hotels whose day had ended already, half of the others."""
    for hotel, zone in ((1, "Pacific/Kiritimati"), (2, "Pacific/Pago_Pago")):
        hotels.owner.execute(
            "UPDATE bookings.hotels SET time_zone = %s WHERE hotel_id = %s", [zone, hotel]
        )
        hotels.book(hotel, 10, days_ago=600, night=1)
    each = {
        key: hotels.owner.execute(
            "SELECT days_before_arrival, on_the_books FROM metrics.hotel_pace(%s,"
            " (date_trunc('month', current_date - 2) + interval '1 month')::date,"
            " (date_trunc('month', current_date - 2) + interval '2 months')::date)",
            [key],
        ).fetchall()
        for key in (1, 2)
        if hotels.answer("hotels")
    }
    unknown = [{days for days, number in rows if number is None} for rows in each.values()]
    assert unknown[0] < unknown[1], "the day has ended on Kiritimati, and not on Pago Pago"
    shown = {
        row["days_before_arrival"] for row in hotels.answer("pace") if row["this_year"] is None
    }
    assert shown >= unknown[1]


def test_before_the_first_refresh_nothing_is_said_to_be_zero(hotels: Hotels) -> None:
    """After a migration from 4.0 the page broke, and pace and card were zero without a reason."""
    hotels.answer("hotels")
    hotels.owner.execute("DELETE FROM bookings.books; DELETE FROM metrics.hotel_book")
    for name in ("on_the_books", "by_hotel", "occupancy", "card"):
        statement = read_sql("pipelines.sources.bookings", f"dashboard/{name}")
        cursor = psycopg.ClientCursor(hotels.owner)
        assert cursor.execute(statement.encode(), PARAMETERS).fetchall() == [], name
    pace = "SELECT DISTINCT on_the_books, why_missing FROM metrics.hotel_pace(1, %s, %s)"
    found = hotels.owner.execute(pace.encode(), ["2026-01-01", "2026-01-08"]).fetchall()
    assert {books for books, _ in found} == {None}
    assert {(why or "").partition(";")[0] for _, why in found} == {
        "the book of the hotel is not made yet"
    }


@pytest.mark.parametrize(
    "arguments",
    [
        "hotel_ids => '{}'",
        "hotel_ids => '{900}'",
        "hotel_ids => '{NULL}', period => 'day'",
    ],
)
def test_hotels_that_are_none_have_no_rows(hotels: Hotels, arguments: str) -> None:
    hotels.answer("hotels")
    query = f"SELECT * FROM metrics.hotels_at_close({arguments})"
    assert hotels.owner.execute(query.encode()).fetchall() == []


def test_a_day_that_is_not_closed_counts_as_the_last_one_that_is(hotels: Hotels) -> None:
    hotels.book(1, 5, days_ago=0, night=1)
    hotels.answer("hotels")
    for day in ("current_date", "'infinity'", "NULL"):
        query = "SELECT DISTINCT closed_on - current_date, sum(on_the_books) OVER ()"
        query += f" FROM metrics.hotels_at_close(at_close_of => {day}, hotel_ids => '{{1,1,900}}')"
        assert hotels.owner.execute(query.encode()).fetchall() == [(-1, 3)]
