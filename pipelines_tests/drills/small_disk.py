"""A disk of a drill's own that is full when it says so. Mounting it requires root."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BALLAST = "ballast"
CHUNK = bytes(1 << 20)


class SmallDisk:
    """A file system in memory, of so many megabytes, mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no byte."""
        with (self.folder / BALLAST).open("ab", buffering=0) as ballast:
            for size in (len(CHUNK), 1):
                try:
                    while True:
                        ballast.write(CHUNK[:size])
                except OSError:
                    continue

    def make_room(self) -> None:
        (self.folder / BALLAST).unlink()


@contextmanager
def small_disk(beside: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Skips where this user may not mount, as root in many a container may not."""
    folder = Path(tempfile.mkdtemp(dir=beside))
    options = f"size={megabytes}m,mode=755"
    words = ["mount", "-t", "tmpfs", "-o", options, "isobar-drill", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this user may not mount a disk: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
