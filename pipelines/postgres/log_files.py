"""Log files of processes that append to them for as long as they live."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10_000_000


def set_aside(log: Path, most_bytes: int = MAX_BYTES) -> bool:
    """Copy a log that has grown long to `<log>.1`, in place of the one before, and empty it.

    Returns whether it did. Writers continue; lines written at that very moment may be lost.
    """
    if not log.exists() or log.stat().st_size <= most_bytes:
        return False
    with suppress(OSError):  # a full disk: emptying it is of more use
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)
    return True
