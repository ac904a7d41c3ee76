"""Keep `isobar ui` and its daemon away from databases that are being replaced."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import psycopg

from pipelines.failures import PermanentFailure
from pipelines.postgres.clients import connect, place_of
from pipelines.runtime.health import last_heartbeat
from pipelines.status.probes.web_ui import noted_processes
from pipelines.status.rules import BEAT_SECONDS


@contextmanager
def ui_lock(state: Path, dagster_url: str, report: Callable[[str], None]) -> Iterator[None]:
    """Prevent `isobar ui` from starting with a state folder.

    Raises `PermanentFailure` if it is running, or if a daemon on another machine is alive. Such a
    daemon is detected by its heartbeats in Dagster's storage.
    """
    lock = filelock.FileLock(state / "ui.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise _in_use("isobar ui is running", str(state)) from error
    with lock:
        alive = [one.name for one in noted_processes(state)[1] if one.state != "dead"]
        if alive:
            raise _in_use(f"the {alive[0]} of isobar ui is running", str(state / "ui.json"))
        with connect(dagster_url, autocommit=True) as connection:
            _reject_living_daemon(connection, dagster_url, report)
        yield


def _reject_living_daemon(
    connection: psycopg.Connection, url: str, report: Callable[[str], None]
) -> None:
    """Raise if a daemon is alive: a stopped one leaves a last heartbeat, so wait for the next."""
    last, age_seconds = last_heartbeat(connection)
    if last is None or age_seconds > BEAT_SECONDS:
        return
    report(f"A daemon was alive {age_seconds:.0f} s ago; waiting whether it still is …")
    deadline = time.monotonic() + BEAT_SECONDS - max(0.0, age_seconds)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        if last_heartbeat(connection)[0] != last:
            raise _in_use("a daemon of isobar ui is running", place_of(url))


def _in_use(problem: str, place: str) -> PermanentFailure:
    return PermanentFailure(
        "restore",
        f"the databases are in use: {problem}",
        place=place,
        remedy="Stop isobar ui (docker compose down) on every machine, close other connections,"
        " then run again.",
    )
