"""Eight runs of the same jobs at once, past the queue that would let in one: as if one had run."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.config import Settings
from pipelines.ingest.deliveries import unbalanced
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.runtime.bootstrap import prepare_dagster_home
from pipelines.sources.bookings.sandbox import event_files
from pipelines.sources.shipments import sandbox
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import environment, isobar
from pipelines_tests.databases import made
from pipelines_tests.drills import loads
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.loads import DEADLOCKS, LEFT_OVER
from pipelines_tests.drills.noted_sources import Sources
from pipelines_tests.drills.warm_runs import run_at_once

AT_ONCE = 8
JOBS = ["solar", *(["bookings", "flights", "shipments", "weather"] if LONG else [])]
PLANTS = 5 if LONG else 1
UNFINISHED = "SELECT pipeline_name, status FROM runs WHERE status <> 'SUCCESS'"
SLOTS = "SELECT count(*) FROM concurrency_slots WHERE run_id IS NOT NULL"


@pytest.fixture
def sources() -> Iterator[tuple[Sources, str]]:
    noted = Sources()
    with noted.served(seed=1, fault_rate=0.0) as url:
        noted.calm_down()
        yield noted, url


def test_eight_runs_at_once_are_as_one(
    server: Connections,
    template: str,
    sources: tuple[Sources, str],
    tmp_path: Path,
) -> None:
    noted, url = sources
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    event_files.write_files(tmp_path / "inbox" / "bookings", yesterday, 1)
    sandbox.write_files(tmp_path / "inbox" / "shipments", yesterday, 1)
    stored, requested = [], []
    for count in (1, AT_ONCE):
        noted.good.clear()
        noted.observed.clear()
        with made(server, template) as name, made(server) as storage:
            variables = environment(
                tmp_path,
                ISOBAR_SANDBOX_URL=url,
                ISOBAR_SCHEDULES=os.devnull,
                SYNC_UNTIL_YEAR="1",
                DATABASE_URL=server.url(SUPERUSER, name),
                DAGSTER_POSTGRES_URL=server.url(SUPERUSER, storage),
                DAGSTER_HOME=str(tmp_path / "dagster"),
            )
            done = isobar(tmp_path, "migrate", **variables)
            assert done.returncode == 0, done.stderr
            variables |= prepare_dagster_home(Settings.from_environment(variables))
            with psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner:
                loads.prepare(owner, PLANTS)
                for is_good, words in run_at_once(variables, JOBS, tmp_path, count=count):
                    assert is_good, words
                stored.append(loads.rows(owner))
                check_nothing_is_left(owner, server, name)
            with psycopg.connect(server.url(SUPERUSER, storage)) as dagster:
                assert dagster.execute(UNFINISHED).fetchall() == []
                assert dagster.execute(SLOTS).fetchone() == (0,)
            requested.append({path: len(times) for path, times in noted.good.items()})
            assert all(len(times) == 1 for times in noted.observed.values())
    alone, together = requested
    assert stored[0] == stored[1]
    assert together["/solar"] == alone["/solar"], "each window is requested once"
    for path, times in together.items():
        assert times <= AT_ONCE * alone[path], path


def check_nothing_is_left(owner: psycopg.Connection, server: Connections, name: str) -> None:
    assert owner.execute(LEFT_OVER).fetchall() == []
    assert owner.execute(DEADLOCKS).fetchone() == (0,)
    store = Warehouse(server.url(SUPERUSER, name))
    with store.engine.connect() as connection:
        for source in ("bookings", "solar", "flights", "shipments"):
            assert unbalanced(connection, source) == []
    store.dispose()
