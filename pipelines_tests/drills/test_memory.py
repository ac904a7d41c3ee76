"""Large files load in a process with a gigabyte of memory."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines_tests.command import PROJECT
from pipelines_tests.drills.form import LONG
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.shipments import made_up as shipments

GIGABYTE = 1 << 30
EVENTS = 2_000_000 if LONG else 200_000
LINES = 300_000 if LONG else 20_000


def load_measured(server: Connections, database: str, source: str, file: Path) -> dict[str, float]:
    """Load a file in a process limited to a gigabyte; return its measurements."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE))

    url = server.url(LOADER, database)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.one_load", url, source, file],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


@pytest.mark.parametrize(
    ("source", "lines", "count", "table"),
    [
        (
            "bookings",
            lambda: bookings.text_of(bookings.event(n, hotel_id=n % 50) for n in range(EVENTS)),
            EVENTS,
            "bookings.events",
        ),
        (
            "shipments",
            lambda: shipments.text_of([shipments.line(n // 3, sku=n % 3) for n in range(LINES)]),
            LINES,
            "shipments.articles",
        ),
    ],
)
def test_a_large_file_loads_within_a_gigabyte(
    server: Connections,
    database: str,
    owner: psycopg.Connection,
    tmp_path: Path,
    source: str,
    lines: Callable[[], str],
    count: int,
    table: str,
) -> None:
    (tmp_path / "large.csv").write_text(lines())
    measured = load_measured(server, database, source, tmp_path / "large.csv")
    assert measured["loaded"] == count
    assert measured["megabytes"] < 600
    assert owner.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (count,)
