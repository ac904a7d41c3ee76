"""A burst of files and plants on a running system: bounded runs and sessions, nothing lost."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.served_ui import start
from pipelines_tests.sources.shipments.made_up import line, text_of
from pipelines_tests.states import copied, load

FILES, LINES, PLANTS = 200, 20, 50
#: As dagster.yaml says.
MAX_RUNS = 6
#: As docs/operations.md says; the built-in server accepts 200.
MAX_SESSIONS = 60
UNDER_WAY = """
SELECT pipeline_name, count(*) FROM runs
WHERE status IN ('STARTING', 'STARTED', 'CANCELING')
GROUP BY pipeline_name
"""
SESSIONS = """
SELECT datname, count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
GROUP BY datname
"""
LEFT = """
SELECT
    %s - (SELECT count(*) FROM ops.deliveries WHERE source = 'shipments' AND name LIKE 'burst%%')
    + (SELECT count(*) FROM solar.plants LEFT JOIN solar.syncs USING (plant_id)
        WHERE plants.name LIKE 'burst%%' AND (syncs.ended_at IS NULL OR syncs.problem IS NOT NULL))
"""


def counted(connection: psycopg.Connection, query: str) -> Counter[str]:
    """Return the counts of the query by name."""
    return Counter({str(name): int(count) for name, count in connection.execute(query)})


@dataclass
class Seen:
    """The most that was seen at any look."""

    runs: int = 0
    of_a_job: Counter[str] = field(default_factory=Counter)
    sessions: int = 0
    of_a_database: Counter[str] = field(default_factory=Counter)

    def look(self, server: psycopg.Connection, storage: psycopg.Connection) -> None:
        runs, sessions = counted(storage, UNDER_WAY), counted(server, SESSIONS)
        self.runs = max(self.runs, runs.total())
        self.sessions = max(self.sessions, sessions.total())
        self.of_a_job |= runs
        self.of_a_database |= sessions


@pytest.fixture
def served() -> Iterator[Path]:
    """A state folder on which `isobar ui` runs."""
    with copied(load) as state:
        serving = start(state)
        yield state
        serving.stop()


def test_a_burst_of_files_respects_run_and_session_limits(
    served: Path, record_property: Callable[[str, object], None]
) -> None:
    connections = EmbeddedPostgres(served).start()
    inbox = served / "inbox" / "shipments"
    with (
        psycopg.connect(connections.url(SUPERUSER, WAREHOUSE), autocommit=True) as warehouse,
        psycopg.connect(connections.url(SUPERUSER, DAGSTER), autocommit=True) as storage,
    ):
        seen, began = Seen(), time.monotonic()
        for number in range(FILES):
            lines = [line(tracking_number=f"BURST{number}-{n}") for n in range(LINES)]
            (inbox / f".burst{number:03}").write_text(text_of(lines))
            (inbox / f".burst{number:03}").rename(inbox / f"burst{number:03}.csv")
            if number % (FILES // PLANTS) == 0:
                warehouse.execute(
                    "INSERT INTO solar.plants (name) VALUES (%s)", [f"burst {number}"]
                )
            seen.look(warehouse, storage)
        while warehouse.execute(LEFT, [FILES]).fetchone() != (0,):
            assert time.monotonic() - began < 240, warehouse.execute(LEFT, [FILES]).fetchone()
            seen.look(warehouse, storage)
            time.sleep(0.2)
        seconds = time.monotonic() - began
        stored = "SELECT count(*) FROM shipments.shipments WHERE tracking_number LIKE 'BURST%'"
        assert warehouse.execute(stored).fetchone() == (FILES * LINES,)
        of_jobs = counted(storage, "SELECT pipeline_name, count(*) FROM runs GROUP BY 1")
    record_property("burst", f"{seconds:.0f} s, {seen}, runs {of_jobs}")
    print(f"{seconds:.0f} s, {seen}, runs {of_jobs}")  # noqa: T201 - the figures of the documents
    assert seen.runs <= MAX_RUNS
    assert seen.of_a_job["shipments"] == seen.of_a_job["solar"] == 1
    assert seen.sessions <= MAX_SESSIONS
    assert of_jobs["shipments"] < FILES / 4, "files are loaded together, not by a run for each"
