"""Clocks that are set back an hour, ahead a day and back again: the database's, and ours."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.ingest.deliveries import unbalanced
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar.sandbox.sun import readings
from pipelines.sources.solar.sync import Sync
from pipelines.sources.solar.windows import DAY, Depth, history_from
from pipelines.testing.databases import made
from pipelines.testing.fake_clock import FakeClock
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills import loads
from pipelines_tests.drills.loads import DEADLOCKS, LOADS
from pipelines_tests.drills.test_deleted_plants import STORED
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.solar import made_up as solar

HOUR = dt.timedelta(hours=1)
#: Calls of both are replaced by their bodies when a statement is planned, in views and defaults
#: too.
MOVED_NOW = """
CREATE SCHEMA drill;
GRANT USAGE ON SCHEMA drill TO public;
CREATE TABLE drill.clock (shift interval NOT NULL);
INSERT INTO drill.clock VALUES ('0');
CREATE FUNCTION drill.present() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = drill
AS 'SELECT transaction_timestamp() + shift FROM drill.clock';
CREATE FUNCTION drill.wall() RETURNS timestamptz
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = drill
AS 'SELECT statement_timestamp() + shift FROM drill.clock';
CREATE OR REPLACE FUNCTION pg_catalog.now() RETURNS timestamptz
LANGUAGE sql STABLE AS 'SELECT drill.present()';
CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz
LANGUAGE sql VOLATILE AS 'SELECT drill.wall()';
"""
#: What is added to the true time, one after the other.
JUMPS = [0 * HOUR, -HOUR, -HOUR, 24 * HOUR, -2 * HOUR, 24 * HOUR, -48 * HOUR, 0 * HOUR]
FLIPPED = """
SELECT (SELECT array_agg(DISTINCT status) FROM shipments.shipments WHERE carrier = 'FLIP'),
    (SELECT count(*) FROM shipments.articles WHERE carrier = 'FLIP')
"""


@pytest.fixture
def steady(server: Connections, template: str) -> Iterator[tuple[Warehouse, psycopg.Connection]]:
    """Another database, whose clock is right."""
    with (
        made(server, template) as name,
        psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner,
    ):
        store = Warehouse(server.url(LOADER, name))
        yield store, owner
        store.dispose()


def load_all(store: Warehouse, number: int, folder: Path) -> None:
    """The deliveries of all domains, and a file that says one thing and the other in turns."""
    for load in LOADS.values():
        load(store, number, folder)
    status = "delivery" if number % 2 else "in-transit"
    lines = [shipments.line(n, carrier="FLIP", status=status) for n in range(20)]
    shipments.deliver(store, folder, lines, "flip.csv")


def test_loads_do_not_depend_on_the_database_clock(
    owner: psycopg.Connection,
    warehouse: Warehouse,
    steady: tuple[Warehouse, psycopg.Connection],
    tmp_path: Path,
) -> None:
    owner.execute(MOVED_NOW.encode())
    for session in (owner, steady[1]):
        loads.prepare(session)
    for number, jump in enumerate([*JUMPS, *JUMPS[:1]]):
        owner.execute("UPDATE drill.clock SET shift = %s", (jump,))
        load_all(warehouse, number, tmp_path)
        load_all(steady[0], number, tmp_path)
        expected = (["delivery" if number % 2 else "in_transit"], 20)
        assert owner.execute(FLIPPED).fetchone() == expected, f"after {JUMPS[: number + 1]}"
    assert loads.rows(owner) == loads.rows(steady[1])
    assert owner.execute(DEADLOCKS).fetchone() == (0,)
    with warehouse.engine.connect() as connection:
        for domain in LOADS:
            assert unbalanced(connection, domain) == []


def test_plants_are_synced_completely_despite_a_wrong_local_clock(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    """The service's own clock is right all the time."""
    plant = solar.register(owner).plant_id
    true, ours, depth = FakeClock(), FakeClock(), Depth(1, 1)
    with sandbox_server(now=true) as url:
        client = solar.client_of(f"{url}/solar")
        for jump in JUMPS:
            true.pass_by(hours=5)
            ours.now = true.now + jump
            for synced in Sync(warehouse, client, depth, ours).plants([plant]):
                assert synced.responses or not synced.problems, synced.problems
        for _ in range(2):
            true.pass_by(days=1)
            ours.now = true.now
            assert [one.problem for one in Sync(warehouse, client, depth, ours).plants()] == [None]
    first, last = history_from(true.now.date(), depth), true.now.date() - DAY
    stored = [row for row in owner.execute(STORED, (plant,)) if row[0].date() >= first]
    assert stored == [one for one in readings(1, plant, first, last) if one.at.date() <= last]
