"""kill -9 in the middle of ten years of history: of the run, the database, the service. Then again.

What is held in the end is held against the sandbox's own truth.
"""

import datetime as dt
import os
import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy import text

from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import LOADER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines.sources.solar.sandbox.sun import readings
from pipelines.sources.solar.windows import DAY, Depth, Window, history_from
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.command import begin, isobar
from pipelines_tests.databases import WAITING_FOR_THIS_SESSION

SYNC = ("quarantine", "retry", "solar")
"""The command that runs the job `solar` alone, as `isobar run` does among others."""
PLANTS = (1, 4, 5)
DELETED = 5
TEN_YEARS = Depth(every_run=10, until=10)
TEN_MINUTES = dt.timedelta(minutes=10, seconds=1)
SOME_WINDOWS = 6
"""Of 33: so many are there before something is killed."""
Windows = set[tuple[int, Window]]

HELD = """
SELECT
    read_at,
    expected_energy_kwh,
    expected_irradiation_wh_per_m2,
    observed_energy_kwh,
    observed_irradiation_wh_per_m2
FROM solar.readings
WHERE plant_id = %s
ORDER BY read_at
"""
HALF_WRITTEN = """
SELECT plant_id, day, days.hours_present, counted.hours
FROM solar.days
FULL JOIN (
    SELECT plant_id, read_at::date AS day, count(*) AS hours FROM solar.readings GROUP BY 1, 2
) AS counted USING (plant_id, day)
WHERE coalesce(days.hours_present, 0) <> coalesce(counted.hours, 0)
"""
SHOWN = "SELECT status, count(*) FROM solar.coverage GROUP BY status"


class Sandbox:
    """`isobar sandbox` in a process of its own, on a port that stays."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self.process = begin(self.state, "sandbox", f"--port={self.port}")
        wait_for(self._answers)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def asked(self) -> Counter[tuple[int, Window]]:
        """How often each window of each plant was asked for since it was started."""
        return Counter(
            {
                (
                    one["plant-id"],
                    Window(dt.date.fromisoformat(one["from"]), dt.date.fromisoformat(one["to"])),
                ): one["times"]
                for one in requests.get(f"{self.url}/solar/asked", timeout=10).json()
            }
        )

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[0]
        try:
            return requests.get(f"{self.url}/health", timeout=1).ok
        except requests.RequestException:
            return False


@pytest.fixture
def sandbox(state_folder: Path) -> Iterator[Sandbox]:
    service = Sandbox(Path(tempfile.mkdtemp(dir=state_folder)))
    yield service
    service.kill()


@pytest.fixture
def server(state: Path) -> EmbeddedPostgres:
    """The server of the test's own state folder, with plants that were never synced."""
    assert isobar(state, "migrate").returncode == 0
    server = EmbeddedPostgres(state)
    with connected(server) as connection:
        for plant in PLANTS:
            values = (plant, f"Plant {plant}")
            connection.execute("INSERT INTO solar.plants (plant_id, name) VALUES (%s, %s)", values)
    return server


def variables(sandbox: Sandbox) -> dict[str, str]:
    return {
        "ISOBAR_SOURCES": "live",
        "MONITORING_URL": f"{sandbox.url}/solar",
        "SYNC_EVERY_RUN": "10",
    }


@contextmanager
def connected(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    url = server.start().url(SUPERUSER, WAREHOUSE)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def wait_for(is_so: Callable[[], bool], seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def committed(connection: psycopg.Connection) -> Windows:
    """The windows of which the answer is in the ledger."""
    rows = connection.execute("SELECT name FROM ops.deliveries WHERE source = 'solar'").fetchall()
    found = set()
    for (name,) in rows:
        plant, _, window = name.removeprefix("plant ").partition(", ")
        first, _, end = window.partition(" to ")
        found.add((int(plant), Window(dt.date.fromisoformat(first), dt.date.fromisoformat(end))))
    return found


def begin_run(state: Path, sandbox: Sandbox, server: EmbeddedPostgres) -> "subprocess.Popen[str]":
    """Begin a run and return when some windows are there."""
    run = begin(state, *SYNC, **variables(sandbox))
    with connected(server) as connection:

        def is_under_way() -> bool:
            assert run.poll() is None, run.communicate()[0]
            return len(committed(connection)) >= SOME_WINDOWS

        wait_for(is_under_way)
    return run


def due(server: EmbeddedPostgres, now: dt.datetime) -> list[int]:
    """The plants for which the sensor would begin a run."""
    warehouse = Warehouse(server.start().url(LOADER, WAREHOUSE))
    with warehouse.engine.connect() as connection:
        query = text(read_sql("pipelines.sources.solar", "due_plants"))
        found = list(connection.execute(query, {"now": now}).scalars())
    warehouse.dispose()
    return found


def is_deleted(connection: psycopg.Connection, plant: int) -> bool:
    """Delete a plant, unless it is being synced."""
    try:
        connection.execute("DELETE FROM solar.plants WHERE plant_id = %s", (plant,))
    except psycopg.errors.ObjectInUse:
        return False
    return True


def history() -> tuple[dt.date, dt.date]:
    """The first and the last day of it."""
    today = dt.datetime.now(dt.UTC).date()
    return history_from(today, TEN_YEARS), today - DAY


def days_of_history() -> int:
    first, last = history()
    return (last - first).days + 1


def check_what_is_held(connection: psycopg.Connection, plants: Sequence[int]) -> None:
    """Every hour is held as it truly was, no other is, and every day is told to be held."""
    assert connection.execute(HALF_WRITTEN).fetchall() == []
    shown = connection.execute(SHOWN).fetchall()
    assert shown == [("complete", len(plants) * days_of_history())]
    for plant in plants:
        assert connection.execute(HELD, (plant,)).fetchall() == readings(1, plant, *history())


@pytest.mark.parametrize("victims", [("run",), ("database",), ("run", "database")])
def test_kill_9_of_run_or_database_leaves_whole_windows_and_none_is_asked_for_twice(
    state: Path, sandbox: Sandbox, server: EmbeddedPostgres, victims: tuple[str, ...]
) -> None:
    run = begin_run(state, sandbox, server)
    blocker = psycopg.connect(server.start().url(SUPERUSER, WAREHOUSE))
    blocker.execute("LOCK TABLE solar.days IN EXCLUSIVE MODE")  # readings are written before
    wait_for(lambda: blocker.execute(WAITING_FOR_THIS_SESSION).fetchone() != (0,))
    kept = committed(blocker)
    if "run" in victims:
        run.kill()
    if "database" in victims:
        postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
    told, _ = run.communicate(timeout=300)
    blocker.close()
    if victims == ("database",):
        assert run.returncode == 1
        assert "what to do:" in told
        assert "Traceback" not in told
    with connected(server) as connection:
        wait_for(lambda: is_deleted(connection, DELETED), seconds=5)
        held = committed(connection)  # what waited for the lock may be done as the database dies
        assert held >= kept
        assert connection.execute(HALF_WRITTEN).fetchall() == []
        others = [plant for plant in PLANTS if plant != DELETED]
        now = dt.datetime.now(dt.UTC)
        assert due(server, now) == []
        assert due(server, now + TEN_MINUTES) == others
        again = isobar(state, *SYNC, **variables(sandbox))
        assert again.returncode == 0, again.stdout + again.stderr
        check_what_is_held(connection, others)
    asked = sandbox.asked()
    assert {asked[window] for window in held} == {1}
    twice = [window for window, times in asked.items() if times > 1]
    assert len(twice) <= len(PLANTS), "more than was under way"
    assert max(asked.values()) <= 2


def test_a_service_that_is_killed_and_comes_back_is_asked_only_for_what_is_missing(
    state: Path, sandbox: Sandbox, server: EmbeddedPostgres
) -> None:
    run = begin_run(state, sandbox, server)
    sandbox.kill()
    with connected(server) as connection:
        kept = committed(connection)
        sandbox.start()
        told, _ = run.communicate(timeout=300)
        assert run.returncode == 0, told
        check_what_is_held(connection, PLANTS)
    asked = sandbox.asked()
    assert not kept & asked.keys()
    assert max(asked.values()) == 1


def test_a_service_that_stays_away_is_told_of_and_asked_again_when_it_is_back(
    state: Path, sandbox: Sandbox, server: EmbeddedPostgres
) -> None:
    run = begin_run(state, sandbox, server)
    sandbox.kill()
    told, _ = run.communicate(timeout=300)
    assert run.returncode == 1
    assert "Traceback" not in told
    for plant in PLANTS:
        assert re.search(rf"plant {plant} .*connection refused", told), told
    with connected(server) as connection:
        kept = committed(connection)
        assert connection.execute(HALF_WRITTEN).fetchall() == []
        days: dict[str, int] = dict(connection.execute(SHOWN).fetchall())
        assert days.keys() == {"complete", "failed", "not requested"}
        assert sum(days.values()) == len(PLANTS) * days_of_history()
        now = dt.datetime.now(dt.UTC)
        assert due(server, now) == []
        assert due(server, now + TEN_MINUTES) == [*PLANTS]
        sandbox.start()
        again = isobar(state, *SYNC, **variables(sandbox))
        assert again.returncode == 0, again.stdout + again.stderr
        check_what_is_held(connection, PLANTS)
    asked = sandbox.asked()
    assert not kept & asked.keys()
    assert max(asked.values()) == 1
