"""The page *Ask*: every question as a form, and links that give the same answer."""

import datetime as dt
from collections.abc import Iterator

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from pipelines.dashboard import ask, cookbook
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines_tests.dashboard.test_pages import reading, show
from pipelines_tests.solar_rows import add_plant, add_readings


@pytest.fixture(autouse=True)
def empty(server: Connections, database: str) -> Iterator[None]:
    with reading(server.url(ANALYST, database)):
        yield


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_function(show, args=("pipelines.dashboard.ask",), default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


def field(page: AppTest, label: str) -> object:
    inputs = [*page.text_input, *page.selectbox, *page.number_input, *page.date_input]
    return next(one.value for one in inputs if one.label == label)


def test_a_question_is_answered_by_a_form(owner: psycopg.Connection) -> None:
    add_plant(owner, 1)
    add_plant(owner, 2)
    today = dt.datetime.now(dt.UTC).date()
    add_readings(owner, 1, today - dt.timedelta(days=28), today)
    page = opened(question="solar.several_plants")
    assert not page.exception
    assert field(page, "To day") == today
    assert len(page.dataframe[0].value) == 8
    next(one for one in page.number_input if one.label == "Rows, at most").set_value(3)
    page.button[0].click().run()
    assert len(page.dataframe[0].value) == 3
    assert page.query_params["rows"] == "3"
    again = opened(**dict(page.query_params))
    assert again.dataframe[0].value.equals(page.dataframe[0].value)


def test_what_the_database_rejects_is_said_without_markdown_of_a_link() -> None:
    page = opened(question="solar.by_month", plant="7")
    assert not page.exception
    (error,) = page.error
    assert error.value == "Object with plant id does not exists."
    period = "![x](http://example.org/p.png) [Log in](http://example.org)"
    page = opened(question="solar.by_month", plant="7", from_day=period)
    assert not page.exception
    shown = [one.value for one in (*page.error, *page.info)]
    assert not any("](http" in one for one in shown)


def test_a_link_with_nonsense_shows_the_page() -> None:
    for day in ("1 or 1", "0001-01-01", "9999-12-31"):
        page = opened(question="solar.by_month", from_day=day, plant="x'; --")
        assert not page.exception, day
    page = opened(question="bookings.events", rows="9" * 30)
    assert not page.exception
    page = opened(question="bookings.events", rows="9" * 9)
    assert page.query_params["rows"] == str(ask.MAX_ROWS)
    page = opened(question="there.is_none", hotel="3")
    assert not page.exception
    assert page.info[0].value == "There is no question there.is\\_none; choose one below."
    assert page.query_params["question"] != "there.is_none"
    assert "hotel" not in page.query_params


def test_values_are_parameters_and_not_parts_of_the_statement() -> None:
    page = opened(question="flights.airlines", name="x' OR '1'='1")
    assert not page.exception
    assert not page.error
    assert page.info[0].value == "No row answers this."
    assert any("x'' OR ''1''=''1" in one.value for one in page.code)


def test_a_file_of_a_question_is_read() -> None:
    text = (
        "-- Who?\n--\n-- All `of`\n-- them: all.\n--\n-- name: O'Hara\n-- rows: 3\nSELECT 1 %% 2,\n"
    )
    one = cookbook.parse("here", "who", f"{text}-- why\n%(name)s LIMIT %(rows)s;\n")
    assert (one.title, one.words) == ("Who?", "All `of`\nthem: all.")
    assert one.examples == {"name": "O'Hara", "rows": "3"}
    assert one.statement == "SELECT 1 % 2,\n-- why\n'O''Hara' LIMIT 3;\n"


def test_dates_of_a_question_are_moved_to_the_present() -> None:
    now = dt.datetime(2027, 1, 3, 9, 30, tzinfo=dt.UTC)

    def at_first(*parameters: str) -> list[str]:
        comment = "".join(f"-- {one}\n" for one in parameters)
        one = cookbook.parse("here", "who", f"-- Who?\n--\n{comment}SELECT 1;\n")
        return [*cookbook.values_at(one, now).values()]

    assert at_first("as_of: 2026-11-02 12:00+00 | now", "night: 2026-11-03 | today") == [
        "2027-01-03 09:30+00",
        "2027-01-03",
    ]
    months = at_first("from_day: 2026-08-01 | month - 3", "to_day: 2026-11-01 | month")
    assert months == ["2026-10-01", "2027-01-01"]
    assert at_first("from_day: 2026-08-01 | year", "hour: 10 | 0") == ["2026-01-01", "0"]
    assert at_first("day: 2026-11-22", "until: 2026-11-23 00:00+02 | today - 1") == [
        "2026-11-22",
        "2027-01-02 00:00+02",
    ]
