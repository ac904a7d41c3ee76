"""The processes of `isobar ui` on this machine."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from pipelines.config.noted_ui import read_noted_ui
from pipelines.postgres.process_identity import find


@dataclass(frozen=True)
class ProcessFact:
    """A process that `isobar ui` recorded."""

    name: str
    pid: int
    is_alive: bool
    started_at: dt.datetime


def noted_processes(state: Path) -> tuple[str | None, list[ProcessFact]]:
    """Return the URL of the web UI on this machine if it runs, and its processes.

    Both are empty if it was never started, or was stopped cleanly.
    """
    url, noted = read_noted_ui(state)
    facts = []
    try:
        for name, words in noted.items():
            pid, _, began = words.partition(" since ")
            started_at = dt.datetime.fromtimestamp(float(began), dt.UTC)
            facts.append(ProcessFact(name, int(pid), find(words) is not None, started_at))
    except ValueError:  # written by another version
        return None, []
    is_up = any(one.name == "web server" and one.is_alive for one in facts)
    return url if is_up else None, facts
