"""Processes: children are started, watched and stopped cleanly, and there is one daemon."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import psutil

from pipelines.failures import PermanentFailure
from pipelines.postgres import state_folder
from pipelines.postgres.log_files import rotate, shortened
from pipelines.postgres.process_identity import is_alive, read_noted_ui

STOP_SECONDS = 30.0
#: Head start of the last child in `stop_all`: it finishes its work with the other children.
LEAD_SECONDS = 10.0


@dataclass(eq=False)
class Child:
    """A process in its own session, with output to a log file.

    The parent must handle signals: of those that it ignores, the child would ignore them, too.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    _process: psutil.Process | None = field(default=None, init=False)
    _begins_at: int = field(default=0, init=False)

    def start(self) -> None:
        """Start the process without the caller's file descriptors."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.keep_log_short()
        self._begins_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = psutil.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """The process id, once it was started."""
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and is_alive(self._process)

    def listens_on(self, port: int) -> bool:
        """Return whether the process itself, and not another one, listens on a TCP port."""
        found = self._process.net_connections("tcp") if self._process and self.is_alive() else []
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)

    def log_tail(self) -> str:
        """Return the last `Failure` it logged since its start, else the end of that output."""
        with self.log.open(errors="replace") as log:
            log.seek(self._begins_at)
            text = log.read().strip()
        ours = re.findall(r"^pipelines\.failures\.\w+: (.+(?:\n  .+)*)", text, re.MULTILINE)
        return str(ours[-1]) if ours else shortened(text) or "it printed nothing"

    def keep_log_short(self) -> None:
        """Rotate the log if it has grown too long, whether the process runs or not."""
        if rotate(self.log):
            self._begins_at = 0

    def terminate(self, seconds: float = 0.0) -> None:
        """Send SIGTERM to the process if it runs, and wait for its end, at most `seconds`."""
        if self._process is not None and self.is_alive():
            self._process.terminate()
            with suppress(psutil.TimeoutExpired):
                self._process.wait(seconds)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop the process with SIGTERM, then kill what is left of its session."""
        if self._process is not None:
            self.terminate(seconds)
            kill_session(self._process.pid)
            self._process.wait()


@contextmanager
def daemon_lock(state: Path, command: str) -> Iterator[None]:
    """Run the daemon of a state folder. Raises `PermanentFailure` if another command does."""
    state_folder.create(state)
    lock = filelock.FileLock(state / "ui.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise PermanentFailure(
            command,
            "isobar ui, dagster dev, dagster-daemon or isobar restore is already running, and there"
            " can be one daemon",
            place=read_noted_ui(state)[0] or lock.lock_file,
            remedy="Use that one, or stop it first.",
        ) from error
    with lock:
        yield


def replace_environment(environment: dict[str, str]) -> None:
    """Replace the environment of this process, before anything that reads it is imported."""
    os.environ.clear()  # noqa: TID251 - written, not read
    os.environ.update(environment)  # noqa: TID251


def end_with(parent: int) -> None:
    """End this process when its parent ends, even if that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def kill_session(leader: int) -> None:
    """Kill a process and everything in its process group."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def stop_all(children: list[Child]) -> None:
    """Stop the last child, which uses the others, then these, all within `STOP_SECONDS`."""
    deadline = time.monotonic() + STOP_SECONDS
    children[-1].terminate(LEAD_SECONDS)
    for child in children:
        child.terminate()
    for child in children:
        child.stop(max(0.1, deadline - time.monotonic()))
