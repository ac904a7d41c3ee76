"""Every statement of the cookbook runs as an analyst, and answers as it says."""

import csv
import datetime as dt
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.core.embedded_postgres import ANALYST, SUPERUSER, Connections
from pipelines.core.warehouse import Warehouse
from pipelines.metrics import plant_health
from pipelines.metrics.hotel_bookings import refresh
from pipelines.weather.locate import put_places
from pipelines_tests.bookings.made_up import ROOM, Event, deliver, event
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.solar_rows import add_plant, add_readings

COOKBOOK = PROJECT / "docs" / "cookbook.md"
TODAY = dt.datetime.now(dt.UTC).date()
DAY = dt.timedelta(days=1)


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
def sunlit(owner: psycopg.Connection, warehouse: Warehouse) -> None:
    """Two plants: one whole of some forty days, of which an hour was corrected and three were low
    without clouds; one that was asked for three days, the first of them in vain, the last dark.
    """
    add_plant(owner, 1, coordinates=(37.09, -2.36), name="Sierra Alta")
    add_plant(owner, 2, coordinates=(52.6, 12.34), name="Havel North")
    add_readings(owner, 1, TODAY - 40 * DAY, TODAY)
    add_readings(owner, 2, TODAY - 2 * DAY, TODAY - DAY)
    add_readings(owner, 2, TODAY - DAY, TODAY, (20.0, 2.0, 400.0, 40.0))
    owner.execute(
        "INSERT INTO solar.days (plant_id, day, status, hours_expected, hours_present, asked_at,"
        " problem, retry_at) VALUES (2, %s, 'failed', 24, 0, now(), 'it was away', now())",
        [TODAY - 3 * DAY],
    )
    owner.execute(
        "INSERT INTO solar.corrections (plant_id, read_at, expected_energy_kwh,"
        " observed_energy_kwh, expected_irradiation_wh_per_m2, observed_irradiation_wh_per_m2,"
        " delivery_id, corrected_by) SELECT plant_id, read_at, 20, 7, 400, 100, 1, 1"
        " FROM solar.readings WHERE plant_id = 1 AND read_at = %s",
        [TODAY - 2 * DAY],
    )
    owner.execute(
        "UPDATE solar.readings SET observed_irradiation_wh_per_m2 = 30"
        " WHERE plant_id = 1 AND read_at < %s + interval '3 hours' AND read_at >= %s",
        [TODAY - 9 * DAY] * 2,
    )
    put_places(warehouse, dt.datetime.now(dt.UTC))
    owner.execute(
        "INSERT INTO weather.hourly (place_id, hour_at, shortwave_radiation_w_per_m2,"
        " weather_source, fetched_at) SELECT place_id, hour_at,"
        " CASE WHEN latitude < 40 THEN 390 ELSE 20 END, 'archive', now() FROM weather.places"
        " CROSS JOIN generate_series(%s::timestamptz, now(), '1 hour') AS hour_at",
        [TODAY - 20 * DAY],
    )
    plant_health.refresh(warehouse, now=dt.datetime.now(dt.UTC))


@pytest.fixture
def analyst(
    warehouse: Warehouse, server: Connections, database: str, tmp_path: Path, sunlit: None
) -> Iterator[psycopg.Connection]:
    """Someone who may only read, where known events have come and one contradicts another."""
    deliver(warehouse, tmp_path, [*EVENTS, EVENTS[1] | {"hotel_id": 1}])
    refresh(warehouse)
    with psycopg.connect(server.url(ANALYST, database), autocommit=True) as connection:
        yield connection


def test_the_cookbook_is_not_empty() -> None:
    assert len(STATEMENTS) == 29


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
    hours = answer("What a plant expected and observed, hour by hour")
    assert [(row[0].date(), row[0].hour) for row in hours] == [(TODAY - DAY, n) for n in range(24)]
    assert {row[2] for row in hours} == {15.0}
    days = answer("By day, of thirty days")
    assert len(days) == 30
    assert {row[3] for row in days} == {0.75}
    months = answer("By month, or year")
    assert len(months) == 12 + TODAY.month - (TODAY.day == 1)
    assert sum(row[3] for row in months) == 40 * 24
    page = answer("Several plants, in pages")
    assert len(page) == 50
    assert {row[1] for row in page} == {"Sierra Alta"}
    assert [row[:6] for row in answer("What is missing, since when")] == [
        ("Havel North", "failed", TODAY - 3 * DAY, TODAY - 3 * DAY, 24, "it was away")
    ]
    held = answer("How much of each month")
    assert {row[0] for row in held} == {"Havel North", "Sierra Alta"}
    assert sum(row[3] for row in held) == 1
    assert {row[2] for row in held if row[0] == "Sierra Alta"} == {1.0}
    health = answer("How plants do")
    assert {row[0]: row[1] for row in health} == {
        "Sierra Alta": pytest.approx(0.75),
        "Havel North": pytest.approx((15 + 2) / (20 + 20)),
    }
    assert [row[2:4] for row in answer("Where the service changed its word")] == [(7.0, 15.0)]
    assert answer("Sky, sensor or plant") == [("Sierra Alta", "sensor", 3)]


def test_p26_the_hours_of_a_plant_are_a_csv_file_by_one_line(
    sunlit: None, server: Connections, database: str, state: Path, tmp_path: Path
) -> None:
    (line,) = re.findall(r"```sh\n(.*--csv.*)\n```", COOKBOOK.read_text())
    file = tmp_path / "plant-1.csv"
    subprocess.run(
        ["/bin/sh", "-ec", line.replace("plant-1.csv", str(file))],
        env=environment(state, DATABASE_URL=server.url(SUPERUSER, database)),
        cwd=PROJECT,
        timeout=120,
        check=True,
    )
    header, *rows = list(csv.reader(file.read_text().splitlines()))
    assert header[:4] == ["plant_id", "plant_name", "read_at", "local_hour"]
    assert len(rows) == 7 * 24
    assert rows[0][:2] == ["1", "Sierra Alta"]
    assert {float(row[header.index("observed_energy_kwh")]) for row in rows} == {15.0}


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
