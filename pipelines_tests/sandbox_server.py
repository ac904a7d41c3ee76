"""The sandbox's app behind a real web server on loopback, in a thread of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.sandbox.app import build_app
from pipelines.testing.sandboxes import served


@contextmanager
def sandbox_server(**options: Any) -> Iterator[str]:
    """Serve `build_app(**options)`; gives its address."""
    with served(build_app(**options)) as url:
        yield url
