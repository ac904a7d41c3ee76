"""Settings of the built-in server that follow from the memory of the machine or its container.

It shares the machine with runs, the web UI and its owner's other programs, so that it takes an
eighth of the memory for itself.
"""

from pathlib import Path

import psutil

MIB, GIB = 2**20, 2**30
#: The limit of a container, in bytes, or `max`.
LIMIT = Path("/sys/fs/cgroup/memory.max")


def usable_memory() -> int:
    """Return the bytes of memory that this process may use."""
    limit = LIMIT.read_text().strip() if LIMIT.is_file() else ""
    total: int = psutil.virtual_memory().total
    return min(total, int(limit)) if limit.isdigit() else total


def settings_for(memory: int) -> dict[str, str]:
    """Return the settings of a server for a memory in bytes, by name."""
    sizes = {  # the least, a share of the memory, the most: what is between the others
        "shared_buffers": (128 * MIB, memory // 8, 8 * GIB),
        "effective_cache_size": (256 * MIB, memory // 2, 256 * GIB),
        "work_mem": (4 * MIB, memory // 384, 64 * MIB),
        "maintenance_work_mem": (64 * MIB, memory // 32, 1 * GIB),
        "max_wal_size": (1 * GIB, memory // 4, 4 * GIB),
    }
    return {name: f"{sorted(size)[1] // MIB}MB" for name, size in sizes.items()}
