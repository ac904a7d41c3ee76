"""Rotation of log files that long-running processes append to."""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10_000_000


def set_aside(log: Path, most_bytes: int = MAX_BYTES) -> bool:
    """Copy a log that is too long to `<log>.1`, replacing the previous copy, and empty it.

    Returns whether it was rotated. Processes continue to write; lines written during the rotation
    may be lost.
    """
    if not log.exists() or log.stat().st_size <= most_bytes:
        return False
    with suppress(OSError):  # on a full disk, truncating matters more than the copy
        _copy(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)
    return True


def _copy(log: Path, copy: Path) -> None:
    """Copy a log to a new file with the same permissions: statements in it may have secrets."""
    copy.unlink(missing_ok=True)
    mode = stat.S_IMODE(log.stat().st_mode)
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with log.open("rb") as source, os.fdopen(descriptor, "wb") as target:
        shutil.copyfileobj(source, target)
