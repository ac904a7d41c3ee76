"""Rotation of log files that long-running processes append to."""

import os
import shutil
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
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)
    return True
