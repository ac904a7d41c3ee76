"""The steps of docs/connect.md, done as its analyst."""

import csv
import datetime as dt
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.postgres.roles import ANALYST, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.documents.pages import blocks
from pipelines_tests.solar_rows import add_plant, add_readings

PAGE = PROJECT / "docs" / "connect.md"
TODAY = dt.datetime.now(dt.UTC).date()


@pytest.fixture
def sunlit(owner: psycopg.Connection) -> None:
    """A plant with readings of yesterday and the day before, and one without."""
    add_plant(owner, 1, name="Sierra Alta")
    add_plant(owner, 2, name="Havel North")
    add_readings(owner, 1, TODAY - dt.timedelta(days=2), TODAY)


def test_the_lines_of_pandas_read_a_week(
    sunlit: None, server: Connections, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", server.url(ANALYST, database))
    (lines,) = blocks(PAGE, "python")
    documented: dict[str, Any] = {}
    exec(compile(lines, str(PAGE), "exec"), documented)
    documented["engine"].dispose()
    energy = documented["energy"]
    assert list(energy.columns) == ["Havel North", "Sierra Alta"]
    assert len(energy) == 7
    assert energy["Sierra Alta"].dropna().tolist() == [24 * 15.0] * 2
    assert energy["Havel North"].isna().all()


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


def test_a_login_of_ones_own_reads_what_an_analyst_does(
    sunlit: None, owner: psycopg.Connection, server: Connections, database: str
) -> None:
    (statements,) = blocks(PAGE, "sql")
    owner.execute("DROP ROLE IF EXISTS jane")
    owner.execute(statements.encode())
    try:
        url = f"postgresql://jane:choose-one@127.0.0.1:{server.port}/{database}"
        with psycopg.connect(url, autocommit=True) as jane:
            assert jane.execute("SELECT count(*) FROM metrics.solar_daily").fetchone() == (2,)
            for forbidden in (
                "DELETE FROM solar.plants",
                "CREATE VIEW enriched.mine AS SELECT 1 AS x",
                "CREATE TABLE public.mine (x integer)",
                "SELECT weather.correct_place('IR tehran', 35.69, 51.39)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    jane.execute(forbidden)
    finally:
        owner.execute("DROP ROLE jane")
