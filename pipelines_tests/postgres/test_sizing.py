"""The built-in server's size follows from the machine, and a laptop stays usable."""

import pytest

from pipelines.postgres.sizing import GIB, MIB, Machine, settings_for

SMALLEST = Machine(memory=1 * GIB, cores=1, disk_free=20 * GIB)
LAPTOP = Machine(memory=16 * GIB, cores=8, disk_free=100 * GIB)
LARGE = Machine(memory=512 * GIB, cores=64, disk_free=4096 * GIB)


def mib(size: str) -> int:
    return int(size.removesuffix("MB"))


@pytest.mark.parametrize("machine", [SMALLEST, LAPTOP, LARGE])
def test_a_machine_has_room_for_more_than_the_server(machine: Machine) -> None:
    sized = settings_for(machine)
    memory = machine.memory // MIB
    assert mib(sized["shared_buffers"]) <= memory // 8
    # Six runs at once, each with a few sorts.
    assert mib(sized["shared_buffers"]) + 24 * mib(sized["work_mem"]) <= memory // 2
    assert mib(sized["max_wal_size"]) <= max(1024, machine.disk_free // MIB // 10)
    assert int(sized["max_parallel_workers_per_gather"]) <= max(1, machine.cores // 2)


def test_more_memory_gives_other_settings() -> None:
    small, large = settings_for(SMALLEST), settings_for(LARGE)
    assert (small["shared_buffers"], large["shared_buffers"]) == ("128MB", "8192MB")
    assert (small["max_parallel_workers"], large["max_parallel_workers"]) == ("1", "64")
