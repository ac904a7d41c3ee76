"""A thousand schedules, each drawn by its seed: feeds, faults and kill -9, then nothing is missing.

ISOBAR_DRILL_SEED=7 plays the schedule of that seed alone.
"""

import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import EmbeddedPostgres
from pipelines.testing.databases import drop, make, new_folder
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.schedule import Schedule
from pipelines_tests.sources.flights.made_up import load_airports

ONE = os.environ.get("ISOBAR_DRILL_SEED")
SEEDS = [int(ONE)] if ONE else range(1000 if LONG else 10)
BLOCK = 25 if LONG else 5
BLOCKS = [SEEDS[first : first + BLOCK] for first in range(0, len(SEEDS), BLOCK)]
FLOWN = ["BUD", "LTN", "STN"]


@pytest.fixture(scope="module")
def killable() -> Iterator[EmbeddedPostgres]:
    """A server of the worker's own. What it says is committed survives its death."""
    folder = new_folder()
    server = EmbeddedPostgres(folder)
    url = server.start().url(SUPERUSER, "postgres")
    with psycopg.connect(url, autocommit=True) as postgres:
        for setting in ("fsync", "full_page_writes"):
            postgres.execute(f"ALTER SYSTEM SET {setting} = off")  # no power cut, only kills
        postgres.execute("SELECT pg_reload_conf()")
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def copied(server: EmbeddedPostgres, template: str = "template1") -> Iterator[str]:
    """Copy a database, and drop the copy: a killed server may have moved to another port."""
    name = make(server.start(), template)
    try:
        yield name
    finally:
        drop(server.start(), name)


@pytest.fixture(scope="module")
def with_airports(killable: EmbeddedPostgres) -> Iterator[str]:
    """The name of a migrated database that has the airports, most of them removed again."""
    with copied(killable) as name:
        migrate(killable.start().url(SUPERUSER, name))
        store = Warehouse(killable.start().url(LOADER, name))
        load_airports(store)
        store.dispose()
        url = killable.start().url(SUPERUSER, name)
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("DELETE FROM flights.airports WHERE airport_code <> ALL(%s)", (FLOWN,))
        yield name


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", BLOCKS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_whatever_befalls_runs_nothing_is_lost_doubled_or_miscounted(
    killable: EmbeddedPostgres, with_airports: str, tmp_path: Path, seeds: list[int]
) -> None:
    found = [failed for seed in seeds if (failed := play(seed, killable, with_airports, tmp_path))]
    assert found == [], "\n\n".join(found)


def play(seed: int, server: EmbeddedPostgres, template: str, folder: Path) -> str | None:
    """Play the schedule of a seed; return a failure with its course and how to replay it."""
    with copied(server, template) as database:
        schedule = Schedule(seed, server, database, folder)
        try:
            schedule.play()
        except Exception:  # noqa: BLE001 - the others are played too
            report = "\n".join([*schedule.plot, "", traceback.format_exc()])
            again = f'ISOBAR_DRILL_SEED={seed} make drills ARGS="-k seeded"'
            return f"seed {seed}; see it again with {again}\n{report}"
        finally:
            schedule.close()
        print(f"seed {seed}\n" + "\n".join(schedule.plot))  # noqa: T201 - shown by -s
    return None
