"""The steps of docs/connect.md, done as its analyst."""

import csv
import datetime as dt
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.postgres.roles import ANALYST, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.clock import today, yesterday
from pipelines_tests.command import PROJECT, environment
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


def test_queries_for_libraries_that_are_not_here_are_right(
    server: Connections, database: str
) -> None:
    lines = "".join(python(word) for word in ("import polars", "import duckdb"))
    queries = re.findall(r'"(SELECT .* FROM enriched[^"]*)"', lines)
    assert len(queries) == 2
    with psycopg.connect(server.url(ANALYST, database)) as analyst:
        for query in queries:
            assert analyst.execute(query.encode()).fetchall() == []


def test_the_line_of_psql_writes_a_csv_file(
    sunlit: None, server: Connections, database: str, state: Path, tmp_path: Path
) -> None:
    (line,) = [one for one in "".join(blocks(PAGE, "sh")).splitlines() if "--csv" in one]
    file = tmp_path / "solar_daily.csv"
    subprocess.run(
        ["/bin/sh", "-ec", line.replace("solar_daily.csv", str(file))],
        env=environment(state, DATABASE_URL=server.url(SUPERUSER, database)),
        cwd=PROJECT,
        timeout=120,
        check=True,
    )
    days = list(csv.DictReader(file.read_text().splitlines()))
    assert [(row["plant_name"], row["hours_present"]) for row in days] == [
        ("Sierra Alta", "24")
    ] * 2


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
