"""The complete system, flooded with files and plants."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from pipelines.postgres.process_identity import is_alive
from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import begin
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.shipments.made_up import line, text_of

LINES = 20
HOTEL = 90_000
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
#: Runs that are under way, and last runs of a job that failed.
RESTLESS = """
SELECT pipeline_name FROM (
    SELECT DISTINCT ON (pipeline_name) pipeline_name, status
    FROM runs ORDER BY pipeline_name, id DESC
) AS last_runs
WHERE status <> 'SUCCESS'
UNION ALL
SELECT pipeline_name FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')
"""
SESSIONS = """
SELECT datname, count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY datname
"""
RUNS = "SELECT pipeline_name, count(*) FROM runs GROUP BY 1"
DELIVERED = """
SELECT feed, count(*), count(DISTINCT name), sum(read_count), sum(loaded_count)
FROM ops.deliveries WHERE name LIKE %s GROUP BY feed ORDER BY feed
"""
#: What was dropped, as it is stored and counted.
STORED = """
SELECT
    (SELECT count(*) FROM bookings.events WHERE hotel_id = %s),
    (SELECT sum(bookings) FROM metrics.hotel_bookings_by_stay_night WHERE hotel_id = %s),
    (SELECT count(*) FROM shipments.shipments WHERE tracking_number LIKE %s)
"""


class System:
    """`isobar ui` on a state folder, with all its simulated sources."""

    def __init__(self, state: Path) -> None:
        self.state, self.server = state, EmbeddedPostgres(state)
        self.process = begin(state, "ui", ISOBAR_SCHEDULES="", SYNC_UNTIL_YEAR="1")

    def wait_until(self, is_so: Callable[[], object], what: str, seconds: float = 300) -> None:
        """Wait; a database that is away, or that has no tables yet, means no."""
        deadline, problem = time.monotonic() + seconds, ""
        while True:
            assert self.process.poll() is None, self.process.communicate()[0]
            try:
                if is_so():
                    return
            except psycopg.Error as error:
                problem = str(error)
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s. {problem}"
            time.sleep(0.3)

    def query(self, query: str, *values: object, database: str = WAREHOUSE) -> list[Any]:
        """The rows of a query. Raises `psycopg.Error` while the server is away."""
        connections = self.server.connections()
        if connections is None:
            raise psycopg.OperationalError("the server is down")
        url = connections.url(SUPERUSER, database)
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def drop_both(self, name: str, number: int) -> None:
        """A file of some events and one of as many shipments, new ones for each number."""
        first = HOTEL * 10**6 + number * LINES
        events = [event(first + n, hotel_id=HOTEL) for n in range(LINES)]
        parcels = [line(tracking_number=f"{name.upper()}{number}-{n}") for n in range(LINES)]
        for source, text in ("bookings", text_of_events(events)), ("shipments", text_of(parcels)):
            inbox = self.state / "inbox" / source
            (inbox / f".{name}{number}.csv").write_text(text)
            (inbox / f".{name}{number}.csv").rename(inbox / f"{name}{number}.csv")

    def processes(self) -> list[psutil.Process]:
        """All of this state folder but PostgreSQL, whoever their parents are."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("ISOBAR_HOME") == str(self.state) and is_alive(process):
                    found.append(process)
        return found

    def is_at_rest(self) -> bool:
        """Return whether no run is under way and each job's last one succeeded."""
        return not self.query(RESTLESS, database=DAGSTER)

    def stop(self) -> str:
        """Stop all of it; return its output."""
        self.process.terminate()
        output = self.process.communicate(timeout=300)[0]
        self.server.stop()
        return str(output)


@contextmanager
def running(state: Path) -> Iterator[System]:
    """A system whose first runs are done; it is stopped, and its output checked."""
    system = System(state)
    try:
        system.wait_until(lambda: system.query("SELECT 1 FROM solar.syncs"), "the system is up")
        system.wait_until(lambda: not system.query(UNSYNCED), "the first plants are synced")
        system.wait_until(system.is_at_rest, "the first runs ended well")
        yield system
    finally:
        said = system.stop()
    assert "Traceback" not in said
    assert system.processes() == []


def check_delivered(system: System, name: str, files: int) -> None:
    """Wait until each file is loaded, once; then everything is stored and counted once."""
    lines = files * LINES
    expected = [(source, files, files, lines, lines) for source in ("bookings", "shipments")]
    system.wait_until(
        lambda: system.query(DELIVERED, f"{name}%") == expected, "all files are loaded"
    )
    system.wait_until(lambda: not system.query(UNSYNCED), "plants are synced", SETTLE_SECONDS)
    system.wait_until(system.is_at_rest, "all runs ended well")
    system.wait_until(
        lambda: system.query(STORED, HOTEL, HOTEL, f"{name.upper()}%") == [(lines,) * 3],
        "all of it is stored and counted once",
    )


def look(system: System, query: str, database: str) -> Counter[str]:
    """Return the counts of a query by name."""
    return Counter({str(name): int(n) for name, n in system.query(query, database=database)})


def test_a_burst_of_files_respects_run_and_session_limits(state: Path) -> None:
    files, plants = 100, 50
    runs, of_a_job, sessions = 0, Counter[str](), 0
    with running(state) as system:
        for number in range(files):
            system.drop_both("burst", number)
            if number % (files // plants) == 0:
                system.query(ADD_PLANT, f"burst {number}")
            under_way = look(system, UNDER_WAY, DAGSTER)
            runs, of_a_job = max(runs, under_way.total()), of_a_job | under_way
            sessions = max(sessions, look(system, SESSIONS, "postgres").total())
        check_delivered(system, "burst", files)
        of_jobs = look(system, RUNS, DAGSTER)
    assert runs <= MAX_RUNS
    assert {of_a_job[job] for job in ("shipments", "bookings", "solar")} <= {0, 1}
    assert sessions <= MAX_SESSIONS
    assert of_jobs["shipments"] < files / 4, "files are loaded together, not by a run for each"
