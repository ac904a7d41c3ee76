"""An inbox: a folder into which other parties drop files, and which of them are complete.

Files stay in place. `ops.inbox_files` records what was loaded or rejected, by size and timestamps,
so that polling does not read any file.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, select

from pipelines.config import CUT_SECONDS
from pipelines.failures import PermanentFailure
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.tables import inbox_files

#: How long a file must be unchanged before it counts as complete.
SETTLE_SECONDS = 1.0
#: Interval at which `Inbox.ready` looks again.
POLL_SECONDS = 0.2
#: In seconds. Archives and images have files of 1970 and 1980.
YEAR_2000 = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
#: Endings of files whose content is lines: such a file is complete if its last line is.
LINE_SUFFIXES = (".csv", ".jsonl", ".ndjson", ".tsv", ".txt")


@dataclass(frozen=True)
class InboxFile:
    """A file in an inbox at one moment. `name` is printable even if its bytes are not."""

    path: Path
    name: str
    byte_count: int
    modified_ns: int
    changed_ns: int

    @property
    def modified_at(self) -> datetime:
        """When it was last modified; now if that is to come, or before 2000, as of a bad clock."""
        now = datetime.now(UTC)
        if not YEAR_2000 <= self.modified_ns // 1_000_000_000 < now.timestamp():
            return now
        since_2000 = timedelta(microseconds=self.modified_ns // 1000 - YEAR_2000 * 1_000_000)
        return datetime(2000, 1, 1, tzinfo=UTC) + since_2000

    @property
    def signature(self) -> tuple[int, int, int]:
        """A value that changes whenever the file is touched."""
        return self.byte_count, self.modified_ns, self.changed_ns


@dataclass(frozen=True)
class Inbox:
    """The folder of one source, set by `variable`: its files are those that end in a suffix.

    Files that were rejected under other parse options, `reading`, are pending again. A text file
    without a final line break may be cut, so it has to be unchanged for `cut_seconds`.
    """

    source: str
    folder: Path
    variable: str
    reading: str
    suffixes: tuple[str, ...] = (".csv",)
    cut_seconds: float = CUT_SECONDS

    def files(self) -> list[InboxFile]:
        """Return all files, oldest first; raises `PermanentFailure` for a folder it cannot read."""
        found = list[InboxFile]()
        try:
            with os.scandir(self.folder) as entries:
                for entry in filter(self._is_mine, entries):
                    with suppress(FileNotFoundError):  # it has just disappeared
                        signature = signature_of(entry.stat(follow_symlinks=False))
                        name = printable_name(entry.name)
                        found.append(InboxFile(Path(entry.path), name, *signature))
        except OSError as error:
            raise PermanentFailure(
                self.source,
                f"the inbox cannot be read: {error.strerror}",
                place=f"{self.variable}, {self.folder}",
                remedy="Make it a folder that Isobar can read, or set the variable to another one.",
            ) from error
        return sorted(found, key=lambda file: (file.modified_ns, natural_order(file.name)))

    def passed_over(self) -> list[str]:
        """Return the names of what is never loaded: it ends otherwise, or is a link or a pipe."""
        with os.scandir(self.folder) as entries:
            return sorted(
                printable_name(entry.name)
                for entry in entries
                if not (entry.name.startswith(".") or entry.is_dir(follow_symlinks=False))
                and not self._is_mine(entry)
            )

    def _is_mine(self, entry: os.DirEntry[str]) -> bool:
        """Return whether an entry of the folder is loaded; links may lead anywhere."""
        is_named = entry.name.lower().endswith(self.suffixes) and entry.name[0] != "."
        return is_named and entry.is_file(follow_symlinks=False)

    def pending(self, connection: Connection) -> list[InboxFile]:
        """Return the files that were neither loaded nor rejected in this state, oldest first."""
        mine = connection.execute(select(inbox_files).where(inbox_files.c.source == self.source))
        known = {
            row.name: (row.byte_count, row.modified_ns, row.changed_ns)
            for row in mine
            if row.sha256 is not None or row.reading == self.reading
        }
        return [file for file in self.files() if known.get(file.name) != file.signature]

    def ready(
        self, store: Warehouse, *, wait_seconds: float = 0.0
    ) -> tuple[list[InboxFile], list[InboxFile]]:
        """Return the complete pending files, and those still growing after `wait_seconds`."""
        deadline = time.monotonic() + wait_seconds
        while True:
            with store.translate_db_errors(self.source), store.engine.connect() as connection:
                pending = self.pending(connection)
            waits = {file: self.settles_in(file) for file in pending}
            growing = [file for file, seconds in waits.items() if seconds > 0]
            left = deadline - time.monotonic()
            if not growing or min(waits[file] for file in growing) > left:
                return [file for file in pending if waits[file] == 0], growing
            time.sleep(POLL_SECONDS)

    def settles_in(self, file: InboxFile) -> float:
        """Return after how many seconds a file may be complete; 0 if it seems to be."""
        unchanged = abs(time.time() - file.changed_ns / 1e9)
        if unchanged < SETTLE_SECONDS:
            return SETTLE_SECONDS - unchanged
        with suppress(OSError):
            if unchanged < self.cut_seconds and _is_cut(file):
                return self.cut_seconds - unchanged
        return 0.0


def inspect_file(source: str, path: Path) -> InboxFile:
    """Return a file anywhere, for a manual import. Raises `PermanentFailure` if there is none."""
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
    if not stat.S_ISREG(status.st_mode):
        problem, remedy = "it is not a regular file", "Give the path of a file."
        raise PermanentFailure(source, problem, place=str(path), remedy=remedy)
    return InboxFile(path, printable_name(path.name), *signature_of(status))


def natural_order(name: str) -> tuple[str, str]:
    """Return what names are ordered by as people read them: `status_9` before `status_10`."""

    def with_length(digits: re.Match[str]) -> str:
        number = digits[0].lstrip("0") or "0"
        return f"0{len(number):03}{number}"

    return re.sub("[0-9]+", with_length, name), name


def printable_name(name: str) -> str:
    """Return a file name as unique text: bytes that are not UTF-8 become escapes."""
    encoded = os.fsencode(name)
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError:  # names contain no slash, so this is unique
        return f"bytes/{encoded.decode('utf-8', 'backslashreplace')}"


def open_plain_file(path: Path) -> BinaryIO:
    """Open a regular file (no link, pipe or device) for reading, without waiting for a writer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PermissionError(None, "it is not a regular file")
    return os.fdopen(descriptor, "rb")


def signature_of(status: os.stat_result) -> tuple[int, int, int]:
    """Return what changes whenever a file is touched: size and timestamps."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _is_cut(file: InboxFile) -> bool:
    """Return whether a file of lines has no final line break, so that its last one may be cut."""
    if not file.name.lower().endswith(LINE_SUFFIXES):
        return False
    if file.byte_count == 0:
        return True
    with open_plain_file(file.path) as opened:
        opened.seek(file.byte_count - 1)
        return opened.read(1) != b"\n"
