"""Every statement of the cookbook runs as an analyst, and answers as it says."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.core.embedded_postgres import ANALYST, Connections
from pipelines.core.warehouse import Warehouse
from pipelines.metrics.hotel_bookings import refresh
from pipelines_tests.bookings.made_up import ROOM, deliver, event
from pipelines_tests.command import PROJECT

COOKBOOK = PROJECT / "docs" / "cookbook.md"
EVENTS = [
    event(16, event_timestamp="2022-07-31 12:00:40", night_of_stay="2022-08-02"),
    event(17, event_timestamp="2022-07-31 12:00:40"),
    event(18, event_timestamp="2022-07-31 12:00:40", hotel_id=3009),
    event(19, event_timestamp="2022-08-01 09:00:00", status=2, room_reservation_id=ROOM.format(17)),
    event(20, event_timestamp="2022-06-15 09:00:00", room_reservation_id=ROOM.format(1)),
    event(21, event_timestamp="2022-07-30 09:00:00", night_of_stay="2022-08-07"),
    event(22, event_timestamp="2021-07-20 09:00:00", night_of_stay="2021-08-02"),
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
    deliver(warehouse, tmp_path, [*EVENTS, *[EVENTS[0]] * 10, event(17, hotel_id=1)])
    refresh(warehouse)
    with psycopg.connect(server.url(ANALYST, database), autocommit=True) as connection:
        yield connection


def test_the_cookbook_is_not_empty() -> None:
    assert len(STATEMENTS) == 19


def test_every_statement_of_the_cookbook_answers(analyst: psycopg.Connection) -> None:
    answers: dict[str, list[Any]] = {
        comment: analyst.execute(statement.encode()).fetchall()
        for comment, statement in STATEMENTS.items()
    }

    def answer(beginning: str) -> list[Any]:
        (found,) = [rows for comment, rows in answers.items() if comment.startswith(beginning)]
        return found

    ids = [row[0] for row in answer("Events in the order")]
    assert ids == [22, 20, 21, 16, 17, 18, 19]
    assert [row[0] for row in answer("The next page")] == [18, 19]
    assert [row[0] for row in answer("Of one hotel, in a span")] == [21, 16, 17]
    assert [row[0] for row in answer("Cancellations alone")] == [19]
    assert len(answer("All that was said of one")) == 1
    assert [row[0] for row in answer("About nights")] == [20, 21, 16, 17, 19]
    assert answer("A hotel's year by month")[5:8] == [
        (date(2022, 6, 1), 1, 0, 1),
        (date(2022, 7, 1), 3, 0, 3),
        (date(2022, 8, 1), 0, 1, -1),
    ]
    assert answer("By day, of one month")[29:31] == [(date(2022, 7, 30), 1), (date(2022, 7, 31), 2)]
    assert answer("The year in one row") == [(4, 1, 3)]
    assert answer("The four readings") == [(0, -1, 4, 1)]
    assert answer("All hotels on one day") == [(2607, 2, 0, 2), (3009, 1, 0, 1)]
    nights = answer("What is on the books")
    assert [row[1] for row in nights] == [2, 1, 0, 0, 0, 0, 1]
    pickup = answer("What came in since")
    assert pickup[0][1:] == (2, 1, 1, 1)
    assert pickup[1][1:] == (1, 1, 1, 1)
    pace = {row[0]: row[1:] for row in answer("How a week fills up")}
    assert pace[30] == (1, 0)
    assert pace[0] == (3, 1)
    assert answer("How long before the stay")[0][2] == Decimal("0.25")
    assert [row[1] for row in answer("What became of one")] == ["booked"]
    assert answer("The file or answer")[0][1] == "bookings.csv"
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
        "INSERT INTO bookings.events SELECT n, n % 300, timestamptz '2021-01-01' + n * interval"
        " '10 minutes', 'booking', md5((n / 2)::text)::uuid, date '2021-01-01' + n / 144 + n % 30,"
        " 1, 1 FROM generate_series(1, 120000) AS n"
    )
    owner.execute("VACUUM ANALYZE bookings.events")
    owner.execute("SET enable_seqscan = off")  # which is as good for so few
    (statement,) = [one for comment, one in STATEMENTS.items() if comment.startswith(beginning)]
    plan = " ".join(line for (line,) in owner.execute(b"EXPLAIN " + statement.encode()))
    assert re.search(index, plan), plan
