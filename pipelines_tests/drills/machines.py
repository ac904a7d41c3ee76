"""Several machines on this one: a broker, `isobar ui` as the first of them, and workers."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from pipelines.config import Settings
from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import MAIN, PROJECT, environment
from pipelines_tests.served_ui import start

MISSING = "there is no redis-server; on Debian: apt install redis-server"
UNFINISHED = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
LOCKS_REQUESTED = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def wait_until(is_so: Callable[[], object], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)


class Broker:
    """A Redis with a password, which keeps on disk what it was given."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://:secret@127.0.0.1:{self.port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "requirepass": "secret"}
        options |= {"appendonly": "yes", "dir": self._folder, "logfile": self._folder / "redis.log"}
        program = shutil.which("redis-server")
        assert program is not None, MISSING
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([program, *words], start_new_session=True)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Link:
    """A worker's way to the broker, which can be cut."""

    def __init__(self, port: int) -> None:
        self._broker_port, self._is_cut = port, False
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_cut = True
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            near, _ = self._listening.accept()
            far = socket.socket()
            self._open += [near, far]
            if self._is_cut or far.connect_ex(("127.0.0.1", self._broker_port)):
                near.close()
                continue
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while some := one.recv(65536):
                other.sendall(some)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Worker:
    """A worker with a home of its own, as on another machine."""

    def __init__(self, state: Path, variables: dict[str, str], broker: Broker) -> None:
        self.link = Link(broker.port)
        url = broker.url.replace(f":{broker.port}/", f":{self.link.port}/")
        variables = variables | {"CELERY_BROKER_URL": url}
        self.settings = Settings.from_environment(environment(state, **variables))
        self.log = state / "worker.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*MAIN, "serve", "worker"],
                env=environment(state, **variables),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_well(self) -> bool:
        """Query as a container's health check does."""
        beat = self.settings.state / f"worker.{socket.gethostname()}.beat"
        assert self.process.poll() is None, self.log.read_text()
        return beat.exists() and time.time() - beat.stat().st_mtime < 30

    def has(self, pid: int) -> bool:
        return pid in [one.pid for one in psutil.Process(self.process.pid).children()]

    def die(self) -> None:
        """Kill all processes, as a power cut does."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        os.killpg(self.process.pid, signal.SIGKILL)
        for process in family:
            if process.is_running():
                process.kill()
        self.process.wait()


@dataclass
class Run:
    run_id: str
    job: str
    status: str
    began_at: float
    ended_at: float | None
    output: list[str]

    @property
    def pid(self) -> int:
        found = re.findall(r"Started process for run \(pid: (\d+)\)", "\n".join(self.output))
        return int(found[-1])


RUNS = """{ runsOrError { ... on Runs { results { runId jobName status startTime endTime
    eventConnection { events { ... on MessageEvent { message } } } } } } }"""
SENSORS = """{ sensorsOrError(repositorySelector: {
    repositoryLocationName: "pipelines", repositoryName: "__repository__"
}) { ... on Sensors { results { id name } } } }"""
STOP_SENSOR = """mutation($id: String!) { stopSensor(id: $id) {
    ... on StopSensorMutationResult { instigationState { status } } ... on PythonError { message }
} }"""
STOP = """mutation($id: String!) { terminateRun(runId: $id) { __typename
    ... on TerminateRunFailure { message } ... on PythonError { message } } }"""


class Machines:
    """`isobar ui` with a broker, on simulated sources of which only the inboxes ever have news."""

    def __init__(self, folder: Path, sandbox_url: str, flights_url: str) -> None:
        self.folder = folder
        self.state = self._new_folder()
        self.broker = Broker(self._new_folder())
        self.inboxes = {name: self._new_folder() for name in ("bookings", "shipments")}
        self.variables = {
            "ISOBAR_SOURCES": "live",
            "FLIGHTS_URL": flights_url,
            "WEATHER_BASE_URL": sandbox_url,
            "GEOCODING_BASE_URL": sandbox_url,
            "CELERY_BROKER_URL": self.broker.url,
            **{f"{name.upper()}_INBOX": str(path) for name, path in self.inboxes.items()},
        }
        (self.state / "dagster").mkdir()
        ours = (PROJECT / "dagster.yaml").read_text()  # an operator's, which is kept
        sooner = {
            "poll_interval_seconds: 30": "poll_interval_seconds: 5",
            "start_timeout_seconds: 180": "start_timeout_seconds: 45",
        }
        for usual, short in sooner.items():
            assert usual in ours
            ours = ours.replace(usual, short)
        (self.state / "dagster" / "dagster.yaml").write_text(ours)
        self.workers: list[Worker] = []
        self.ui = start(self.state, ISOBAR_SCHEDULES=os.devnull, **self.variables)
        for sensor in self.ui.query(SENSORS)["sensorsOrError"]["results"]:
            if sensor["name"] not in ("bookings_inbox", "shipments_inbox", "orphaned_runs"):
                self.ui.query(STOP_SENSOR, id=sensor["id"])
        self.server = EmbeddedPostgres(self.state).start()

    def start_workers(self, count: int) -> None:
        """Have so many that are alive, with one place each."""
        self.workers = [one for one in self.workers if one.process.poll() is None]
        variables = self.variables | {
            "DATABASE_URL": self.server.url(SUPERUSER, WAREHOUSE),
            "DAGSTER_POSTGRES_URL": self.server.url(DAGSTER, DAGSTER),
            "WORKER_RUNS": "1",
        }
        while len(self.workers) < count:
            self.workers.append(Worker(self._new_folder(), variables, self.broker))
        for one in self.workers:
            wait_until(one.is_well, "a worker that is well")

    def worker_of(self, run: Run) -> Worker:
        (found,) = [one for one in self.workers if one.has(run.pid)]
        return found

    def runs(self, job: str | None = None) -> list[Run]:
        """Oldest first."""
        found = self.ui.query(RUNS)["runsOrError"]["results"]
        return [
            Run(
                one["runId"],
                one["jobName"],
                one["status"],
                one["startTime"],
                one["endTime"],
                [event["message"] for event in one["eventConnection"]["events"]],
            )
            for one in reversed(found)
            if job in (None, one["jobName"])
        ]

    def statuses(self, job: str) -> list[str]:
        return [run.status for run in self.runs(job)]

    def wait_for_rest(self) -> None:
        wait_until(
            lambda: not [run for run in self.runs() if run.status in UNFINISHED],
            "all runs are done",
        )

    def stop_run(self, run: Run) -> Any:
        return self.ui.query(STOP, id=run.run_id)["terminateRun"]

    def drop(self, source: str, name: str, text: str) -> None:
        fresh = self.folder / name
        fresh.write_text(text)
        fresh.rename(self.inboxes[source] / name)

    def connected(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url(SUPERUSER, WAREHOUSE), autocommit=True)

    def blocked(self, *tables: str) -> psycopg.Connection:
        """Nobody writes to the tables until this is closed."""
        blocker = psycopg.connect(self.server.url(SUPERUSER, WAREHOUSE))
        for table in tables:
            blocker.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        return blocker

    def wait_for_waiting(self, count: int) -> None:
        """Until so many runs are stopped by locks."""
        with self.connected() as connection:
            wait_until(
                lambda: connection.execute(LOCKS_REQUESTED).fetchone() == (count,),
                f"{count} that wait for locks",
            )

    def stop(self) -> None:
        self.ui.stop()
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.die()
        self.broker.kill()
        EmbeddedPostgres(self.state).stop()

    def _new_folder(self) -> Path:
        made = Path(tempfile.mkdtemp(dir=self.folder))
        made.chmod(0o755)
        return made
