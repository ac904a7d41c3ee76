"""The built-in server's size follows from the memory, and a laptop stays usable."""

import pytest

from pipelines.postgres.sizing import GIB, MIB, settings_for


@pytest.mark.parametrize("memory", [1 * GIB, 16 * GIB, 512 * GIB])
def test_a_machine_has_room_for_more_than_the_server(memory: int) -> None:
    sized = {name: int(size.removesuffix("MB")) for name, size in settings_for(memory).items()}
    assert 128 <= sized["shared_buffers"] <= memory // MIB // 8
    # Six runs at once, each with a few sorts.
    assert sized["shared_buffers"] + 24 * sized["work_mem"] <= memory // MIB // 2
