"""Settings of the built-in server that follow from the machine: memory, processors, disk.

It shares the machine with runs, the web UI and its owner's other programs, so that it takes an
eighth of the memory for itself. Limits of a container count, too. The formulas are those that
PostgreSQL's documentation recommends, for an SSD.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB, GIB = 2**20, 2**30
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """What a server may use: memory in bytes, processors, free disk space in bytes."""

    memory: int
    cores: int
    disk_free: int


def this_machine(folder: Path) -> Machine:
    """Return what this process may use, and the disk of the nearest existing parent of a folder."""
    place = next(one for one in (folder, *folder.parents) if one.exists())
    limits = [psutil.virtual_memory().total]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # of cgroups, version 2 and 1
        limits += _numbers(CGROUP / name)[:1]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if len(quota := _numbers(CGROUP / "cpu.max")) == 2:
        cores = min(cores or 1, max(1, round(quota[0] / quota[1])))
    return Machine(
        memory=min(limits),
        cores=cores or 1,
        disk_free=psutil.disk_usage(str(place)).free,
    )


def settings_for(machine: Machine) -> dict[str, str]:
    """Return the settings of a server for a machine, by name."""
    memory, cores = machine.memory, machine.cores
    wal = _between(1 * GIB, min(memory // 4, machine.disk_free // 10), 16 * GIB)
    return {
        "shared_buffers": _mib(_between(128 * MIB, memory // 8, 8 * GIB)),
        "effective_cache_size": _mib(_between(256 * MIB, memory // 2, 256 * GIB)),
        "work_mem": _mib(_between(4 * MIB, memory // 384, 64 * MIB)),
        "maintenance_work_mem": _mib(_between(64 * MIB, memory // 32, 1 * GIB)),
        "max_wal_size": _mib(wal),
        "max_worker_processes": str(max(8, cores)),
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(_between(1, cores // 2, 4)),
        "max_parallel_maintenance_workers": str(_between(1, cores // 2, 4)),
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
    }


def _numbers(file: Path) -> list[int]:
    """Return the whole numbers in a file; none if it does not exist or says `max`."""
    words = file.read_text().split() if file.is_file() else []
    return [int(word) for word in words if word.isdigit()] if "max" not in words else []


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))


def _mib(size: int) -> str:
    return f"{size // MIB}MB"
