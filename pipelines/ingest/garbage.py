"""Pause Python's cyclic garbage collector while large documents are parsed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_cycle_collection() -> Iterator[None]:
    """Pause the collector while a document is parsed.

    Its records are hundreds of thousands of objects without reference cycles. Each full collection
    visits all of them, which takes a third of the parsing time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
