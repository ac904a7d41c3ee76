"""The processes of `isobar ui` on this machine."""

import datetime as dt
from pathlib import Path

import psutil

from pipelines.config.noted_ui import read_noted_ui
from pipelines.postgres.process_identity import find
from pipelines.status.rules import ProcessFact


def noted_processes(state: Path) -> tuple[str | None, list[ProcessFact]]:
    """Return the URL of the web UI on this machine if it runs, and the state of its processes.

    Both are empty if it was never started, or was stopped cleanly.
    """
    url, noted = read_noted_ui(state)
    try:
        facts = [_fact(name, words) for name, words in noted.items()]
    except ValueError:  # written by another version
        return None, []
    is_up = any(one.name == "web server" and one.state == "alive" for one in facts)
    return url if is_up else None, facts


def living_processes(state: Path) -> list[str]:
    """Return the names of the processes of `isobar ui` on this machine that have not ended."""
    return [one.name for one in noted_processes(state)[1] if one.state != "dead"]


def _fact(name: str, noted: str) -> ProcessFact:
    """Return the state of a process that `isobar ui` recorded."""
    process, pid = find(noted), int(noted.split()[0])
    try:
        if process is not None:
            is_stopped = process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
            started_at = dt.datetime.fromtimestamp(process.create_time(), dt.UTC)
            return ProcessFact(name, pid, "stopped" if is_stopped else "alive", started_at)
    except psutil.NoSuchProcess:
        pass
    return ProcessFact(name, pid, "dead", None)
