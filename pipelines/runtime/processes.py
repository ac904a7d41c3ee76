"""Child processes: start, monitor, and stop them cleanly."""

import gc
import os
import re
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

import psutil

from pipelines.postgres.log_files import rotate, tail
from pipelines.postgres.process_identity import is_alive
from pipelines.runtime.listening import is_listening

STOP_SECONDS = 30.0
#: Head start of the last child in `stop_all`: it finishes its work with the other children.
LEAD_SECONDS = 10.0


class Child:
    """A process in its own session, with output to a log file.

    The parent must have handlers for the signals it handles: handled signals are reset to their
    defaults in a child, even if a process further up ignored them.

    `address` is where the process listens, if it does: a Unix socket, or a port of 127.0.0.1.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        environment: dict[str, str],
        log: Path,
        address: Path | int | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = log
        self.address = address
        self._has_listened = False
        self._process: psutil.Process | None = None
        self._begins_at = 0

    def start(self) -> None:
        """Start the process without the caller's file descriptors."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.keep_log_short()
        self._has_listened = False
        self._begins_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = self._begin(log)

    def _begin(self, log: BinaryIO) -> psutil.Process:
        return psutil.Popen(
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

    def has_stopped_listening(self) -> bool:
        """Return whether the process listened since its start and does not any more.

        It may run on: a gRPC server that was shut down by a request waits for minutes.
        """
        if self.address is None or is_listening(self.address):
            self._has_listened = self.address is not None
            return False
        return self._has_listened

    def log_tail(self) -> str:
        """Return the last `Failure` it logged since its start, else the end of that output."""
        with self.log.open(errors="replace") as log:
            log.seek(self._begins_at)
            text = log.read().strip()
        ours = re.findall(r"^pipelines\.failures\.\w+: (.+(?:\n  .+)*)", text, re.MULTILINE)
        return str(ours[-1]) if ours else tail(text) or "it printed nothing"

    def keep_log_short(self) -> None:
        """Rotate the log if it has grown too long, whether the process runs or not."""
        if rotate(self.log):
            self._begins_at = 0

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the process if it runs."""
        if self._process is not None and self.is_alive():
            self._process.send_signal(number)

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended, at most `seconds`."""
        if self._process is not None:
            with suppress(psutil.TimeoutExpired):
                self._process.wait(seconds)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop the process with SIGTERM, then kill what is left of its session."""
        if self._process is None:
            return
        self.signal()
        self.wait(seconds)
        kill_session(self._process.pid)
        self._process.wait()


class WarmChild(Child):
    """A Python module (`python -P -m …`) that, on Linux, starts as a fork of this process.

    The child shares the modules that this process has imported. This process must have no other
    thread.
    """

    def _begin(self, log: BinaryIO) -> psutil.Process:
        if sys.platform != "linux":
            return super()._begin(log)
        gc.freeze()  # a collection would write to the shared pages
        if (pid := os.fork()) == 0:
            self._become(log)
        return psutil.Process(pid)

    def _become(self, log: BinaryIO) -> NoReturn:
        """Set up this forked process as a new Python process would be, and run the module."""
        status: int | str | None = 1
        try:
            os.setsid()
            for ends in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(ends, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
                os.dup2(source if isinstance(source, int) else source.fileno(), number)
            release_inherited_files()
            replace_environment(self.environment)
            set_process_name(self.name)
            sys.argv = self.command[self.command.index("-m") + 1 :]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
            status = 0
        except SystemExit as exit_:
            status = exit_.code
        except BaseException:  # noqa: BLE001 - printed as a new Python process would
            with suppress(Exception):
                traceback.print_exc()
        finally:
            with suppress(Exception):  # a full disk: never return into the parent's code
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status if isinstance(status, int) else int(status is not None))


def release_inherited_files(kept: Collection[int] = ()) -> None:
    """In a forked process, point the files of the parent at /dev/null, except `kept`.

    They are not closed, because the parent's objects exist in the copy too. A closed number would
    be given to the next file that is opened here, and such an object would close that file when it
    is collected. The fork server of runs died of this at its first run.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for number in map(int, os.listdir("/dev/fd")):  # noqa: PTH208 - numbers, not paths
        if number > 2 and number not in (null, *kept):
            os.dup2(null, number, inheritable=False)


def replace_environment(environment: dict[str, str]) -> None:
    """Replace the environment of this process, before anything that reads it is imported."""
    os.environ.clear()  # noqa: TID251 - written, not read
    os.environ.update(environment)  # noqa: TID251


def set_process_name(name: str) -> None:
    """Set the name that `ps -e` and `top` show for this process, on Linux."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(f"isobar {name.split()[0]}")


def kill_session(leader: int) -> None:
    """Kill a process and everything in its process group."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def stop_all(children: list[Child]) -> None:
    """Stop the children: the last one first, because it uses the others, then all others.

    The others are stopped when the last one has ended, or after a short wait. All end within
    `STOP_SECONDS` together.
    """
    deadline = time.monotonic() + STOP_SECONDS
    children[-1].signal()
    children[-1].wait(LEAD_SECONDS)
    for child in children:
        child.signal()
    for child in children:
        child.stop(max(0.1, deadline - time.monotonic()))
