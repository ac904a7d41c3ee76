"""One daemon at a time on a state folder: two would start each scheduled run twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from pipelines.config import DAEMON_LOCK
from pipelines.failures import PermanentFailure
from pipelines.postgres import state_folder
from pipelines.status.web_ui import living_processes, noted_processes


@contextmanager
def daemon_lock(state: Path, command: str) -> Iterator[None]:
    """Run the daemon of a state folder. Raises `PermanentFailure` if another command does.

    What a killed `isobar ui` left, `isobar ui` ends itself.
    """
    state_folder.create(state)
    try:
        lock = filelock.FileLock(state / DAEMON_LOCK)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        url, _ = noted_processes(state)
        is_ui = "isobar ui" in living_processes(state)
        who = "isobar ui" if is_ui else "dagster dev, dagster-daemon or isobar restore"
        raise PermanentFailure(
            command,
            f"{who} is already running, and there can be one daemon",
            place=url or str(state / DAEMON_LOCK),
            remedy="Use that one, or stop it first.",
        ) from error
    with lock:
        if command != "ui" and (left := living_processes(state)):
            raise PermanentFailure(
                command,
                f"the {left[0]} of an isobar ui that was killed is still running",
                place=str(state / "ui.json"),
                remedy="Type isobar ui: it ends what is left. Then stop it with Ctrl-C.",
            )
        yield
