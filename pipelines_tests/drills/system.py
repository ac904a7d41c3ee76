"""The complete system as `isobar ui` runs it, its processes by role, and who starts it again."""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
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

#: A word of the command line of each.
WORDS_OF = {
    "daemon": "dagster._daemon",
    "web server": "pipelines.runtime.web_server",
    "code server": "grpc",
    "run worker": "--multiprocessing-fork",
    "sandbox": "sandbox",
}
UNFINISHED = "('NOT_STARTED', 'QUEUED', 'STARTING', 'STARTED', 'CANCELING')"
RUNS_LEFT = f"SELECT pipeline_name, status, run_id FROM runs WHERE status IN {UNFINISHED}"
LAST_RUNS_FAILED = """
SELECT pipeline_name FROM (
    SELECT DISTINCT ON (pipeline_name) pipeline_name, status
    FROM runs
    ORDER BY pipeline_name, id DESC
) AS last_runs
WHERE status <> 'SUCCESS'
"""
SLOTS_OCCUPIED = f"""
SELECT run_id FROM concurrency_slots
WHERE run_id IS NOT NULL
    AND run_id NOT IN (SELECT run_id FROM runs WHERE status IN {UNFINISHED})
UNION ALL
SELECT run_id FROM pending_steps
WHERE run_id NOT IN (SELECT run_id FROM runs WHERE status IN {UNFINISHED})
"""
WORKERS = f"""
SELECT DISTINCT substring(event FROM 'Started process for run [(]pid: ([0-9]+)[)]')::integer
FROM event_logs INNER JOIN runs USING (run_id)
WHERE status IN {UNFINISHED} AND event LIKE '%Started process for run (pid: %'
"""
LOCKED = """
SELECT pid, datname, application_name, state, query FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND (
        (state LIKE 'idle in transaction%' AND state_change < now() - interval '5 seconds')
        OR pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' OR NOT granted)
    )
"""
DELIVERED = """
SELECT feed, count(*), count(DISTINCT name), sum(read_count), sum(loaded_count)
FROM ops.deliveries WHERE name LIKE %s GROUP BY feed ORDER BY feed
"""
HOTEL = 90_000
#: What was dropped, as it is stored and counted.
STORED = """
SELECT
    (SELECT count(*) FROM bookings.events WHERE hotel_id = %s),
    (SELECT sum(bookings) FROM metrics.hotel_bookings_by_stay_night WHERE hotel_id = %s),
    (SELECT count(*) FROM shipments.shipments WHERE tracking_number LIKE %s)
"""


class System:
    """`isobar ui` on a state folder, with all its simulated sources.

    Whoever waits for something also starts `isobar ui` again when it has ended, as the manager of
    services does, and does nothing else to it.
    """

    def __init__(self, state: Path, schedules: str = "", plugins: Path | None = None) -> None:
        self.state, self.plugins = state, plugins
        self.output: list[str] = []
        self.starts = 0
        (state / "schedules.toml").write_text(schedules)
        self.server = EmbeddedPostgres(state)
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        self.starts += 1
        path = {"PYTHONPATH": str(self.plugins)} if self.plugins else {}
        return begin(self.state, "ui", ISOBAR_SCHEDULES="", SYNC_UNTIL_YEAR="1", **path)

    def keep_up(self) -> None:
        """Start `isobar ui` when it has ended."""
        if self.process.poll() is not None:
            self.output.append(self.process.communicate()[0])
            self.process = self._start()

    def wait_until(self, is_so: Callable[[], object], what: str, seconds: float = 300) -> None:
        """Wait; a database that is away, or that has no tables yet, means no."""
        deadline, problem = time.monotonic() + seconds, ""
        while True:
            self.keep_up()
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
            return connection.execute(query, values or None).fetchall()

    def drop(self, source: str, name: str, text: str) -> None:
        """Put a file into an inbox, whole at once."""
        inbox = self.state / "inbox" / source
        (inbox / f".{name}.csv").write_text(text)
        (inbox / f".{name}.csv").rename(inbox / f"{name}.csv")

    def drop_both(self, name: str, number: int, lines: int) -> None:
        """A file of so many events and one of as many shipments, new ones for each number."""
        first = HOTEL * 10**6 + number * lines
        events = [event(first + n, hotel_id=HOTEL) for n in range(lines)]
        self.drop("bookings", f"{name}{number}", text_of_events(events))
        parcels = [line(tracking_number=f"{name.upper()}{number}-{n}") for n in range(lines)]
        self.drop("shipments", f"{name}{number}", text_of(parcels))

    def delivered(self, name: str) -> list[Any]:
        """By source: deliveries of files of a name, their different names, records, loaded ones."""
        return self.query(DELIVERED, f"{name}%")

    def processes(self) -> list[psutil.Process]:
        """All of this state folder but PostgreSQL, whoever their parents are."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("ISOBAR_HOME") == str(self.state) and is_alive(process):
                    found.append(process)
        return found

    def having(self, role: str) -> list[psutil.Process]:
        """Return the processes of a role; of run workers, those that are executing.

        Raises `psycopg.Error` when these are queried while the server is away.
        """
        if role == "isobar ui":
            return [psutil.Process(self.process.pid)] if self.process.poll() is None else []
        if role in ("PostgreSQL", "session"):
            postmaster = self.server._postmaster()
            with suppress(psutil.NoSuchProcess):
                if postmaster is not None and role == "PostgreSQL":
                    return [postmaster]
                if postmaster is not None:
                    words = [(one, " ".join(one.cmdline())) for one in postmaster.children()]
                    return [one for one, state in words if "127.0.0.1(" in state]
            return []
        found = [one for one in self.processes() if role_of(one) == role]
        if role == "run worker":
            at_work = [pid for (pid,) in self.query(WORKERS, database=DAGSTER)]
            return [one for one in found if one.pid in at_work]
        return found

    def orphans(self) -> list[psutil.Process]:
        """Processes that are not descended from the `isobar ui` that runs."""
        found = []
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                ancestors = [process.pid, *(one.pid for one in process.parents())]
                if self.process.pid not in ancestors:
                    found.append(process)
        return found

    def url(self) -> str:
        """Return the address of the web UI."""
        return str(json.loads((self.state / "ui.json").read_text())["url"])

    def is_at_rest(self) -> bool:
        """Return whether no run is under way and each job's last one succeeded."""
        left = self.query(RUNS_LEFT, database=DAGSTER)
        return not left and not self.query(LAST_RUNS_FAILED, database=DAGSTER)

    def is_clean(self) -> bool:
        """Return whether nothing is locked or left behind."""
        occupied = self.query(SLOTS_OCCUPIED, database=DAGSTER)
        return not occupied and not self.query(LOCKED) and not self.orphans()

    def stop(self) -> str:
        """Stop all of it; return its output from its first start on."""
        self.process.terminate()
        self.output.append(self.process.communicate(timeout=300)[0])
        self.server.stop()
        return "".join(self.output)


def role_of(process: psutil.Process) -> str | None:
    """Return the role of a process of `isobar ui`."""
    with suppress(psutil.NoSuchProcess):
        words = [process.name(), *process.cmdline()]
        for role, word in WORDS_OF.items():
            if word in words:
                return role
        if "pipelines.cli" in words and "ui" in words:
            return "isobar ui"
    return None
