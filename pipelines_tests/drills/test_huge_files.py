"""Files of booking events that are far larger than memory is meant to be, packed or not."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import PROJECT
from pipelines_tests.drills.form import LONG
from pipelines_tests.sources.bookings.made_up import event, text_of

HUGE = {
    "a line of 1 GB": (b"", 0),
    "a gz of 2 GB of bad lines": (b"1,2,3\n", 2_000_000_000),
    "a gz of 2 GB of nothing": (b"\n", 2_000_000_000),
    "a gz of 1 GB of the same line": (f"{','.join(map(str, event(1).values()))}\n".encode(), 10**9),
}
LOAD = """
import pathlib, sys
from benchmarks.report import peak_megabytes
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings.made_up import deliver_file
try:
    deliver_file(Warehouse(sys.argv[1]), pathlib.Path(sys.argv[2]))
except Exception as error:
    print(type(error).__name__, peak_megabytes())
"""


@pytest.mark.parametrize("kind", HUGE if LONG else [*HUGE][:2])
def test_huge_content_is_rejected_with_little_memory(
    warehouse: Warehouse, tmp_path: Path, kind: str
) -> None:
    """In a process of its own, whose peak is known."""
    header = text_of([event(1)]).splitlines()[0].encode() + b"\n"
    file = tmp_path / "huge.csv"
    line, size = HUGE[kind]
    if size == 0:
        file.write_bytes(header)
        with file.open("r+b") as opened:
            opened.truncate(1_000_000_000)  # the file system keeps no zeros
    else:
        block = line * (8_000_000 // len(line))
        file.write_bytes(gzip.compress(header) + gzip.compress(block) * (size // len(block)))
    url = warehouse.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, url, str(file)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    error, megabytes = done.stdout.split()
    # Of a file with too many bad lines, some are kept.
    assert error == ("RejectedDelivery" if line == b"1,2,3\n" else "PermanentFailure")
    assert float(megabytes) < 500
