"""Clocks that are set back an hour, ahead a day and back again: the database's, and ours."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.http.client import HttpClient
from pipelines.ingest.deliveries import unbalanced
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings import Settings
from pipelines.sources.bookings.client import EventsClient
from pipelines.sources.bookings.polling import poll
from pipelines.sources.solar.sandbox.sun import readings
from pipelines.sources.solar.sync import Sync
from pipelines.sources.solar.windows import DAY, Depth, history_from
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.databases import made
from pipelines_tests.drills import loads
from pipelines_tests.drills.loads import DEADLOCKS, LOADS
from pipelines_tests.drills.moved_clock import MOVED_NOW
from pipelines_tests.drills.test_deleted_plants import STORED
from pipelines_tests.fake_clock import MORNING, FakeClock
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.solar import made_up as solar
from pipelines_tests.sources.weather.site import Present

HOUR = dt.timedelta(hours=1)
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


def test_a_clock_one_day_ahead_does_not_leave_weather_stale(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    """Neither after an answer in that day, nor after a run that was killed in it."""
    clock = FakeClock()
    site = Present(warehouse, owner, clock)
    provider = site.provider()
    site.add_places(3)
    site.fetch(provider)
    clock.pass_by(days=1)
    site.fetch(provider)
    clock.pass_by(days=-1, minutes=10)
    assert site.due() == 0  # an answer of ten minutes ago is kept
    clock.pass_by(hours=1, minutes=50)
    assert site.due() == 3
    assert site.fetch(provider).succeeded == 3
    clock.pass_by(hours=-3)
    assert site.due() == 3
    site.fetch(provider)
    clock.pass_by(days=1)
    with pytest.raises(KeyboardInterrupt):
        site.fetch(site.provider(KeyboardInterrupt()))  # type: ignore[arg-type]
    clock.pass_by(days=-1, hours=2, minutes=5)
    assert site.due() == 3
    assert site.fetch(provider).succeeded == 3
    assert site.due() == 0


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
                assert synced.answers or not synced.problems, synced.problems
        for _ in range(2):
            true.pass_by(days=1)
            ours.now = true.now
            assert [one.problem for one in Sync(warehouse, client, depth, ours).plants()] == [None]
    first, last = history_from(true.now.date(), depth), true.now.date() - DAY
    stored = [row for row in owner.execute(STORED, (plant,)) if row[0].date() >= first]
    assert stored == [one for one in readings(1, plant, first, last) if one.at.date() <= last]


def test_events_are_all_read_though_our_clock_was_wrong_meanwhile(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    true, ours = FakeClock(), FakeClock()
    http = HttpClient("bookings", "BOOKINGS_EVENTS_URL")
    with sandbox_server(now=true) as url:
        client = EventsClient(f"{url}/events", http)
        for jump in JUMPS:
            true.pass_by(hours=2)
            ours.now = true.now + jump
            assert poll(warehouse, client, Settings(), run_id=None, clock=ours)[1] is None
        true.pass_by(hours=2)
        ours.now = true.now
        assert poll(warehouse, client, Settings(), run_id=None, clock=ours)[1] is None
        expected = {
            event["id"]
            for page in client.pages(None)
            for event in page.events
            if isinstance(event, dict)
        }
    stored = {row[0] for row in owner.execute("SELECT event_id FROM bookings.events")}
    assert {int(one) for one in expected if str(one).isdigit()} <= stored
    assert max(row for (row,) in owner.execute("SELECT event_at FROM bookings.events")) <= true.now
    assert true.now > MORNING
