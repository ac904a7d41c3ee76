"""More work than the machine can do: every due run ends well, late, and none is given up."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.postgres.roles import DAGSTER
from pipelines_tests.drills.system import System
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.shipments.made_up import line, text_of

NEIGHBOURS, FILES, APART_SECONDS = 20, 6, 10
SCHEDULES = '[schedules.each_minute]\njob = "weather"\ncron = "* * * * *"\n'
LOADED = "SELECT count(*) FROM ops.deliveries WHERE name LIKE 'late%'"
NOT_WELL = "SELECT pipeline_name, status FROM runs WHERE status IN ('FAILURE', 'CANCELED')"
SLOWEST = "SELECT max(to_timestamp(start_time) - create_timestamp AT TIME ZONE 'UTC') FROM runs"


@pytest.fixture
def neighbours() -> Iterator[None]:
    """Others on the same cores, who are always busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while 1: 1"]) for _ in range(NEIGHBOURS)]
    yield
    for one in busy:
        one.kill()
        one.wait()


@pytest.mark.timeout(900)
def test_beside_twenty_busy_processes_every_run_ends_well(
    state: Path, request: pytest.FixtureRequest
) -> None:
    system = System(state, SCHEDULES)
    try:
        system.wait_until(lambda: system.query("SELECT 1 FROM solar.syncs"), "the system is up")
        system.wait_until(system.is_at_rest, "its first runs are done")
        request.getfixturevalue("neighbours")
        for number in range(FILES):
            events = [event(10**9 + number, hotel_id=90_000)]
            lines = [line(tracking_number=f"LATE{number}")]
            (state / "inbox" / "bookings" / f"late{number}.csv").write_text(text_of_events(events))
            (state / "inbox" / "shipments" / f"late{number}.csv").write_text(text_of(lines))
            time.sleep(APART_SECONDS)
        system.wait_until(lambda: system.query(LOADED) == [(2 * FILES,)], "all files are loaded")
        system.wait_until(system.is_at_rest, "all runs ended")
        print("slowest start:", system.query(SLOWEST, database=DAGSTER))  # noqa: T201 - shown by -s
        assert system.query(NOT_WELL, database=DAGSTER) == []
        assert system.is_clean()
    finally:
        system.stop()
