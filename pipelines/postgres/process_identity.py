"""Processes that were recorded earlier: those of `isobar ui`, and whether one is still alive."""

import json
import socket
from pathlib import Path

import psutil


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs. Zombies do not count: in a container, nobody may reap them."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def identity(pid: int | None = None) -> str:
    """Return a record of a process, by default this one: its id and its start time."""
    process = psutil.Process(pid)
    return f"{process.pid} since {process.create_time():.0f}"


def find(noted: str) -> psutil.Process | None:
    """Return the recorded process if it is alive and began then, within seconds of the clock."""
    number, _, began = noted.partition(" since ")
    try:
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(began)) < 5
    except (ValueError, psutil.NoSuchProcess):
        return None
    return process if same and is_alive(process) else None


def read_noted_ui(state: Path) -> tuple[str | None, dict[str, str]]:
    """Return the URL of the web UI on this machine, and the identity of each process.

    Both are empty if no UI runs on this machine.
    """
    try:
        record = json.loads((state / "ui.json").read_text())
        if record["host"] != socket.gethostname():
            return None, {}
        return str(record["url"]), {name: str(one) for name, one in record["processes"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none, or older code
        return None, {}
