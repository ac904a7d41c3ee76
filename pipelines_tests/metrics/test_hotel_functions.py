"""Functions and views of hotel bookings, compared with a plain model."""

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from unittest.mock import ANY

import psycopg
import pytest
from psycopg import Connection

from pipelines.ingest import watermarks
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings.counts import refresh
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse

HOTEL, OTHER_HOTEL, UNKNOWN_HOTEL = 2607, 753, 4
DAY = timedelta(days=1)
FIRST_NIGHT = date(2024, 2, 20)
NIGHTS = 20
YEAR_BEFORE = timedelta(days=364)


class Event(NamedTuple):
    event_id: int
    hotel_id: int
    event_at: datetime
    status: str
    room: uuid.UUID
    night: date


Stay = tuple[int, date, uuid.UUID]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def random_events(seed: int = 11) -> list[Event]:
    """Many at the same time, twice booked, never booked, booked again, after the night."""
    chance = random.Random(seed)
    rooms = [uuid.UUID(int=chance.getrandbits(128)) for _ in range(25)]
    numbers = iter(chance.sample(range(1, 100_000), 20_000))
    return [
        Event(
            next(numbers),
            hotel,
            midnight(night) - timedelta(hours=6 * int(chance.triangular(-16, 150, 4))),
            chance.choices(["booking", "cancellation"], [3, 2])[0],
            room,
            night,
        )
        for hotel in (HOTEL, OTHER_HOTEL)
        for first in (FIRST_NIGHT, FIRST_NIGHT - YEAR_BEFORE)
        for night in (first + day * DAY for day in range(NIGHTS))
        for room in chance.sample(rooms, chance.randint(0, 12))
        for _ in range(chance.randint(1, 6))
    ]


def by_stay(events: list[Event]) -> dict[Stay, list[Event]]:
    """The events of each night of a reservation, in the order in which they count."""

    stay = attrgetter("hotel_id", "night", "room")
    in_order = sorted(events, key=lambda e: (*stay(e), e.event_at, e.status, e.event_id))
    return {key: list(group) for key, group in groupby(in_order, key=stay)}


EVENTS = random_events()
STAYS = by_stay(EVENTS)
#: The day of the first event of HOTEL.
BEGIN = min(event.event_at.date() for event in EVENTS if event.hotel_id == HOTEL)


def modelled_changes() -> list[tuple[int, date, uuid.UUID, datetime, int]]:
    found = []
    for stay, events in STAYS.items():
        is_booked = False
        for event in events:
            if (event.status == "booking") != is_booked:
                is_booked = not is_booked
                found.append((*stay, event.event_at, 1 if is_booked else -1))
    return found


def modelled_nights() -> Iterator[tuple[Any, ...]]:
    for stay, events in STAYS.items():
        booked = [event.event_at for event in events if event.status == "booking"]
        cancelled = [event.event_at for event in events if event.status == "cancellation"]
        state = "cancelled" if events[-1].status == "cancellation" else "booked"
        yield (
            *stay,
            state if booked else "never_booked",
            booked[0] if booked else None,
            cancelled[-1] if state == "cancelled" else None,
            len(booked),
            len(cancelled),
            (stay[1] - booked[0].date()).days if booked else None,
        )


@cache
def stays_of(hotel: int, night: date) -> list[list[Event]]:
    return [events for stay, events in STAYS.items() if stay[:2] == (hotel, night)]


def modelled_on_the_books(hotel: int, night: date, instant: datetime) -> int:
    stays = stays_of(hotel, night)
    last = [[e.status for e in events if e.event_at <= instant][-1:] for events in stays]
    return last.count(["booking"])


def modelled_pace(
    hotel: int, nights: Sequence[date], as_of: datetime, days: int
) -> list[int | None]:
    def books_at_the_end(night: date, ahead: int) -> int | None:
        end = midnight(night) + (1 - ahead) * DAY
        last = end - timedelta(microseconds=1)
        return modelled_on_the_books(hotel, night, last) if end <= as_of else None

    found = [[books_at_the_end(night, ahead) for night in nights] for ahead in range(days, -1, -1)]
    return [None if None in books else sum(filter(None, books)) for books in found]


def modelled_bookings(
    hotel: int, starts: Sequence[date], end: date, axis: str
) -> list[tuple[date, int, int, int]]:
    rows = []
    for start, until in zip(starts, [*starts[1:], end], strict=True):
        found = [
            event.status
            for event in EVENTS
            if event.hotel_id == hotel
            and start <= (event.event_at.date() if axis == "event" else event.night) < until
        ]
        booked, cancelled = found.count("booking"), found.count("cancellation")
        rows.append((start, booked, cancelled, booked - cancelled))
    return rows


def days_of(start: date, end: date) -> list[date]:
    return [start + number * DAY for number in range((end - start).days)]


def starts_of(period: str, first: date, end: date) -> list[date]:
    number = {"week": "%w", "month": "%d", "year": "%j"}.get(period)
    return [
        day
        for day in days_of(first, end)
        if day == first or number is None or int(day.strftime(number)) == 1
    ]


PACE = "days_before_arrival, on_the_books, on_the_books_last_year, why_missing"


@pytest.fixture(scope="module")
def filled(server: Connections, template: str) -> Iterator[Connection]:
    """The events and their counts, in a session whose zone changes its clocks among them."""
    with (
        made(server, template) as hotels,
        psycopg.connect(server.url(SUPERUSER, hotels), autocommit=True) as session,
    ):
        with session.cursor() as cursor, cursor.copy("COPY bookings.events FROM STDIN") as copy:
            for event in EVENTS:
                copy.write_row((*event, 1, 1))
        with Warehouse(server.url(LOADER, hotels)) as store:
            with store.transaction("bookings") as connection:
                watermarks.move(connection, "bookings.events", 1)
            refresh(store, rebuild=True)
        session.execute("ANALYZE bookings.events")
        session.execute("SET TIME ZONE 'America/New_York'")
        yield session


@pytest.mark.parametrize("axis", ["event", "stay"])
@pytest.mark.parametrize("year", [2023, 2024])
def test_bookings_by_period_and_axis(filled: Connection, year: int, axis: str) -> None:
    cases: list[tuple[str, int | None, int | None]] = [
        *((period, None, None) for period in ("year", "month", "week", "day")),
        *((period, month, None) for month in (2, 12) for period in ("month", "week", "day")),
        *(("day", month, day) for month, day in ((2, 27), (12, 31))),
    ]
    for period, month, day in cases:
        first = date(year, month or 1, day or 1)
        until = first + DAY if day else date(year, 3, 1) if month == 2 else date(year + 1, 1, 1)
        for hotel in (HOTEL, OTHER_HOTEL):
            answer = filled.execute(
                "SELECT period_start, bookings, cancellations, net_bookings"
                " FROM metrics.hotel_bookings(%s, %s, %s, %s, %s, %s)",
                (hotel, period, year, axis, month, day),
            ).fetchall()
            modelled = modelled_bookings(hotel, starts_of(period, first, until), until, axis)
            assert answer == modelled, (period, month, day)


def test_changes_and_nights_are_those_of_a_replay(filled: Connection) -> None:
    answer = filled.execute("SELECT * FROM enriched.reservation_changes ORDER BY 1, 2, 3, 4, 5")
    assert answer.fetchall() == (changes := sorted(modelled_changes()))
    assert len(changes) < len(EVENTS)
    answer = filled.execute("SELECT * FROM enriched.reservation_nights ORDER BY 1, 2, 3")
    assert answer.fetchall() == (nights := list(modelled_nights()))
    assert {row[3] for row in nights} == {"booked", "cancelled", "never_booked"}
    assert min(row[-1] for row in nights if row[-1] is not None) < 0


INSTANTS = [
    datetime.fromisoformat(f"{one}Z")
    for one in (
        *("2020-01-01T00:00", "2024-02-18T12:00", "2024-02-29T00:00"),
        *("2024-03-01T00:00:01", "2024-03-12T18:00", "2030-01-01T00:00"),
    )
]
AGO = [days * DAY for days in (0, 1, 7, 30)]
BEFORE, AFTER = FIRST_NIGHT - 3 * DAY, FIRST_NIGHT + (NIGHTS + 3) * DAY


@pytest.mark.parametrize("instant", INSTANTS)
def test_the_books_are_those_of_a_replay_and_the_pickup_is_their_difference(
    filled: Connection, instant: datetime
) -> None:
    for hotel in (HOTEL, OTHER_HOTEL):
        values = {"hotel": hotel, "at": instant, "from": BEFORE, "to": AFTER}
        books = "SELECT * FROM metrics.hotel_on_the_books(%(hotel)s, %(at)s, %(from)s, %(to)s)"
        pickup = "SELECT * FROM metrics.hotel_pickup(%(hotel)s, %(from)s, %(to)s, %(at)s)"
        known = {
            night: [modelled_on_the_books(hotel, night, instant - ago) for ago in AGO]
            for night in days_of(BEFORE, AFTER)
        }
        assert filled.execute(books, values).fetchall() == [
            (hotel, None, night, now) for night, (now, *_) in known.items()
        ]
        assert filled.execute(pickup, values).fetchall() == [
            (hotel, None, night, now, *(now - earlier for earlier in then))
            for night, (now, *then) in known.items()
        ]


@pytest.mark.parametrize("instant", INSTANTS)
@pytest.mark.parametrize(("nights", "days"), [(7, 40), (20, 0)])
def test_pace_sums_the_books(filled: Connection, instant: datetime, nights: int, days: int) -> None:
    end = FIRST_NIGHT + nights * DAY
    answer = filled.execute(
        f"SELECT {PACE} FROM metrics.hotel_pace(%s, %s, %s, %s, %s)".encode(),
        (HOTEL, FIRST_NIGHT, end, instant, days),
    ).fetchall()
    this_year = days_of(FIRST_NIGHT, end)
    last_year = [night - YEAR_BEFORE for night in this_year]
    assert [row[:3] for row in answer] == [
        (ahead, now, then if last_year[0] - ahead * DAY >= BEGIN else None)
        for ahead, now, then in zip(
            range(days, -1, -1),
            modelled_pace(HOTEL, this_year, instant, days),
            modelled_pace(HOTEL, last_year, instant, days),
            strict=True,
        )
    ]
    for _, now, then, why in answer:
        assert ("this year: " in (why or "")) == (now is None)
        assert ("last year: " in (why or "")) == (then is None)


def test_before_the_first_event_is_no_year_without_bookings(filled: Connection) -> None:
    nights = (HOTEL, FIRST_NIGHT - YEAR_BEFORE, FIRST_NIGHT - YEAR_BEFORE + 7 * DAY)
    query = f"SELECT {PACE} FROM metrics.hotel_pace(%s, %s, %s)"
    pace = filled.execute(query.encode(), nights).fetchall()
    assert {(then, why) for _, _, then, why in pace} == {
        (None, f"last year: the events begin on {BEGIN}")
    }
    query = "SELECT * FROM metrics.hotels_same_time_last_year(%s, %s, %s) WHERE hotel_id = %s"
    # The second instant is within the history, but the nights are before it.
    for as_of in (BEGIN + timedelta(days=20), BEGIN + 2 * YEAR_BEFORE):
        (row,) = filled.execute(query, (*nights[1:], as_of, HOTEL)).fetchall()
        assert row[4:] == (None, None, None, f"the events begin on {BEGIN}")


def test_a_time_to_come_counts_as_now(filled: Connection) -> None:
    """The books of last year were those of a later day than the books of this year."""
    # Known between the two instants of last year, for nights of which pickup and pace ask, too.
    booked = "SELECT 1, %s, now() - interval '350 days', 'booking', gen_random_uuid(),"
    booked += " current_date - 304, 1, 1"
    with filled.transaction(force_rollback=True):
        filled.execute(f"INSERT INTO bookings.events {booked}".encode(), [HOTEL])
        for call in (
            "hotels_same_time_last_year(current_date + 55, current_date + 65, as_of => {})",
            "all_hotel_pickup(as_of => {})",
            "all_hotel_pace(current_date + 30, current_date + 37, as_of => {})",
        ):
            query = f"SELECT * FROM metrics.{call}"
            today = filled.execute(query.format("now()").encode()).fetchall()
            later = filled.execute(query.format("now() + interval '45 days'").encode()).fetchall()
            assert later == today, call


def test_the_same_time_last_year_has_the_books_of_then(filled: Connection) -> None:
    as_of = datetime(2024, 2, 18, 12, tzinfo=UTC)
    nights = days_of(FIRST_NIGHT, end := FIRST_NIGHT + 7 * DAY)
    query = "SELECT * FROM metrics.hotels_same_time_last_year(%s, %s, %s)"
    found = filled.execute(query, (FIRST_NIGHT, end, as_of)).fetchall()
    for hotel, _, _, now, then, change, share, why in found:
        assert now == sum(modelled_on_the_books(hotel, night, as_of) for night in nights)
        assert then == sum(
            modelled_on_the_books(hotel, night - YEAR_BEFORE, as_of - YEAR_BEFORE)
            for night in nights
        )
        assert (change, why) == (now - then, None)
        assert share == pytest.approx(100 * (now / then - 1), abs=0.05)
    assert {row[0] for row in found} == {HOTEL, OTHER_HOTEL}


def test_all_hotels_are_answered_as_each_of_them(filled: Connection) -> None:
    for function, arguments in (
        ("hotel_bookings", "'week', 2024, 'stay'"),
        ("hotel_pickup", "'2024-02-20', '2024-03-01', '2024-02-18'"),
        ("hotel_pace", "'2024-02-20', '2024-03-01', '2024-02-18', 5"),
    ):
        every = filled.execute(f"SELECT * FROM metrics.all_{function}({arguments})").fetchall()
        assert every == [
            row
            for hotel in sorted((HOTEL, OTHER_HOTEL))
            for row in filled.execute(f"SELECT * FROM metrics.{function}({hotel}, {arguments})")
        ]


def test_occupancy_is_rooms_booked_by_rooms(filled: Connection) -> None:
    with filled.transaction(force_rollback=True):
        filled.execute(
            "INSERT INTO bookings.hotels (hotel_id, name, city, rooms)"
            f" VALUES ({HOTEL}, 'Harbour House', 'Hamburg', 8), (9, 'Without events', NULL, 3)"
        )
        rows = filled.execute(
            "SELECT * FROM metrics.hotel_occupancy("
            "'2024-02-20', '2024-03-01', 'week', '2024-02-18')"
        ).fetchall()
    as_of = datetime(2024, 2, 18, 5, tzinfo=UTC)  # midnight in New York
    monday = date(2024, 2, 26)
    weeks = days_of(FIRST_NIGHT, monday), days_of(monday, date(2024, 3, 1))
    booked = [sum(modelled_on_the_books(HOTEL, night, as_of) for night in week) for week in weeks]
    assert [row for row in rows if row[0] == HOTEL] == [
        (HOTEL, "Harbour House", "Hamburg", week[0], count, 8 * len(week), ANY)
        for week, count in zip(weeks, booked, strict=True)
    ]
    assert float(rows[-1][-1]) == round(booked[-1] / 32, 4)
    assert next(row for row in rows if row[0] == OTHER_HOTEL)[5:] == (None, None)
    assert {row[0] for row in rows} == {HOTEL, OTHER_HOTEL}


#: Arguments that are rejected, and what is said of them.
REJECTED = [
    ("bookings(", "period is NULL: it must be day, week, month or year"),
    ("bookings(1, 'Day', 2022", "period is 'Day': .* day, week, month or year"),
    ("bookings(1, 'day', NULL", "year is NULL: it must be 1950 to 2050"),
    ("bookings(1, 'day', 2051", "year is 2051: it must be 1950 to 2050"),
    ("bookings(1, 'day', 2022, 'night'", "axis is 'night': it must be event or stay"),
    ("bookings(1, 'month', 2022, month => 13", "month is 13: it must be 1 to 12"),
    ("bookings(1, 'year', 2022, month => 3", "month is 3: with period year .* NULL"),
    ("bookings(1, 'day', 2022, day => 3", "day is 3: without a month .* NULL"),
    ("bookings(1, 'month', 2022, month => 3, day => 3", "day is 3: with period month it must be N"),
    ("bookings(1, 'day', 2022, month => 2, day => 30", "day is 30: in February 2022 .* 1 to 28"),
    ("bookings(1, 'day', 2024, month => 2, day => 30", "day is 30: in February 2024 .* 1 to 29"),
    ("pace(1, '2022-01-01', '2022-01-02', '-infinity'", "as_of is -infinity"),
    ("pace(1, '2022-01-01', '2022-01-02', days => 401", "days is 401: .* 0 to 400"),
    ("pace(1, '2020-01-01', '2022-01-01'", "to_date is 2022-01-01: .* at most 400 nights after"),
    ("on_the_books(1, NULL, '2022-01-01', '2022-01-02'", "as_of is NULL: .* instant"),
    ("on_the_books(1, now(), '2022-01-02', '2022-01-01'", "from_date is 2022-01-02: .* not be aft"),
    ("on_the_books(1, now(), '2000-01-01', '2022-01-01'", "to_date is 2022-.*: .* 3700 nights"),
    ("occupancy(period => 'Day'", "period is 'Day': .* day, week, month or year"),
    ("pickup(1, from_date => '-infinity'", "from_date is -infinity: .* a date"),
    ("pickup(1, '2000-01-01', '2022-01-01'", "to_date is 2022-01-01: .* at most 3700 nights after"),
]
#: What hints begin with. Of each function's arguments only: an outer one passes the error on.
HINTS = {
    "bookings": "metrics.hotel_bookings(",
    "pace": "For instance ",
    "on_the_books": "For instance from_date => ",
    "occupancy": "For instance period => ",
    "pickup": "For instance from_date => ",
}


def test_invalid_arguments_are_rejected_with_a_message(filled: Connection) -> None:
    for call, words in REJECTED:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=words) as caught:
            filled.execute(f"SELECT * FROM metrics.hotel_{call})".encode())
        hint = caught.value.diag.message_hint or ""
        assert hint.startswith(HINTS[call.partition("(")[0]]), call


@pytest.mark.parametrize(
    "call",
    [
        "hotel_bookings({}, 'month', 2024)",
        "hotel_on_the_books({}, now(), '2024-03-01', '2024-03-08')",
        "hotel_pickup({})",
        "hotel_pace({}, '2024-03-01', '2024-03-08')",
    ],
)
def test_an_unknown_hotel_is_named(filled: Connection, call: str) -> None:
    """It had zeros for every period, as a hotel without guests has."""
    said: list[tuple[str | None, str | None]] = []

    def note(one: psycopg.errors.Diagnostic) -> None:
        said.append((one.message_primary, one.message_hint))

    filled.add_notice_handler(note)
    every = f"SELECT DISTINCT number FROM unnest(%s::bigint[]) AS number, metrics.{call}"
    query = every.format("number").encode()
    found = filled.execute(query, [[UNKNOWN_HOTEL, HOTEL]]).fetchall()
    filled.remove_notice_handler(note)
    assert found == [(HOTEL,)], "an unknown one ends no query over many"
    ((words, hint),) = said
    assert words == f"hotel {UNKNOWN_HOTEL} has no events"
    known = filled.execute((hint or "").encode()).fetchall()
    assert known == [(OTHER_HOTEL,), (HOTEL,)]
