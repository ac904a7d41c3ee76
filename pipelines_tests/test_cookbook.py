"""Every statement of the cookbook runs as an analyst, and answers as it says."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.core.embedded_postgres import ANALYST, Connections
from pipelines.core.warehouse import Warehouse
from pipelines.metrics.hotel_bookings import refresh
from pipelines_tests.bookings.made_up import ROOM, Event, deliver, event
from pipelines_tests.command import PROJECT

COOKBOOK = PROJECT / "docs" / "cookbook.md"
TODAY = dt.datetime.now(dt.UTC).date()


def about(number: int, days: int, night: int, time: str = "09:00:00", **values: Any) -> Event:
    """An event so many days from today, about a night so many days from it."""
    told = {
        "event_timestamp": f"{TODAY + dt.timedelta(days=days)} {time}",
        "night_of_stay": str(TODAY + dt.timedelta(days=night)),
    }
    return event(number, **told | values)


EVENTS = [
    about(16, -3, 2),
    about(17, -3, 1),
    about(18, -3, 1, hotel_id=3009),
    about(19, -2, 1, status=2, room_reservation_id=ROOM.format(17)),
    about(20, -45, 1, room_reservation_id=ROOM.format(1)),
    about(21, -4, 7),
    about(22, -380, 2 - 364),
]


def statements() -> dict[str, str]:
    """Each statement by the comment above it, in one line."""
    found = {}
    for block in re.findall(r"```sql\n(.*?)```", COOKBOOK.read_text(), re.DOTALL):
        for one in re.split(r";\n", block):
            comment = " ".join(re.findall(r"^-- (.*)$", one, re.MULTILINE))
            if comment:
                found[comment] = one
    return found


STATEMENTS = statements()


@pytest.fixture
def analyst(
    warehouse: Warehouse, server: Connections, database: str, tmp_path: Path
) -> Iterator[psycopg.Connection]:
    """Someone who may only read, where known events have come and one contradicts another."""
    deliver(warehouse, tmp_path, [*EVENTS, EVENTS[1] | {"hotel_id": 1}])
    refresh(warehouse)
    with psycopg.connect(server.url(ANALYST, database), autocommit=True) as connection:
        yield connection


def test_the_cookbook_is_not_empty() -> None:
    assert len(STATEMENTS) == 20


def test_every_statement_of_the_cookbook_answers(analyst: psycopg.Connection) -> None:
    answers: dict[str, list[Any]] = {
        comment: analyst.execute(statement.encode()).fetchall()
        for comment, statement in STATEMENTS.items()
    }

    def answer(beginning: str) -> list[Any]:
        (found,) = [rows for comment, rows in answers.items() if comment.startswith(beginning)]
        return found

    assert [row[0] for row in answer("Which hotels")] == [2607, 3009]
    ids = [row[0] for row in answer("Events in the order")]
    assert ids == [22, 20, 21, 16, 17, 18, 19]
    assert [row[0] for row in answer("The next page")] == [21, 16, 17, 18, 19]
    assert [row[0] for row in answer("Of one hotel, in a span")] == [21, 16, 17, 19]
    assert [row[0] for row in answer("Cancellations alone")] == [19]
    assert [row[1] for row in answer("All that was said of one")] == ["booking", "cancellation"]
    assert [row[0] for row in answer("About nights")] == [20, 21, 16, 17, 19]
    this_year = [
        one["status"]
        for one in EVENTS
        if one["hotel_id"] == 2607 and one["event_timestamp"][:4] == str(TODAY.year)
    ]
    booked, cancelled = this_year.count(1), this_year.count(2)
    months = answer("A hotel's year by month")
    assert len(months) == 12
    assert sum(row[1] for row in months) == booked
    assert answer("By day, of one month")[0][0] == TODAY.replace(day=1)
    assert answer("The year in one row") == [(booked, cancelled, booked - cancelled)]
    ((*readings,),) = answer("The four readings")
    assert readings[:2] == [booked, booked - cancelled]
    assert readings[3] == booked + cancelled
    assert answer("All hotels on one day") == [(2607, 2, 0, 2), (3009, 1, 0, 1)]
    assert [row[1] for row in answer("What is on the books")] == [0, 2, 1, 0, 0, 0, 0]
    pickup = answer("What came in since")
    assert [row[1:] for row in pickup[:3]] == [(0, 0, 0, 0), (1, 0, 0, 0), (1, 0, 1, 1)]
    pace = {row[0]: row[1:] for row in answer("How a week fills up")}
    assert (pace[60], pace[30], pace[14], pace[0]) == ((0, 0), (1, 0), (1, 1), (None, 1))
    assert [row[2] for row in answer("How long before the stay")] == [Decimal("0.25"), 0]
    assert [row[1] for row in answer("What became of one")] == ["cancelled"]
    assert answer("The file or answer")[0][:2] == (22, "bookings.csv")
    ((_, _, reasons, _),) = answer("Events that contradict")
    assert reasons == ["the event came before with other content: hotel_id was 2607"]
    assert answer("How far the events API") == []


@pytest.mark.parametrize(
    ("beginning", "index"),
    [
        ("The next page", "events_event_at_idx"),
        ("Of one hotel", "events_event_at_idx|events_hotel_id_night_of_stay_idx"),
        ("Cancellations alone", "events_event_at_idx"),
        ("All that was said", "events_room_reservation_id_idx"),
        ("About nights", "events_hotel_id_night_of_stay_idx"),
        ("Events in the order", "events_event_at_idx"),
    ],
)
def test_the_filters_of_events_are_answered_by_an_index(
    owner: psycopg.Connection, beginning: str, index: str
) -> None:
    owner.execute(
        "INSERT INTO bookings.events SELECT n, n % 300, now() - n * interval"
        " '10 minutes', 'booking', md5((n / 2)::text)::uuid, current_date - n / 144 + n % 30,"
        " 1, 1 FROM generate_series(1, 120000) AS n"
    )
    owner.execute("VACUUM ANALYZE bookings.events")
    owner.execute("SET enable_seqscan = off")  # which is as good for so few
    (statement,) = [one for comment, one in STATEMENTS.items() if comment.startswith(beginning)]
    plan = " ".join(line for (line,) in owner.execute(b"EXPLAIN " + statement.encode()))
    assert re.search(index, plan), plan
