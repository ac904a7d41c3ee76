"""What the platform costs while it runs: idle, from a dropped file to its rows, and its commands.

Commands are stated in CPU seconds of `import dagster`, measured in between.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from benchmarks.report import Measure
from pipelines.postgres.roles import SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines.runtime.processes import Child

SETTLE_SECONDS, IDLE_SECONDS, DROPS = 45, 120, 20
COMMANDS = {
    "isobar --help": (["--help"], 0.4),
    "isobar database url": (["database", "url"], 0.4),
    "isobar plants list": (["plants", "list"], 0.6),
    "isobar status": (["status"], 1.5),
    "isobar run, nothing new": (["run"], 9.0),
}


def measure(folder: Path) -> list[Measure]:
    """All measures of a running platform."""
    state = folder / "running"
    environment = {**os.environ, "ISOBAR_HOME": str(state)}  # noqa: TID251 - of its children
    began = time.monotonic()
    subprocess.run(_isobar(["run"]), env=environment, capture_output=True, check=True)
    first = time.monotonic() - began
    unit = _cpu([sys.executable, "-c", "import dagster"], environment)
    with _ui(state, environment) as (pid, built_in):
        processes, postgresql, memory = _idle(pid, built_in)
        waits = list(_drops(state, built_in))
        commands = [
            Measure(f"{name}, CPU", _cpu(_isobar(words), environment) / unit, "imports", most)
            for name, (words, most) in COMMANDS.items()
        ]
    return [
        Measure("idle, sandbox on: processes", processes, "% core", 7),
        Measure("idle, sandbox on: PostgreSQL", postgresql, "% core", None),
        Measure("idle, sandbox on: memory of the processes", memory, "MB", 600),
        Measure("dropped file to its rows, median", statistics.median(waits), "s", 5),
        Measure("dropped file to its rows, worst", max(waits), "s", 8),
        Measure("isobar run, all that the sandbox has", first, "s", None),
        *commands,
    ]


@contextmanager
def _ui(state: Path, environment: dict[str, str]) -> Iterator[tuple[int, EmbeddedPostgres]]:
    child = Child("ui", _isobar(["ui"]), environment=environment, log=state / "bench.log")
    child.start()
    try:
        until = time.monotonic() + 120
        while not (state / "ui.json").exists() and time.monotonic() < until:
            time.sleep(0.2)
        yield child.pid or 0, EmbeddedPostgres(state)
    finally:
        child.stop(60)
        EmbeddedPostgres(state).stop()


def _isobar(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "pipelines.cli", *words]


def _idle(pid: int, built_in: EmbeddedPostgres) -> tuple[float, float, float]:
    """CPU of a process with its children, of the server, in % of a core; memory in MB (PSS)."""
    time.sleep(SETTLE_SECONDS)
    postmaster = built_in._postmaster()
    assert postmaster is not None
    before, began = (_cpu_of(pid), _cpu_of(postmaster.pid)), time.monotonic()
    time.sleep(IDLE_SECONDS)
    share = 100 / (time.monotonic() - began)
    after = _cpu_of(pid), _cpu_of(postmaster.pid)
    memory = sum(one.memory_full_info().pss for one in _family(pid)) / 1e6
    return (after[0] - before[0]) * share, (after[1] - before[1]) * share, memory


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _cpu_of(pid: int) -> float:
    """CPU seconds of processes that live, and of the ended ones that they waited for."""
    return sum(sum(one.cpu_times()[:4]) for one in _family(pid))


def _drops(state: Path, built_in: EmbeddedPostgres) -> Iterator[float]:
    """Seconds from a file of one line in the inbox of bookings to its row."""
    server = built_in.connections()
    assert server is not None
    inbox = state / "inbox" / "bookings"
    names = "hotel_id,id,event_timestamp,status,night_of_stay,room_reservation_id"
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        for number in range(DROPS):
            time.sleep(3 + number % 5)
            event = 9_000_000_000 + number
            line = f"3009,{event},2026-11-01 10:00:00,1,2026-11-02,{uuid.uuid4()}"
            began = time.monotonic()
            (inbox / f"drop-{number}.csv").write_text(f"{names}\n{line}\n")
            there = "SELECT FROM bookings.events WHERE event_id = %s"
            while connection.execute(there, [event]).rowcount == 0:
                assert time.monotonic() < began + 120, "it never came"
                time.sleep(0.05)
            yield time.monotonic() - began


def _cpu(command: list[str], environment: dict[str, str], *, times: int = 3) -> float:
    """The least CPU seconds of a command and what it starts, of some times."""
    found = []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)
