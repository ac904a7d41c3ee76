"""The steps of docs/connect.md, done as its analyst."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines_tests.clock import today, yesterday
from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import blocks
from pipelines_tests.logins import create_login
from pipelines_tests.solar_rows import add_plant, add_readings

PAGE = PROJECT / "docs" / "connect.md"


@pytest.fixture
def sunlit(owner: psycopg.Connection) -> None:
    """A plant with readings of yesterday and the day before, and one without."""
    add_plant(owner, 1, name="Sierra Alta")
    add_plant(owner, 2, name="Havel North")
    add_readings(owner, 1, yesterday() - dt.timedelta(days=1), today())


def python(word: str) -> str:
    """Return the only block of Python with a word."""
    (lines,) = [one for one in blocks(PAGE, "python") if word in one]
    return lines


def test_the_lines_of_pandas_read_a_week(
    sunlit: None, server: Connections, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", server.url(ANALYST, database))
    documented: dict[str, Any] = {}
    exec(compile(python("import pandas"), str(PAGE), "exec"), documented)
    documented["engine"].dispose()
    energy = documented["energy"]
    assert list(energy.columns) == ["Havel North", "Sierra Alta"]
    assert len(energy) == 7
    assert energy["Sierra Alta"].dropna().tolist() == [24 * 15.0] * 2
    assert energy["Havel North"].isna().all()


def test_statements_of_owners_and_modellers_are_right(
    owner: psycopg.Connection, server: Connections, guarded: str
) -> None:
    *_, granted, changed, replicated = blocks(PAGE, "sql")
    url = create_login(owner, "dbt", is_modeller=True)
    try:
        with psycopg.connect(url, autocommit=True) as dbt:
            dbt.execute(granted.encode())
            dbt.execute("CREATE TABLE mart AS SELECT 7 AS number")
        with psycopg.connect(server.url(ANALYST, guarded)) as analyst:
            assert analyst.execute("TABLE dbt.mart").fetchone() == (7,)
            assert analyst.execute(changed.encode()).fetchall() == []
        with owner.transaction(force_rollback=True):
            owner.execute(replicated.encode())
            tables = owner.execute("SELECT count(*) FROM pg_publication_tables").fetchone()
            assert tables == (2,)
    finally:
        owner.execute("DROP OWNED BY dbt CASCADE; DROP ROLE dbt")
