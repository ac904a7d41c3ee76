"""The page shows what its statements answer to an analyst, and its questions are quick."""

import csv
import datetime as dt
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from docs import answers
from docs.answers import PAGE, answered, questions
from pipelines.dashboard import ask, cookbook
from pipelines.postgres.roles import ANALYST, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.cookbook.known_solar import SIERRA, local, sent_hours, values
from pipelines_tests.states import copied, load

TEXT = PAGE.read_text()
QUESTIONS = questions(TEXT)


def test_the_page_shows_what_each_statement_answers(analyst: psycopg.Connection) -> None:
    """`make docs` writes them anew: look at what changed, and why."""
    assert answered(answers.with_questions(TEXT), analyst) == TEXT


def test_p26_one_line_exports_a_plants_hours_as_csv(
    server: Connections, known: str, state: Path, tmp_path: Path
) -> None:
    (line,) = re.findall(r"```sh\n(.*--csv.*)\n```", TEXT)
    file = tmp_path / "plant-1.csv"
    subprocess.run(
        ["/bin/sh", "-ec", line.replace("plant-1.csv", str(file))],
        env=environment(state, DATABASE_URL=server.url(SUPERUSER, known)),
        cwd=PROJECT,
        timeout=120,
        check=True,
    )
    header, *rows = list(csv.reader(file.read_text().splitlines()))
    assert header[:4] == ["plant_id", "plant_name", "read_at", "local_hour"]
    of_the_week = [
        at for at in sent_hours(SIERRA) if "2026-10-24" <= str(local(SIERRA, at)) < "2026-10-31"
    ]
    assert len(rows) == len(of_the_week)
    assert f"a header and {len(rows)} lines" in TEXT
    assert rows[0][:2] == ["1", "Sierra Alta"]
    observed = [float(row[header.index("observed_energy_kwh")]) for row in rows]
    assert observed == [values(SIERRA, at).observed_kwh for at in of_the_week]


def test_the_filters_of_events_are_answered_by_an_index(owner: psycopg.Connection) -> None:
    at, night = "events_event_at_idx", "events_hotel_id_night_of_stay_idx"
    indexes = {
        "Which events are there, oldest first?": at,
        "What is the next page of events?": at,
        "What was cancelled at a hotel in a span of time?": f"{at}|{night}",
        "What was said of a reservation?": "events_room_reservation_id_idx",
        "What was said about some nights?": night,
    }
    owner.execute(
        "INSERT INTO bookings.events SELECT n, n % 300, TIMESTAMPTZ '2026-11-02 00:00+00' - n"
        " * interval '10 minutes', 'booking', md5((n / 2)::text)::uuid, DATE '2026-11-02' - n / 144"
        " + n % 30, 1, 1 FROM generate_series(1, 12000) AS n"
    )
    owner.execute("VACUUM ANALYZE bookings.events")
    owner.execute("SET enable_seqscan = off")  # which is as good for so few
    for title, index in indexes.items():
        (statement,) = [one.statement for one in QUESTIONS if one.title == title]
        plan = " ".join(line for (line,) in owner.execute(b"EXPLAIN " + statement.encode()))
        assert re.search(index, plan), (title, plan)


@pytest.mark.system
def test_every_question_has_rows_on_simulated_data() -> None:
    of_ask = [one.question for one in ask._of_cookbook()]
    assert len(of_ask) > 50
    now = dt.datetime.now(dt.UTC)
    with copied(load) as state:
        url = EmbeddedPostgres(state).start().url(ANALYST, WAREHOUSE)
        with psycopg.connect(url, autocommit=True) as analyst:
            empty = [
                one.title
                for one in of_ask
                if not answers.table(analyst, one.filled(cookbook.values_at(one, now)))
            ]
    assert empty == []
