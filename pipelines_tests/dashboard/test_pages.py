"""Pages of the dashboard where there is nothing to show, and what they send to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import psycopg
import pytest
import streamlit as st
from sqlalchemy.exc import DBAPIError
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from pipelines.dashboard.page import Questions, answer_of, open_engine
from pipelines.postgres.roles import ANALYST, LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.source import sources
from pipelines.warehouse.sql_files import sql_files
from pipelines_tests.logins import member_of

PLATFORM = ["pipelines.dashboard.overview", "pipelines.dashboard.quality"]
OF_SOURCES = [
    f"{one.package}.dashboard"
    for one in sources().values()
    if (module := one.module("dashboard")) and module.pages
]


@contextmanager
def reading(url: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        # Each run of a page would search all installed packages for components of theirs.
        patch.setattr(manifest_scanner, "scan_component_manifests", list)
        st.cache_data.clear()
        yield
        open_engine(url).dispose()
        st.cache_resource.clear()


@pytest.fixture(autouse=True)
def empty(server: Connections, database: str) -> Iterator[None]:
    with reading(server.url(ANALYST, database)):
        yield


def show(module: str) -> None:
    import importlib

    page = importlib.import_module(module)
    (page.pages[0].show if hasattr(page, "pages") else page.show)()


def shown(module: str) -> AppTest:
    app = AppTest.from_function(show, args=(module,), default_timeout=60)
    return app.run()


def test_a_page_without_data_shows_an_empty_state() -> None:
    for module in [*PLATFORM, *OF_SOURCES]:
        page = shown(module)
        assert not page.exception, module
        assert len(page.info) >= 1, module
        assert len(page.title) == 1, module


def test_an_unreachable_database_is_named_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@127.0.0.1:9/isobar")
    app = AppTest.from_file(str(resources.files("pipelines.dashboard").joinpath("app.py")))
    page = app.run(timeout=60)
    assert not page.exception
    (error,) = page.error
    assert "The warehouse did not answer" in error.value
    assert "Connection refused" in error.value


def test_a_statement_is_shown_as_it_was_executed(owner: psycopg.Connection) -> None:
    answer = Questions("pipelines.dashboard").ask(
        "deliveries", feeds=["fl'ights", "%s"], since=None
    )
    assert "ARRAY['fl''ights','%s']" in answer.sql or "{fl''ights,%s}" in answer.sql
    assert owner.execute(answer.sql.encode()).fetchall() == []


def test_a_uuid_is_shown_as_its_text() -> None:
    answer = answer_of("SELECT 'a8aefdc3-9f52-5f66-bf7b-eb7bc158b22f'::uuid AS room", {})
    assert answer.rows["room"].tolist() == ["a8aefdc3-9f52-5f66-bf7b-eb7bc158b22f"]


def test_nothing_can_be_written() -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        Questions("pipelines_tests.dashboard").ask("writes")


@pytest.mark.parametrize("option", ["TRUE", "FALSE"])
def test_a_login_with_the_rights_of_analysts_reads_whether_or_not_it_may_become_one(
    server: Connections, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """Without the SET option, each page said: permission denied to set role."""
    with member_of(owner, server, ANALYST) as url:
        owner.execute(f"GRANT {ANALYST} TO jane WITH INHERIT TRUE, SET {option}".encode())
        monkeypatch.setenv("ANALYST_DATABASE_URL", url)
        assert Questions("pipelines.dashboard").ask("feeds").rows.empty
        open_engine(url).dispose()


def test_the_address_of_the_owner_reads_as_an_analyst_each_time(
    server: Connections, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYST_DATABASE_URL", url := server.url(SUPERUSER, database))
    for number in range(2):
        answer = answer_of(f"SELECT current_user, {number}", {})
        assert answer.rows.iloc[0, 0] == ANALYST
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        answer_of("SELECT rolpassword FROM pg_authid", {})
    open_engine(url).dispose()


def test_a_login_without_the_rights_of_analysts_reads_nothing(
    server: Connections, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with member_of(owner, server, LOADER) as url:
        monkeypatch.setenv("ANALYST_DATABASE_URL", url)
        with pytest.raises((psycopg.Error, DBAPIError), match="permission denied to set role"):
            Questions("pipelines.dashboard").ask("feeds")
        open_engine(url).dispose()


def test_an_endless_statement_is_cancelled_and_the_setting_named(
    server: Connections, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBAR_DASHBOARD_SECONDS", "1")
    with pytest.raises(psycopg.errors.QueryCanceled):
        Questions("pipelines_tests.dashboard").ask("sleeps")
    with psycopg.connect(server.url(SUPERUSER, database)) as session:
        session.execute("LOCK TABLE ops.deliveries")  # the overview waits for it
        app = AppTest.from_file(str(resources.files("pipelines.dashboard").joinpath("app.py")))
        page = app.run(timeout=60)
    assert not page.exception
    (error,) = page.error
    assert error.value == "Overview: the query took longer than 1 s and was cancelled."
    assert any("ISOBAR_DASHBOARD_SECONDS" in caption.value for caption in page.caption)


def test_a_source_without_a_page_has_one_of_its_declaration(owner: psycopg.Connection) -> None:
    def show_source() -> None:
        from pipelines.dashboard.source_page import page_of
        from pipelines.source import sources

        page_of(sources()["shipments"]).show()

    page = AppTest.from_function(show_source, default_timeout=60).run()
    assert not page.exception
    assert [one.value for one in page.title] == ["Shipments"]
    assert "isobar run shipments" in page.info[0].value
    owner.execute(
        "INSERT INTO ops.deliveries (feed, name, sha256, byte_count, received_at, read_count,"
        " loaded_count, unchanged_count, rejected_count)"
        " VALUES ('shipments', 'a.csv', '', 1, now(), 3, 1, 1, 1)"
    )
    st.cache_data.clear()
    page = AppTest.from_function(show_source, default_timeout=60).run()
    assert not page.exception
    assert [one.value for one in page.subheader][:2] == [
        "Records by the day of their load, last 30 days",
        "Newest rows of shipments.shipments",
    ]
    assert not any("isobar run shipments" in one.value for one in page.info)


def test_every_statement_is_used() -> None:
    """An unused query would rot."""
    for source in sources().values():
        package = source.package
        code = resources.files(package).joinpath("dashboard.py").read_text()
        assert [name for name in sql_files(package, "dashboard") if f'"{name}"' not in code] == []
