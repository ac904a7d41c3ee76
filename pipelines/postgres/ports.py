"""Free TCP ports on loopback."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import filelock


def free_port(preferred: int | None = None) -> int:
    """Return the preferred port if it is free, else one that the system picks."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            found: int = probe.getsockname()[1]
            return found
    raise OSError("no port is free on 127.0.0.1")


@contextmanager
def reserved_port(preferred: int) -> Iterator[int]:
    """Yield a free port, the preferred one if possible, and reserve it against other callers.

    A server listens only seconds after its port was chosen. Without the lock, two servers that
    start at the same time would choose the same port, and one would report the address of the
    other.
    """
    place = Path(tempfile.gettempdir()) / f"isobar-{os.getuid()}-port-{preferred}.lock"
    with ExitStack() as locks:
        try:
            locks.enter_context(filelock.FileLock(place, timeout=0))
            port = free_port(preferred)
        except filelock.Timeout:
            port = free_port()
        yield port
