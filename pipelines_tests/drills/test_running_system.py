"""The complete system as files come: flooded, short of processors, beside bad plug-ins."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.postgres.roles import DAGSTER
from pipelines_tests import plugins
from pipelines_tests.command import isobar
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.system import HOTEL, STORED, System

LINES = 20
EACH_MINUTE = '[schedules.each_minute]\njob = "weather"\ncron = "* * * * *"\n'
SETTLE_SECONDS = 900
#: As dagster.yaml and docs/operations.md say; the built-in server accepts 200 sessions.
MAX_RUNS, MAX_SESSIONS = 6, 60
ADD_PLANT = "INSERT INTO solar.plants (name) VALUES (%s) RETURNING plant_id"
UNSYNCED = """
SELECT name FROM solar.plants LEFT JOIN solar.syncs USING (plant_id)
WHERE syncs.ended_at IS NULL OR syncs.problem IS NOT NULL
"""
UNDER_WAY = """
SELECT pipeline_name, count(*) FROM runs WHERE status IN ('STARTING', 'STARTED', 'CANCELING')
GROUP BY pipeline_name
"""
SESSIONS = """
SELECT datname, count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY datname
"""
RUNS = "SELECT pipeline_name, count(*) FROM runs GROUP BY 1"
NOT_WELL = "SELECT pipeline_name, status FROM runs WHERE status IN ('FAILURE', 'CANCELED')"


@contextmanager
def running(state: Path, schedules: str, plugins: Path | None = None) -> Iterator[System]:
    """A system whose first runs are done; it is stopped, and shows what it said."""
    system = System(state, schedules, plugins)
    try:
        system.wait_until(lambda: system.query("SELECT 1 FROM solar.syncs"), "the system is up")
        system.wait_until(lambda: not system.query(UNSYNCED), "the first plants are synced")
        system.wait_until(system.is_at_rest, "the first runs ended well")
        yield system
    finally:
        said = system.stop()
        print(said)  # noqa: T201 - shown by -s
    assert "Traceback" not in said
    assert system.processes() == []


def check_delivered(system: System, name: str, files: int, lines: int) -> None:
    """Wait until each file is loaded, once; then everything is stored and counted once."""
    expected = [
        (source, files, files, files * lines, files * lines) for source in ("bookings", "shipments")
    ]
    system.wait_until(lambda: system.delivered(name) == expected, "all files are loaded")
    system.wait_until(lambda: not system.query(UNSYNCED), "plants are synced", SETTLE_SECONDS)
    system.wait_until(system.is_at_rest, "all runs ended well")
    system.wait_until(
        lambda: system.query(STORED, HOTEL, HOTEL, f"{name.upper()}%") == [(files * lines,) * 3],
        "all of it is stored and counted once",
    )


def look(system: System, query: str, database: str) -> Counter[str]:
    """Return the counts of a query by name."""
    return Counter({str(name): int(n) for name, n in system.query(query, database=database)})


def test_a_burst_of_files_respects_run_and_session_limits(
    state: Path, record_property: Callable[[str, object], None]
) -> None:
    files, plants, began = 100, 50, time.monotonic()
    runs, of_a_job, sessions = 0, Counter[str](), 0
    with running(state, "") as system:
        for number in range(files):
            system.drop_both("burst", number, LINES)
            if number % (files // plants) == 0:
                system.query(ADD_PLANT, f"burst {number}")
            under_way = look(system, UNDER_WAY, DAGSTER)
            runs, of_a_job = max(runs, under_way.total()), of_a_job | under_way
            sessions = max(sessions, look(system, SESSIONS, "postgres").total())
        check_delivered(system, "burst", files, LINES)
        of_jobs = look(system, RUNS, DAGSTER)
    seen = f"{time.monotonic() - began:.0f} s, at most {runs} runs, {sessions} sessions, {of_jobs}"
    record_property("burst", seen)
    print(seen)  # noqa: T201 - the figures of the documents
    assert runs <= MAX_RUNS
    assert {of_a_job[job] for job in ("shipments", "bookings", "solar")} <= {0, 1}
    assert sessions <= MAX_SESSIONS
    assert of_jobs["shipments"] < files / 4, "files are loaded together, not by a run for each"


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Others on the same cores, who are always busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while 1: 1"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


@pytest.mark.timeout(900)
@pytest.mark.skipif(not LONG, reason="whatever runs beside it waits: make drills")
def test_beside_twenty_busy_processes_every_run_ends_well(state: Path) -> None:
    """Late, and none is given up."""
    with running(state, EACH_MINUTE) as system, neighbours(20):
        for number in range(6):
            system.drop_both("late", number, 1)
            time.sleep(10)
        check_delivered(system, "late", 6, 1)
        assert system.query(NOT_WELL, database=DAGSTER) == []
        assert system.is_clean()


HANGING = '''
"""Buses whose API never answers, neither a sensor nor a run."""

import datetime as dt
import threading

from pipelines.ingest.feeds import PolledApi
from pipelines.source import Feed, Input, Source, SourceSettings, url


class Settings(SourceSettings, env_prefix="{NAME}_"):
    """Where buses are listed."""

    url: str | None = url("The list of buses.")


def hang(*_, **__):
    threading.Event().wait()


API = Input(name="{name}_api", about="Buses.", kind="json", setting="{NAME}_URL")
source = Source(
    name="{name}",
    package=__name__,
    about="Buses.",
    settings=Settings,
    job="Load the list of buses.",
    inputs=(API,),
    feeds=(
        Feed(
            name="{name}",
            fetch=PolledApi(
                input=API,
                open=hang,
                poll=hang,
                has_news=hang,
                last_poll=hang,
                retry_after=dt.timedelta(minutes=1),
            ),
            parse=hang,
        ),
    ),
    loads=("{name}.stops",),
)
'''
HANGS = """
SELECT 1 FROM job_ticks WHERE status = 'STARTED' AND tick_body LIKE '%buses_api%'
"""


@pytest.mark.timeout(900)
def test_plugins_that_raise_hang_or_fail_harm_nobody(state: Path, tmp_path: Path) -> None:
    plugins.write(tmp_path, "buses", {"__init__.py": HANGING})
    plugins.write(tmp_path, "boats", {"__init__.py": "raise SystemExit('no boats today')"})
    failing = "CREATE INDEX mine ON carts.nothing (leg_id);"
    plugins.write(tmp_path, "carts", {"sql/tables.sql": failing})
    with running(state, "", tmp_path) as system:
        system.wait_until(lambda: system.query(HANGS, database=DAGSTER), "a sensor hangs")
        for number in range(3):
            system.drop_both("beside", number, LINES)
            time.sleep(20)
        check_delivered(system, "beside", 3, LINES)
        assert system.query(HANGS, database=DAGSTER), "and it still does"
        found = isobar(state, "status", PYTHONPATH=str(tmp_path)).stdout
        assert "The source boats is broken" in found
        assert "The source buses" not in found
    assert "The source carts is broken" in "".join(system.output)
