"""One daemon at a time on a state folder: two would start each scheduled run twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from pipelines.failures import PermanentFailure
from pipelines.postgres import state_folder
from pipelines.postgres.process_identity import read_noted_ui

#: The file in the state folder that the one process with a daemon locks.
DAEMON_LOCK = "ui.lock"


@contextmanager
def daemon_lock(state: Path, command: str) -> Iterator[None]:
    """Run the daemon of a state folder. Raises `PermanentFailure` if another command does."""
    state_folder.create(state)
    try:
        lock = filelock.FileLock(state / DAEMON_LOCK)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        url, _ = read_noted_ui(state)
        raise PermanentFailure(
            command,
            "isobar ui, dagster dev, dagster-daemon or isobar restore is already running, and there"
            " can be one daemon",
            place=url or str(state / DAEMON_LOCK),
            remedy="Use that one, or stop it first.",
        ) from error
    with lock:
        yield
