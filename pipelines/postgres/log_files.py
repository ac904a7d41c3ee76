"""Log files of long-running processes: their rotation, and what messages show of them."""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10_000_000
#: Characters of an output that a message shows.
MAX_SHOWN = 1_200


def rotate(log: Path, max_bytes: int = MAX_BYTES) -> bool:
    """Copy a log that is too long to `<log>.1`, replacing the previous copy, and empty it.

    Of one that is more than twice too long, the end is copied.
    Returns whether it was rotated. Processes continue to write; lines written during the rotation
    may be lost.
    """
    if not log.exists() or log.stat().st_size <= max_bytes:
        return False
    with suppress(OSError):  # on a full disk, truncating matters more than the copy
        _copy(log, log.with_name(f"{log.name}.1"), most=2 * max_bytes)
    os.truncate(log, 0)
    return True


def shortened(text: str) -> str:
    """Return the first and the last lines of a long output: the cause may be in either."""
    text = text.strip()
    if len(text) <= MAX_SHOWN:
        return text
    head, last = text[: MAX_SHOWN // 2].rpartition("\n"), text[-MAX_SHOWN // 2 :].partition("\n")
    return f"{head[0] or head[2]}\n…\n{last[2] or last[0]}"


def tail(text: str) -> str:
    """Return the last lines of a log, from the beginning of one."""
    text = text.strip()
    if len(text) <= MAX_SHOWN:
        return text
    last = text[-MAX_SHOWN:]
    return last.partition("\n")[2] or last


def _copy(log: Path, copy: Path, most: int) -> None:
    """Copy the end of a log to a new file with its permissions: statements may have secrets."""
    copy.unlink(missing_ok=True)
    mode = stat.S_IMODE(log.stat().st_mode)
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with log.open("rb") as source, os.fdopen(descriptor, "wb") as target:
        source.seek(max(0, log.stat().st_size - most))
        shutil.copyfileobj(source, target)
