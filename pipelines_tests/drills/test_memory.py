"""Large files load in a process with a gigabyte of memory, and absurd ones are rejected in less."""

import gzip
import json
import resource
import sys
from pathlib import Path

import psycopg
import pytest

from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import executed
from pipelines_tests.drills.form import LONG
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.shipments import made_up as shipments

GIGABYTE = 1 << 30
EVENTS = 2_000_000 if LONG else 100_000
LINES = 300_000 if LONG else 20_000


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE))


@pytest.mark.parametrize("source", ["bookings", "shipments"])
def test_a_large_file_loads_within_a_gigabyte(
    server: Connections, database: str, owner: psycopg.Connection, tmp_path: Path, source: str
) -> None:
    file = tmp_path / "large.csv"
    if source == "bookings":
        events = (bookings.event(n, hotel_id=n % 50) for n in range(EVENTS))
        file.write_text(bookings.text_of(events))
        count, table = EVENTS, "bookings.events"
    else:
        file.write_text(
            shipments.text_of([shipments.line(n // 3, sku=n % 3) for n in range(LINES)])
        )
        count, table = LINES, "shipments.articles"
    words = ("-m", "benchmarks.one_load", server.url(LOADER, database), source, file)
    done = executed(sys.executable, *words, preexec_fn=limit)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["loaded"] == count
    assert measured["megabytes"] < 600
    assert owner.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (count,)


#: More than what is allowed of memory.
SIZE = 2_000_000_000 if LONG else 600_000_000
HUGE = {
    "a line": b"",
    "a gz of bad lines": b"1,2,3\n",
    "a gz of nothing": b"\n",
    "a gz of the same line": f"{','.join(map(str, bookings.event(1).values()))}\n".encode(),
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
    header = bookings.text_of([bookings.event(1)]).splitlines()[0].encode() + b"\n"
    file = tmp_path / "huge.csv"
    line = HUGE[kind]
    if not line:
        file.write_bytes(header)
        with file.open("r+b") as opened:
            opened.truncate(SIZE)  # the file system keeps no zeros
    else:
        block = line * (8_000_000 // len(line))
        file.write_bytes(gzip.compress(header) + gzip.compress(block) * (SIZE // len(block)))
    url = warehouse.engine.url.render_as_string(hide_password=False)
    done = executed(sys.executable, "-c", LOAD, url, file, check=True)
    error, megabytes = done.stdout.split()
    # Of a file with too many bad lines, some are kept.
    assert error == ("RejectedDelivery" if line == b"1,2,3\n" else "PermanentFailure")
    assert float(megabytes) < 500
