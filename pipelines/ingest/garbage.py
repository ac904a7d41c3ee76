"""Python's collector of reference cycles, kept from searching where there are none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_cycle_collection() -> Iterator[None]:
    """Pause the collector while a document is read.

    Its records are hundreds of thousands of objects without a cycle among them, and each full
    collection visits all of them: a third of the time that reading takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
