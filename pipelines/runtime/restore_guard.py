"""Keep `isobar ui` and its daemon away from databases that are being replaced."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from pipelines.config import DAEMON_LOCK
from pipelines.failures import PermanentFailure
from pipelines.postgres.clients import place_of
from pipelines.runtime.health import heartbeats
from pipelines.status.probes.web_ui import living_processes
from pipelines.status.rules import BEAT_SECONDS


@contextmanager
def ui_lock(state: Path, dagster_url: str, report: Callable[[str], None]) -> Iterator[None]:
    """Prevent `isobar ui` from starting with a state folder.

    Raises `PermanentFailure` if it is running, or if a daemon on another machine is alive. Such a
    daemon is detected by its heartbeats in Dagster's storage.
    """
    lock = filelock.FileLock(state / DAEMON_LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise _in_use("isobar ui is running", str(state)) from error
    with lock:
        if alive := living_processes(state):
            raise _in_use(f"the {alive[0]} of isobar ui is running", str(state / "ui.json"))
        _reject_living_daemon(dagster_url, report)
        yield


def _reject_living_daemon(url: str, report: Callable[[str], None]) -> None:
    """Raise if a daemon is alive: a stopped one leaves a last heartbeat, so wait for the next."""
    last = _last_heartbeat(url)
    age_seconds = time.time() - last
    if age_seconds > BEAT_SECONDS:
        return
    report(f"A daemon was alive {age_seconds:.0f} s ago; waiting for its next sign of life …")
    deadline = time.monotonic() + BEAT_SECONDS - max(0.0, age_seconds)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        if _last_heartbeat(url) != last:
            raise _in_use("a daemon of isobar ui is running", place_of(url))


def _last_heartbeat(url: str) -> float:
    """Return when any part of a daemon was last alive, in seconds since 1970; 0 if none ever."""
    return max(heartbeats(url), default=0.0)


def _in_use(problem: str, place: str) -> PermanentFailure:
    return PermanentFailure(
        "restore",
        f"the databases are in use: {problem}",
        place=place,
        remedy="Stop isobar ui (docker compose down) on every machine, close other connections,"
        " then run again.",
    )
