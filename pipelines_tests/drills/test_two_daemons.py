"""Two daemons by mistake on one instance: every file is still loaded once, and none is left."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pipelines.config import PROJECT
from pipelines.postgres.roles import DAGSTER
from pipelines_tests.command import environment
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.system import HOTEL, STORED, System

FILES, LINES = 40, 20
SCHEDULES = """
[schedules.each_minute]
job = "weather"
cron = "* * * * *"
"""
OF_TICKS = """
SELECT tags.value, count(*) FROM runs INNER JOIN run_tags AS tags USING (run_id)
WHERE tags.key = '.dagster/scheduled_execution_time'
    AND run_id IN (SELECT run_id FROM run_tags WHERE value = 'each_minute')
GROUP BY tags.value
"""
AT_ONCE = """
SELECT one.pipeline_name FROM runs AS one INNER JOIN runs AS other
    ON one.pipeline_name = other.pipeline_name AND one.id < other.id
    AND one.start_time < other.end_time AND other.start_time < one.end_time
WHERE one.pipeline_name IN ('bookings', 'shipments', 'solar')
"""
#: As dagster.yaml says.
MAX_RUNS = 6
UNDER_WAY = "SELECT count(*) FROM runs WHERE status IN ('STARTING', 'STARTED', 'CANCELING')"


#: As `isobar serve daemon`, which would have a code server at a port.
SECOND = """
import os
from pipelines.config import Settings
from pipelines.runtime import bootstrap, dagster_processes

settings = Settings.current()
command = dagster_processes.daemon(settings.state / "workspace.yaml")
os.execve(command[0], command, os.environ | bootstrap.prepare_dagster_home(settings))
"""


def second_daemon(system: System) -> "subprocess.Popen[bytes]":
    """A second daemon on the same storage and code server, past the lock of `isobar ui`."""
    with (system.state / "second.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", SECOND],
            env=environment(system.state, ISOBAR_SCHEDULES=""),
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@pytest.mark.skipif(not LONG, reason="it takes many minutes: make drills")
@pytest.mark.timeout(1800)
def test_two_daemons_load_every_file_once_and_both_log_it(state: Path) -> None:
    system = System(state, SCHEDULES)
    most: Counter[str] = Counter()

    def is_done() -> bool:
        most["under way"] = max(most["under way"], system.query(UNDER_WAY, database=DAGSTER)[0][0])
        return bool(system.delivered("twice") == expected)

    expected = [
        ("bookings", FILES, FILES, FILES * LINES, FILES * LINES),
        ("shipments", FILES, FILES, FILES * LINES, FILES * LINES),
    ]
    try:
        system.wait_until(lambda: system.query("SELECT 1 FROM solar.syncs"), "the system is up")
        second = second_daemon(system)
        try:
            warned = [state / "daemon.log", state / "second.log"]
            system.wait_until(
                lambda: any("is still sending heartbeats" in log.read_text() for log in warned),
                "Dagster says that there are two",
            )
            for number in range(FILES):
                system.drop_both("twice", number, LINES)
                time.sleep(0.5)
            system.wait_until(is_done, "all files are loaded")
            system.wait_until(
                lambda: len(system.query(OF_TICKS, database=DAGSTER)) >= 2, "two minutes tick"
            )
            system.wait_until(system.is_at_rest, "all runs ended well")
        finally:
            second.terminate()
            second.wait(300)
        stored = system.query(STORED, HOTEL, HOTEL, "TWICE%")
        of_ticks = dict(system.query(OF_TICKS, database=DAGSTER))
        at_once = system.query(AT_ONCE, database=DAGSTER)
    finally:
        said = system.stop()
    print(f"{of_ticks}, at once {at_once}, {dict(most)}\n{said}")  # noqa: T201 - shown by -s
    assert stored == [(FILES * LINES,) * 3]
    assert set(of_ticks.values()) <= {1, 2}  # of two runs for a minute one finds nothing to do
    assert most["under way"] <= MAX_RUNS
