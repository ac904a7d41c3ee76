"""Child processes that are stopped as cleanly as they are started."""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from pipelines.postgres.log_files import set_aside

STOP_SECONDS = 30.0
#: For the one that uses the others to end what it does with them.
LEAD_SECONDS = 10.0


class Child:
    """A process in a session of its own, whose words go to a log.

    Whoever starts children has handlers for the signals it cares about, so that these are at
    their defaults in the child, even when they were ignored further up.
    """

    def __init__(
        self, name: str, command: list[str], *, environment: dict[str, str], log: Path
    ) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._begins_at = 0

    def start(self) -> None:
        """Start it, with none of the caller's descriptors."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.keep_log_short()
        self._begins_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """Its number, once it was started."""
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def last_words(self) -> str:
        """Our own failure among what it logged since it was started, else the end of that."""
        with self.log.open(errors="replace") as log:
            log.seek(self._begins_at)
            told = log.read().strip()
        ours = re.findall(r"^pipelines\.failures\.\w+: (.+(?:\n  .+)*)", told, re.MULTILINE)
        return str(ours[-1]) if ours else told[-600:] or "it said nothing"

    def keep_log_short(self) -> None:
        """Set the log aside when it has grown long, whether it runs or not."""
        if set_aside(self.log):
            self._begins_at = 0

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process is not None and self.is_alive():
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, so long at most."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End it with SIGTERM; what is left of its session when it did, or later, by force."""
        if self._process is None:
            return
        self.ask_to_stop()
        self.wait(seconds)
        kill_session(self._process.pid)
        self._process.wait()


def kill_session(leader: int) -> None:
    """Kill a process and all that it started in its process group."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def stop_all(children: list[Child], seconds: float = STOP_SECONDS) -> None:
    """Ask the last to stop, which uses the others, and these when it has, or a little later.

    See that all do within `seconds` together.
    """
    deadline = time.monotonic() + seconds
    children[-1].ask_to_stop()
    children[-1].wait(min(LEAD_SECONDS, seconds))
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.stop(max(0.1, deadline - time.monotonic()))
