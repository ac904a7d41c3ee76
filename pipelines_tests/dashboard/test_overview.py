"""The overview: health, a number of each source, and stories that the data support."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import psycopg
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pipelines import isolation
from pipelines.dashboard import health, overview
from pipelines.dashboard.page import Answer, Card, Page, Questions
from pipelines.postgres.roles import ANALYST, LOADER
from pipelines.postgres.server import Connections
from pipelines.source import sources
from pipelines.warehouse import last_look
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.last_look import Look, Problem, Severity
from pipelines_tests import plugins
from pipelines_tests.dashboard.test_pages import reading, show, shown
from pipelines_tests.hostile_plugins import RAISING_PAGES

OVERVIEW = "pipelines.dashboard.overview"


@pytest.fixture(autouse=True)
def on_a_database(server: Connections, database: str) -> Iterator[None]:
    with reading(server.url(ANALYST, database)):
        yield


def deliver(owner: psycopg.Connection, source: str, *days_ago: float, rejected: int = 0) -> None:
    """A delivery for each age, with a record each, and one more in quarantine if it is rejected."""
    for age in days_ago:
        owner.execute(
            "WITH delivery AS (INSERT INTO ops.deliveries (feed, name, sha256, byte_count,"
            " received_at, loaded_at, read_count, loaded_count, unchanged_count, rejected_count)"
            " VALUES (%(source)s, %(age)s::text, %(age)s::text, 1, now() - %(age)s * interval"
            " '1 day', now() - %(age)s * interval '1 day', 1 + %(bad)s, 1, 0, %(bad)s)"
            " RETURNING delivery_id)"
            " INSERT INTO ops.quarantine (delivery_id, record_number, position, raw, reasons,"
            " reason_codes, is_final) SELECT delivery_id, n, 'line', 'x', ARRAY['bad'],"
            " ARRAY['status_invalid'], FALSE FROM delivery, generate_series(1, %(bad)s) AS n",
            {"source": source, "age": age, "bad": rejected},
        )


def feeds() -> Answer:
    st.cache_data.clear()
    return Questions("pipelines.dashboard").ask("feeds")


def test_a_feed_that_is_silent_for_longer_than_ever_is_quiet(owner: psycopg.Connection) -> None:
    deliver(owner, "flights", *range(3, 20))
    deliver(owner, "shipments", *range(1, 20))
    deliver(owner, "solar", 30, 20, 10)  # too few to know
    rows = feeds().rows.set_index("source")
    assert rows["is_quiet"].to_dict() == {"flights": True, "shipments": False, "solar": False}
    page = shown(OVERVIEW)
    assert not page.exception
    assert any("went quiet" in one.proto.label for one in page.get("page_link"))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_a_feed_is_as_quiet_for_readers_in_any_zone(owner: psycopg.Connection, zone: str) -> None:
    """Incident: an analyst in another zone counted another number of days with deliveries."""
    in_a_day = "SELECT extract(EPOCH FROM now() - date_trunc('day', now(), 'UTC')) / 86400.0"
    (today,) = owner.execute(in_a_day).fetchone() or (0,)
    midnight = float(today)
    ages = [midnight + days - hours / 24 for days in (30, 29, 28, 27) for hours in (1, 23)]
    deliver(owner, "flights", *ages)
    deliver(owner, "solar", *ages, midnight + 26 - 12 / 24)
    owner.execute(f"SET TIME ZONE '{zone}'".encode())
    quiet = owner.execute("SELECT source, is_quiet FROM ops.feeds ORDER BY source").fetchall()
    assert quiet == [("flights", False), ("solar", True)], "four days of UTC, and five"


ROW = {"plant_name": "[Sierra](http://x)", "missing_hours": 3}
SINCE = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)


def problem(key: str, severity: Severity, count: int = 2) -> Problem:
    remedy = "readings [1](x) are missing; the row shows which. Ask."
    what, where = f"Found {count}; expected: none", "check no_gaps of solar.readings"
    return Problem(key, severity, what, where, SINCE, "/assets/solar", remedy, "solar", [ROW])


def looked(url: str, problems: list[Problem]) -> health.Health:
    """Return what is known after a look has found this."""
    with Warehouse(url) as store:
        last_look.write(store, Look(dt.datetime.now(dt.UTC), problems))
    st.cache_data.clear()
    return health.health()


def test_the_banner_has_what_the_last_look_found(
    server: Connections, database: str, owner: psycopg.Connection
) -> None:
    deliver(owner, "solar", 0.1)
    owner.execute(
        "INSERT INTO ops.sources (source, checked_at, expected_within, run_id)"
        " VALUES ('solar', now() - interval '2 days', '26 hours', 'a run')"
    )
    problems = [problem(f"check:solar.readings:no_{n}", "warning", n) for n in range(5)]
    found = looked(
        server.url(LOADER, database),
        [
            problem("run:solar", "error"),
            Problem("status:daemon", "error", "It is dead", "", SINCE, "", "Start it."),
            *problems,
        ],
    )
    assert overview.verdict(found)[0] == "2 errors and 5 warnings: this needs you"
    assert found.findings[-1].source == "solar"
    page = shown(OVERVIEW)
    assert not page.exception
    labels = [one.proto.label.replace("\\", "") for one in page.get("page_link")]
    assert sum("Solar plants: the last run failed. Found 2" in one for one in labels) == 1
    assert sum("Solar plants: readings [1](x) are missing (4)" in one for one in labels) == 1
    assert sum(one.endswith("It is dead") and "nan" not in one for one in labels) == 1
    assert page.expander[0].label == "2 more warnings"
    page = shown("pipelines.dashboard.quality")
    assert not page.exception
    assert page.dataframe[0].value[["state", "promise"]].to_numpy().tolist() == [
        ["late", "every 26 h"]
    ]


def test_a_page_says_that_nobody_looks_any_more(
    server: Connections, database: str, owner: psycopg.Connection
) -> None:
    deliver(owner, "solar", 0.1)
    looked(server.url(LOADER, database), [])
    owner.execute("UPDATE ops.last_look SET looked_at = now() - interval '9 minutes'")
    st.cache_data.clear()
    found = health.health()
    assert overview.verdict(found)[0] == "No errors, but 1 warning"
    assert found.findings[0].words.startswith("Nobody has looked for problems since ")


def test_each_remedy_of_a_check_begins_with_what_is_wrong() -> None:
    """The overview shows its first clause."""
    remedies = [check.remedy for one in sources().values() for check in one.checks]
    verbs = ("ask", "see", "launch", "run", "correct", "check", "update", "send", "no ")
    assert [one for one in remedies if one.lower().startswith(verbs)] == []


def test_a_failed_check_shows_the_rows_that_it_found(
    server: Connections, database: str, owner: psycopg.Connection
) -> None:
    deliver(owner, "solar", 0.1)
    found = looked(
        server.url(LOADER, database),
        [problem(f"check:solar.readings:no_{n}", "warning") for n in range(2)],
    )
    assert [one.rows for one in found.findings] == [[ROW], [ROW]]
    app = AppTest.from_function(show, args=("pipelines.dashboard.quality",), default_timeout=60)
    app.query_params["problem"] = "check:solar.readings:no_1"
    page = app.run()
    assert not page.exception
    tables = [one.value for one in page.dataframe if "missing_hours" in one.value]
    assert [one.to_dict("records") for one in tables] == [[ROW]]  # only of the one that is open


def test_a_broken_number_or_story_of_a_source_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection
) -> None:
    deliver(owner, "solar", 0.1)
    module = sources()["solar"].module("dashboard")
    monkeypatch.setattr(module, "card", Card("Broken", "there_is_no_such_statement"))
    monkeypatch.setattr(module, "stories", [replace(overview.QUIET, statement="nor_this")])
    page = shown(OVERVIEW)
    assert not page.exception
    assert [one.value.split("\\")[0] for one in page.warning] == ["solar", "solar"]
    assert [one.value for one in page.subheader][1:] == ["Sources", "What is new"]


def titles_of_pages() -> None:
    import streamlit as st

    from pipelines.dashboard import app

    for one in app.pages():
        st.text(one.title)


@pytest.mark.parametrize(
    "page",
    [
        Page("Mrg", "waves", print),
        Page("In/Out", ":material/waves:", print),
        Page(" ", ":material/waves:", print),
    ],
)
def test_a_page_that_streamlit_rejects_switches_its_source_off(
    monkeypatch: pytest.MonkeyPatch, page: Page
) -> None:
    monkeypatch.setattr(isolation, "_BROKEN", {})
    monkeypatch.setattr(sources()["solar"].module("dashboard"), "pages", [page])
    titles = [one.value for one in AppTest.from_function(titles_of_pages).run().text]
    assert page.title not in titles
    assert "Flights" in titles
    assert [one.name for one in isolation.broken_sources()] == ["solar"]


def test_a_plug_in_without_pages_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    plugins.write(tmp_path, "raising", RAISING_PAGES.files)
    with plugins.installed(tmp_path):
        app = resources.files("pipelines.dashboard").joinpath("app.py")
        page = AppTest.from_file(str(app)).run(timeout=60)
        titles = [one.value for one in AppTest.from_function(titles_of_pages).run().text]
    assert not page.exception
    said = [one.value for one in (*page.warning, *page.error)]
    assert any("The source raising is broken" in one for one in said)
    assert "Shipments" in titles


def test_a_reason_has_what_to_do(owner: psycopg.Connection) -> None:
    deliver(owner, "bookings", 0.1, rejected=2)
    page = shown("pipelines.dashboard.quality")
    assert not page.exception
    table = next(one.value for one in page.dataframe if "remedy" in one.value)
    assert table[["count", "remedy"]].to_numpy().tolist() == [
        [2, "Ask the sender to correct the value."]
    ]
    assert any("3 read" in one.value and "= 1 loaded" in one.value for one in page.markdown)
