"""Runs with a gigabyte of memory: large files pass, too large an answer is reported in words."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pipelines.config import Settings
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.runtime.bootstrap import prepare_dagster_home
from pipelines_tests.command import PROJECT, environment, isobar
from pipelines_tests.databases import made
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.warm_runs import run_at_once
from pipelines_tests.fake_source import FakeSource, document
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.flights import made_up as flights
from pipelines_tests.sources.shipments import made_up as shipments

GIGABYTE = 1 << 30
EVENTS = 2_000_000 if LONG else 200_000
LINES = 300_000 if LONG else 20_000
#: 64 MB of JSON, four times what the source has ever sent in a year.
ITINERARIES = 200_000


def load_measured(server: Connections, database: str, source: str, file: Path) -> dict[str, float]:
    """Load a file in a process limited to a gigabyte; return its measurements."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE))

    url = server.url(LOADER, database)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.taking", url, source, file],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def test_a_large_booking_file_loads_within_a_gigabyte(
    server: Connections, database: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "bookings.csv"
    file.write_text(bookings.text_of(bookings.event(n, hotel_id=n % 50) for n in range(EVENTS)))
    measured = load_measured(server, database, "bookings", file)
    assert measured["loaded"] == EVENTS
    assert measured["megabytes"] < 600
    assert owner.execute("SELECT count(*) FROM bookings.events").fetchone() == (EVENTS,)


def test_a_large_shipment_file_loads_within_a_gigabyte(
    server: Connections, database: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "shipments.csv"
    file.write_text(shipments.text_of([shipments.line(n // 3, sku=n % 3) for n in range(LINES)]))
    measured = load_measured(server, database, "shipments", file)
    assert measured["loaded"] == LINES
    assert measured["megabytes"] < 600
    assert owner.execute("SELECT count(*) FROM shipments.articles").fetchone() == (LINES,)


@pytest.mark.skipif(not LONG, reason="the answer costs the time of the long form")
def test_a_response_above_the_memory_limit_fails_until_raised(
    server: Connections, database: str, source: FakeSource, sandbox_url: str, tmp_path: Path
) -> None:
    legs = [flights.leg(n) for n in range(ITINERARIES)]
    offers = [flights.itinerary(n, [n]) for n in range(ITINERARIES)]
    source.will(document(flights.flights_document(offers, legs)))
    with made(server) as storage, psycopg.connect(server.url(SUPERUSER, database)) as owner:
        owner.autocommit = True
        variables = environment(
            tmp_path,
            ISOBAR_SOURCES="live",
            FLIGHTS_URL=source.url,
            WEATHER_BASE_URL=sandbox_url,
            GEOCODING_BASE_URL=sandbox_url,
            ISOBAR_SCHEDULES=os.devnull,
            DATABASE_URL=server.url(SUPERUSER, database),
            DAGSTER_POSTGRES_URL=server.url(SUPERUSER, storage),
            DAGSTER_HOME=str(tmp_path / "dagster"),
        )
        assert isobar(tmp_path, "migrate", **variables).returncode == 0
        variables |= prepare_dagster_home(Settings.from_environment(variables))
        stored = "SELECT count(*) FROM flights.itineraries"
        for most, count in ((GIGABYTE, 0), (None, ITINERARIES)):
            ((is_good, words),) = run_at_once(variables, ["flights"], tmp_path, most_bytes=most)
            assert is_good == (most is None), words
            assert owner.execute(stored).fetchone() == (count,)
            if most is not None:
                assert "out of memory, nothing was written" in words
                assert "what to do: Let it have more" in words
