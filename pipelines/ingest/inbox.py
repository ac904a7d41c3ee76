"""An inbox: a folder into which others drop files, each of which is taken once for each content.

This finds files and checks whether they are complete; `file_loader` loads them. Files stay
where they are. `ops.inbox_files` records what was loaded or rejected, by size and times, so that
looking costs no reading.
"""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, select

from pipelines.failures import PermanentFailure
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.tables import inbox_files

SETTLE_SECONDS = 1.0
"""How long a file has to be left alone before it counts as whole."""


@dataclass(frozen=True)
class InboxFile:
    """A file in an inbox as it was at one moment. `name` is printable even when its bytes are not.

    `problem` is why it cannot be read.
    """

    path: Path
    name: str
    byte_count: int
    modified_ns: int
    changed_ns: int
    problem: str | None = None

    @property
    def signature(self) -> tuple[int, int, int]:
        """Equal as long as nobody touched the file."""
        return self.byte_count, self.modified_ns, self.changed_ns


@dataclass(frozen=True)
class Inbox:
    """The folder of one source, set by `variable`: its files are those that end in a suffix.

    `reading` has the parse options, such as the encoding: files that were rejected when read
    otherwise are pending again.
    """

    source: str
    folder: Path
    variable: str
    reading: str
    suffixes: tuple[str, ...] = (".csv",)

    def files(self) -> list[InboxFile]:
        """All files, oldest first. Hidden ones and folders are none.

        Raises `PermanentFailure` when the folder cannot be read.
        """
        try:
            home = self.folder.resolve(strict=True)
            with os.scandir(self.folder) as entries:
                found = [
                    _look(Path(entry.path), home)
                    for entry in entries
                    if entry.name.lower().endswith(self.suffixes)
                    and not entry.name.startswith(".")
                    and not entry.is_dir(follow_symlinks=False)
                ]
        except OSError as error:
            raise PermanentFailure(
                self.source,
                f"the inbox cannot be read: {error.strerror}",
                place=f"{self.variable}, {self.folder}",
                remedy="Create the folder, or set the variable to another one.",
            ) from error
        whole = (one for one in found if one is not None)
        return sorted(whole, key=lambda one: (one.modified_ns, one.name))

    def pending(self, connection: Connection) -> list[InboxFile]:
        """Return the files that were neither loaded nor rejected in this state, oldest first."""
        known = {
            row.name: (row.byte_count, row.modified_ns, row.changed_ns)
            for row in connection.execute(
                select(inbox_files).where(inbox_files.c.source == self.source)
            )
            if row.problem is None or row.reading == self.reading
        }
        return [file for file in self.files() if known.get(file.name) != file.signature]

    def ready(
        self, store: Warehouse, *, wait_seconds: float = 0.0
    ) -> tuple[list[InboxFile], list[InboxFile]]:
        """The pending files that are whole, and those that still grow after waiting for them."""
        deadline = time.monotonic() + wait_seconds
        while True:
            with store.translate_db_errors(self.source), store.engine.connect() as connection:
                pending = self.pending(connection)
            growing = {file for file in pending if not is_settled(file)}
            if not growing or time.monotonic() >= deadline:
                return [file for file in pending if file not in growing], list(growing)
            time.sleep(0.2)


def is_settled(file: InboxFile) -> bool:
    """Whether a file seems whole: left alone for a while, and not open for writing anywhere.

    The second is known only on Linux, for files of one's own; elsewhere the first decides.
    """
    if file.problem is not None:
        return True
    if abs(time.time() - file.changed_ns / 1e9) < SETTLE_SECONDS:
        return False
    with suppress(OSError):
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return not _is_open_for_writing(descriptor)
        finally:
            os.close(descriptor)
    return True


def look_at(source: str, path: Path) -> InboxFile:
    """A file anywhere, for an import by hand. Raises `PermanentFailure` when there is none."""
    try:
        path = path.resolve(strict=True)
        status = path.stat()
    except (OSError, RuntimeError, ValueError) as error:
        raise PermanentFailure(
            source,
            f"there is no such file: {error}",
            place=str(path),
            remedy="Give the path of a file on the machine of the run.",
        ) from error
    problem = None if stat.S_ISREG(status.st_mode) else "it is not a plain file"
    return InboxFile(path, printable_name(path.name), *signature_of(status), problem)


def printable_name(name: str) -> str:
    """A file's name as text, another for each name: bytes that are no UTF-8 become escapes."""
    encoded = os.fsencode(name)
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError:  # no name has a slash, so it is not that of another file
        return f"bytes/{encoded.decode('utf-8', 'backslashreplace')}"


def open_plain_file(path: Path) -> BinaryIO:
    """Open a file for reading that is no link, pipe or device, without waiting for a writer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PermissionError(None, "it is not a plain file")
    return os.fdopen(descriptor, "rb")


def _look(path: Path, home: Path) -> InboxFile | None:
    """A file as it is now, or why it may not be read; None when it has just gone."""
    try:
        target = path.resolve(strict=True) if path.is_symlink() else path
        status = target.stat()
    except FileNotFoundError:
        if not path.is_symlink():
            return None
        target, status = path, path.lstat()
        problem: str | None = "it is a link to nothing"
    except (OSError, RuntimeError) as error:
        target, status = path, path.lstat()
        problem = f"it cannot be looked at: {error}"
    else:
        problem = None if stat.S_ISREG(status.st_mode) else "it is not a plain file"
        if target is not path and not target.is_relative_to(home):
            problem = "it is a link that leads out of the inbox"
    place = path if problem else target
    return InboxFile(place, printable_name(path.name), *signature_of(status), problem)


def signature_of(status: os.stat_result) -> tuple[int, int, int]:
    """What changes when anybody touches a file: size and times."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _is_open_for_writing(descriptor: int) -> bool:
    """Whether anybody has the file open for writing: the kernel grants no read lease then."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        # A writer that comes while the lease is held is announced by this signal, a harmless one.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:  # not our file, or a file system without leases
        return False
    return False
