"""What the platform costs while it runs: idle, from a dropped file to its rows, and its commands.

The floor is Dagster alone: web server, daemon and code server without definitions, on a PostgreSQL
of the same kind. Commands are stated in CPU seconds of `import dagster`, measured in between.
"""

import itertools
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
from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.runtime.dagster_processes import daemon, tcp_address, web_server, write_workspace
from pipelines.runtime.processes import Child, stop_all

SETTLE_SECONDS, IDLE_SECONDS, DROPS = 45, 120, 20
#: Of a thousand ticks that found nothing, each.
TICK_BYTES = 1600
COMMANDS = {
    "isobar --help": (["--help"], 0.4),
    "isobar database url": (["database", "url"], 0.4),
    "isobar plants list": (["plants", "list"], 0.6),
    "isobar status": (["status"], 1.5),
}
INSTANCE = """\
storage:
  postgres:
    postgres_url: {url}
telemetry:
  enabled: false
"""


def measure(server: Connections, built_in: EmbeddedPostgres, folder: Path) -> list[Measure]:
    """All measures of a running platform; `server` is what Dagster alone is measured on."""
    with _dagster_alone(server, folder) as children:
        floor = _idle([child.pid or 0 for child in children], built_in)
    state = folder / "running"
    environment = {**os.environ, "ISOBAR_HOME": str(state)}  # noqa: TID251 - of its children
    first = _seconds([sys.executable, "-m", "pipelines.cli", "run"], environment)
    unit = _unit(environment)
    again = _cpu([sys.executable, "-m", "pipelines.cli", "run"], environment)
    with _ui(state, environment) as (pid, own):
        ours = _idle([pid], own)
        ticks = _tick_megabytes_a_day(own)
        waits = list(_drops(state, own))
        commands = [
            Measure(f"{name}, CPU", _cpu(_isobar(words), environment) / unit, "imports", most)
            for name, (words, most) in COMMANDS.items()
        ]
    definitions = _cpu([sys.executable, "-c", "import pipelines.definitions"], environment)
    return [
        Measure("idle: Dagster alone, its processes", floor[0], "% core", None),
        Measure("idle: ours, sandbox on", ours[0], "% core", floor[0] + 4),
        Measure("idle: Dagster alone, PostgreSQL", floor[1], "% core", None),
        Measure("idle: ours, PostgreSQL", ours[1], "% core", None),
        Measure("idle: memory of Dagster alone", floor[2], "MB", None),
        Measure("idle: memory of our processes", ours[2], "MB", 420),
        Measure("idle: ticks written", ticks, "MB/day", 10),
        Measure("dropped file to its rows, median", statistics.median(waits), "s", 5),
        Measure("dropped file to its rows, worst", max(waits), "s", 8),
        Measure("isobar run, all that the sandbox has", first, "s", None),
        Measure("isobar run, nothing new, CPU", again / unit, "imports", 9),
        *commands,
        Measure("definitions, CPU", definitions / unit, "imports", 1.5),
    ]


@contextmanager
def _dagster_alone(server: Connections, folder: Path) -> Iterator[list[Child]]:
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE dagster_alone")
    url = server.url(SUPERUSER, "dagster_alone").replace("postgresql:", "postgresql+psycopg2:")
    home = folder / "dagster_alone"
    home.mkdir()
    (home / "dagster.yaml").write_text(INSTANCE.format(url=url))
    (home / "nothing.py").write_text("import dagster\n\ndefinitions = dagster.Definitions()\n")
    code_port, web_port = free_port(), free_port()
    workspace = write_workspace(home / "workspace.yaml", tcp_address("127.0.0.1", code_port))
    grpc = [sys.executable, "-m", "dagster", "api", "grpc", "-p", str(code_port)]
    commands = {
        "code": [*grpc, "--python-file", str(home / "nothing.py"), "--location-name", "pipelines"],
        "web": web_server("127.0.0.1", web_port, workspace),
        "daemon": daemon(workspace),
    }
    environment = {**os.environ, "DAGSTER_HOME": str(home)}  # noqa: TID251 - of its children
    children = [
        Child(name, command, environment=environment, log=home / f"{name}.log")
        for name, command in commands.items()
    ]
    try:
        for child in children:
            child.start()
        yield children
    finally:
        stop_all(children)


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


def _idle(roots: list[int], built_in: EmbeddedPostgres) -> tuple[float, float, float]:
    """CPU of processes with their children, of the server, in % of a core; memory in MB (PSS)."""
    time.sleep(SETTLE_SECONDS)
    postmaster = built_in._postmaster()
    assert postmaster is not None
    before, began = (_cpu_of(roots), _cpu_of([postmaster.pid])), time.monotonic()
    time.sleep(IDLE_SECONDS)
    share = 100 / (time.monotonic() - began)
    after = _cpu_of(roots), _cpu_of([postmaster.pid])
    memory = sum(one.memory_full_info().pss for one in _family(roots)) / 1e6
    return (after[0] - before[0]) * share, (after[1] - before[1]) * share, memory


def _family(roots: list[int]) -> list[psutil.Process]:
    found = [psutil.Process(pid) for pid in roots]
    return [*found, *itertools.chain(*(one.children(recursive=True) for one in found))]


def _cpu_of(roots: list[int]) -> float:
    """CPU seconds of processes that live, and of the ended ones that they waited for."""
    return sum(sum(one.cpu_times()[:4]) for one in _family(roots))


def _tick_megabytes_a_day(built_in: EmbeddedPostgres) -> float:
    """What the ticks of the last minutes, counted up to a day, take with their indexes."""
    server = built_in.connections()
    assert server is not None
    question = (
        "SELECT count(*) FROM job_ticks"
        " WHERE timestamp > now() AT TIME ZONE 'UTC' - make_interval(secs => %s)"
    )
    with psycopg.connect(server.url(SUPERUSER, DAGSTER)) as connection:
        (ticks,) = connection.execute(question, [IDLE_SECONDS]).fetchone() or (0,)
    return float(ticks * 86400 / IDLE_SECONDS * TICK_BYTES / 1e6)


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


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    began = time.monotonic()
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return time.monotonic() - began


def _unit(environment: dict[str, str]) -> float:
    return _cpu([sys.executable, "-c", "import dagster"], environment)


def _cpu(command: list[str], environment: dict[str, str], *, times: int = 3) -> float:
    """The least CPU seconds of a command and what it starts, of some times."""
    found = []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)
