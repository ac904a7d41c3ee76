"""Free TCP ports on loopback."""

import socket
from contextlib import suppress


def free_port(preferred: int | None = None) -> int:
    """Return the preferred port if it is free, else one that the system picks."""
    for port in (preferred or 0, 0):
        with suppress(OSError, OverflowError), socket.create_server(("127.0.0.1", port)) as probe:
            return int(probe.getsockname()[1])
    raise OSError("no port is free on 127.0.0.1")
