"""Sockets of servers on this machine: whether one listens, and a private place for one."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The path of a Unix socket has at most 107 bytes on Linux and 103 on macOS; its folder less.
MAX_FOLDER_BYTES = 80


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a new folder for Unix sockets that only this user may enter; remove it at the end.

    It is not in the state folder, whose path may be too long, and which may be on a file system
    without sockets, such as a folder of the host in a container.
    """
    usual = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(
        prefix="isobar-",
        dir=usual if len(usual) <= MAX_FOLDER_BYTES else "/tmp",  # noqa: S108 - a new folder in it
        ignore_cleanup_errors=True,
    ) as folder:  # with rights for this user only
        yield Path(folder)


def is_listening(address: Path | int) -> bool:
    """Return whether somebody listens on a Unix socket, or on a port of 127.0.0.1."""
    family = socket.AF_INET if isinstance(address, int) else socket.AF_UNIX
    with socket.socket(family) as probe:
        probe.settimeout(1)
        try:
            probe.connect(("127.0.0.1", address) if isinstance(address, int) else str(address))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # a full queue: the server is busy
            return True
    return True
