"""Log files of long-running processes: their rotation, and what messages show of them."""

import os
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10_000_000
#: Characters of an output that a message shows.
MAX_SHOWN = 1_200


def rotate(log: Path, max_bytes: int = MAX_BYTES) -> bool:
    """Move the end of a log that is too long to `<log>.1`, which is replaced, and empty it.

    Returns whether it was rotated. Lines written meanwhile may be lost.
    """
    if not log.exists() or log.stat().st_size <= max_bytes:
        return False
    copy = log.with_name(f"{log.name}.1")
    with suppress(OSError), log.open("rb") as opened:  # on a full disk, emptying it matters more
        copy.unlink(missing_ok=True)
        copy.touch(log.stat().st_mode & 0o777, exist_ok=False)  # statements may have secrets
        opened.seek(max(0, log.stat().st_size - 2 * max_bytes))
        copy.write_bytes(opened.read())
    os.truncate(log, 0)
    return True


def shortened(text: str) -> str:
    """Return the first and the last lines of a long output: the cause may be in either."""
    text = text.strip()
    if len(text) <= MAX_SHOWN:
        return text
    head, last = text[: MAX_SHOWN // 2].rpartition("\n"), text[-MAX_SHOWN // 2 :].partition("\n")
    return f"{head[0] or head[2]}\n…\n{last[2] or last[0]}"
