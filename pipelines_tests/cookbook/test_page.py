"""The page shows what its statements answer to an analyst, and its questions are quick."""

import csv
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from docs import answers
from docs.answers import PAGE, answered, questions
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.cookbook.known_solar import SIERRA, local, sent_hours, values

TEXT = PAGE.read_text()
QUESTIONS = questions(TEXT)
MAX_ROWS = 8


def test_the_page_shows_what_each_statement_answers(analyst: psycopg.Connection) -> None:
    """`make docs` writes them anew: look at what changed, and why."""
    assert answered(answers.with_questions(TEXT), analyst) == TEXT


def test_each_heading_is_one_question_with_one_statement() -> None:
    headings = re.findall(r"^### (.*)$", TEXT, re.MULTILINE)
    (as_file,) = re.findall(r"^### (.*)\n\n```sh\n", TEXT, re.MULTILINE)
    assert [one.title for one in QUESTIONS] == [title for title in headings if title != as_file]
    assert len(QUESTIONS) == TEXT.count("```sql\n") == len(set(headings)) - 1
    assert len(QUESTIONS) >= 25


def test_each_answer_is_recomputed_by_a_test() -> None:
    """So that a view that is wrong is not written into the page as it is."""
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*_answers.py"))
    answered = [words for _, words in re.findall(r"\banswer\((['\"])(.*?)\1\)", tests)]
    unasked = [one.title for one in QUESTIONS if not any(map(one.title.startswith, answered))]
    assert unasked == []


@pytest.mark.parametrize(
    ("is_so", "instead"),
    [
        ("| it_1 | Wizzair.com | 39.00 |", "| it_1 | Wizzair.com | 39.01 |"),
        ("| it_4 | Trip.com | 61.00 | GBP | 0 | BUD-LTN, LHR-BUD |\n", ""),
        ("WHERE max_stops <= 1 AND", "WHERE max_stops = 1 AND"),
        ("### Which hotels are there,", "### Are there hotels,"),
    ],
    ids=["a value", "a row", "a statement", "a question"],
)
def test_what_is_changed_by_hand_is_found(
    analyst: psycopg.Connection, is_so: str, instead: str
) -> None:
    changed = TEXT.replace(is_so, instead, 1)
    assert changed != TEXT
    assert answered(answers.with_questions(changed), analyst) == TEXT


def test_a_question_without_an_answer_is_found(analyst: psycopg.Connection) -> None:
    found = answers.QUESTION.search(TEXT)
    assert found is not None
    without = TEXT[: found.start("answer")] + TEXT[found.end("answer") :]
    assert answered(without, analyst) == TEXT


def test_an_answer_without_rows_is_none(analyst: psycopg.Connection) -> None:
    with pytest.raises(ValueError, match="no row answers: Who is there\\?"):
        answered("### Who is there?\n\n```sql\nSELECT 1 WHERE FALSE;\n```\n", analyst)


def test_answers_are_short(analyst: psycopg.Connection) -> None:
    long = [
        one.title
        for one in QUESTIONS
        if len(analyst.execute(one.statement.encode()).fetchall()) > MAX_ROWS
    ]
    assert long == []


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
