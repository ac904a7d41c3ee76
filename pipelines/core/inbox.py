"""An inbox: a folder into which others drop files, each of which is taken once for each content.

Files stay where they are. `ops.inbox_files` remembers what was taken or refused, by size and times,
so that looking costs no reading; it is written in the transaction that loads a file's rows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.core.deliveries import Delivery, Outcome
from pipelines.core.failures import Failure, NotReady, PermanentFailure, printable
from pipelines.core.tables import deliveries, inbox_files
from pipelines.core.warehouse import Warehouse

SETTLE_SECONDS = 1.0
"""How long a file has to be left alone before it counts as whole."""

Load = Callable[[Connection, BinaryIO, Delivery], Outcome]


@dataclass(frozen=True)
class InboxFile:
    """A file in an inbox as it was at one moment. `name` is printable even when its bytes are not.

    `problem` says why it may not be read.
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
    """The folder of one source, set by `variable`: its files are those that end in `suffix`."""

    source: str
    folder: Path
    variable: str
    suffix: str = ".csv"

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
                    if entry.name.lower().endswith(self.suffix)
                    and not entry.name.startswith(".")
                    and not entry.is_dir(follow_symlinks=False)
                ]
        except OSError as error:
            raise PermanentFailure(
                self.source,
                f"the inbox cannot be read: {error.strerror}",
                place=f"{self.variable}, {self.folder}",
                remedy="Make the folder, or set the variable to another one.",
            ) from error
        whole = (one for one in found if one is not None)
        return sorted(whole, key=lambda one: (one.modified_ns, one.name))

    def pending(self, connection: Connection) -> list[InboxFile]:
        """The files that were neither taken nor refused as they are now, oldest first."""
        known = {
            row.name: (row.byte_count, row.modified_ns, row.changed_ns)
            for row in connection.execute(
                select(inbox_files).where(inbox_files.c.source == self.source)
            )
        }
        return [file for file in self.files() if known.get(file.name) != file.signature]

    def ready(
        self, store: Warehouse, *, wait_seconds: float = 0.0
    ) -> tuple[list[InboxFile], list[InboxFile]]:
        """The pending files that are whole, and those that still grow after waiting for them."""
        deadline = time.monotonic() + wait_seconds
        while True:
            with store.engine.connect() as connection:
                pending = self.pending(connection)
            growing = [file for file in pending if not is_settled(file)]
            if not growing or time.monotonic() >= deadline:
                return [file for file in pending if file not in growing], growing
            time.sleep(0.2)


def is_settled(file: InboxFile) -> bool:
    """Whether a file seems whole: left alone for a while, and not open for writing anywhere.

    The second can only be told on Linux, for files of one's own; elsewhere the first decides.
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


def take(
    store: Warehouse, inbox: Inbox, files: list[InboxFile], load: Load
) -> tuple[list[Outcome], list[Failure]]:
    """Load files, each in a transaction of its own; one that fails does not hold up the others.

    Returns what became of those that said something new, and why others were refused; a refused
    file is not looked at again until it changes. Raises `TransientFailure`.
    """
    outcomes: list[Outcome] = []
    refusals: list[Failure] = []
    for file in files:
        try:
            outcome = take_file(store, inbox.source, file, load, remember=True)
        except NotReady:
            continue  # it is being written again: it will be there at the next look
        except PermanentFailure as failure:
            refusals.append(failure)
            with store.transaction(inbox.source) as connection:
                _remember(connection, inbox.source, file, sha256=None, problem=failure.problem)
            continue
        if outcome is not None:
            outcomes.append(outcome)
    return outcomes, refusals


def take_file(
    store: Warehouse, source: str, file: InboxFile, load: Load, *, remember: bool = False
) -> Outcome | None:
    """Load one file; None when the last delivery of its name had the same content.

    `remember` is for files of the inbox, so that they are not looked at again.
    Raises `PermanentFailure` for a file that cannot be read, `NotReady` for one that changes.
    """
    place = printable(str(file.path))
    if file.problem is not None:
        raise PermanentFailure(
            source, file.problem, place=place, remedy="Put a plain file in its place."
        )
    try:
        with open_plain_file(file.path) as opened, store.transaction(source) as connection:
            sha256 = _digest(opened)
            outcome = None
            if _last_sha256(connection, source, file.name) != sha256:
                opened.seek(0)
                delivery = Delivery(
                    source=source,
                    name=file.name,
                    sha256=sha256,
                    byte_count=file.byte_count,
                    received_at=datetime.now(UTC),
                )
                outcome = load(connection, opened, delivery)
            if _signature(os.fstat(opened.fileno())) != file.signature:
                raise NotReady(
                    source,
                    "the file changed while it was read",
                    place=place,
                    remedy="Nothing: it is taken when it is whole.",
                )
            if remember:
                _remember(connection, source, file, sha256=sha256, problem=None)
            return outcome
    except FileNotFoundError as error:
        raise NotReady(
            source, "the file is gone", place=place, remedy="Put it there again."
        ) from error
    except OSError as error:
        raise PermanentFailure(
            source,
            f"the file cannot be read: {error.strerror or error}",
            place=place,
            remedy="Give the user that runs Isobar the right to read it.",
        ) from error


def look_at(source: str, path: Path) -> InboxFile:
    """A file anywhere, for an import by hand. Raises `PermanentFailure` when there is none."""
    try:
        path = path.resolve(strict=True)
        status = path.stat()
    except (OSError, RuntimeError, ValueError) as error:
        raise PermanentFailure(
            source,
            f"there is no such file: {error}",
            place=printable(str(path)),
            remedy="Give the path of a file on the machine of the run.",
        ) from error
    problem = None if stat.S_ISREG(status.st_mode) else "it is not a plain file"
    return InboxFile(path, printable_name(path.name), *_signature(status), problem)


def forget_refusals(connection: Connection, source: str) -> None:
    """Have refused files looked at again."""
    connection.execute(
        delete(inbox_files).where(
            inbox_files.c.source == source, inbox_files.c.problem.is_not(None)
        )
    )


def printable_name(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 are written as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@contextmanager
def open_plain_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading that is no link, pipe or device, without waiting for a writer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(None, "it is not a plain file")
        yield file


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
    return InboxFile(target, printable_name(path.name), *_signature(status), problem)


def _signature(status: os.stat_result) -> tuple[int, int, int]:
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


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def _last_sha256(connection: Connection, source: str, name: str) -> str | None:
    return connection.execute(
        select(deliveries.c.sha256)
        .where(deliveries.c.source == source, deliveries.c.name == name)
        .order_by(deliveries.c.loaded_at.desc())
        .limit(1)
    ).scalar()


def _remember(
    connection: Connection, source: str, file: InboxFile, *, sha256: str | None, problem: str | None
) -> None:
    statement = insert(inbox_files).values(
        source=source,
        name=file.name,
        byte_count=file.byte_count,
        modified_ns=file.modified_ns,
        changed_ns=file.changed_ns,
        sha256=sha256,
        problem=problem,
    )
    columns = ("byte_count", "modified_ns", "changed_ns", "sha256", "problem", "looked_at")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "name"],
            set_={name: statement.excluded[name] for name in columns},
        )
    )
