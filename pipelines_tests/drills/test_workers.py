"""Runs on several machines by way of a real broker: spread, in turn, and once, whatever dies."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pipelines_tests.drills.machines import MISSING, Machines, redis_server, wait_until
from pipelines_tests.fake_source import FakeSource, document
from pipelines_tests.served_ui import today
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.flights.made_up import flights_document
from pipelines_tests.sources.shipments.made_up import line, text_of

LEDGER = """
SELECT name, read_count, loaded_count, unchanged_count + rejected_count
FROM ops.deliveries
WHERE source = %s AND name LIKE %s
ORDER BY name
"""
EVENTS = "SELECT count(*) FROM bookings.events WHERE hotel_id = %s"
COUNTED = "SELECT sum(bookings) FROM metrics.hotel_bookings(%s, 'year', 2022)"


@pytest.fixture(scope="module")
def flights() -> Iterator[FakeSource]:
    with FakeSource() as fake:
        yield fake.will(document(flights_document()))


@pytest.fixture(scope="module")
def opened(state_folder: Path, sandbox_url: str, flights: FakeSource) -> Iterator[Machines]:
    if redis_server() is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    folder = Path(tempfile.mkdtemp(dir=state_folder))
    folder.chmod(0o755)
    machines = Machines(folder, sandbox_url, flights.url)
    yield machines
    machines.stop()


@pytest.fixture
def machines(opened: Machines) -> Machines:
    """Two workers that are well, with one place each, and nothing to do."""
    opened.start_workers(2)
    opened.wait_for_rest()
    return opened


def events_of(hotel: int, first: int, count: int) -> str:
    return text_of_events(event(first + n, hotel_id=hotel) for n in range(count))


def stored(machines: Machines, hotel: int) -> tuple[int, int]:
    """Events of a hotel, and those that are counted."""
    with machines.connected() as connection:
        (events,) = connection.execute(EVENTS, [hotel]).fetchone() or (0,)
        (counted,) = connection.execute(COUNTED, [hotel]).fetchone() or (0,)
    return events, counted


def ledger(machines: Machines, source: str, names: str) -> list[tuple[str, int, int, int]]:
    with machines.connected() as connection:
        return connection.execute(LEDGER, [source, names]).fetchall()


def test_runs_spread_over_machines_but_serialise_per_source(
    machines: Machines,
) -> None:
    before = len(machines.runs("bookings"))
    with machines.blocked("bookings.events", "shipments.articles"):
        machines.drop("bookings", "spread1.csv", events_of(1, 1_000, 300))
        machines.drop("shipments", "spread.csv", text_of([line(1), line(2)]))
        machines.wait_for_waiting(2)
        time.sleep(1)  # what comes now is of a later second
        machines.drop("bookings", "spread2.csv", events_of(1, 1_300, 300))
        wait_until(lambda: len(machines.runs("bookings")) == before + 2, "a run for the second")
        (shipments,) = machines.runs("shipments")[-1:]
        first, second = machines.runs("bookings")[before:]
        assert machines.worker_of(first) != machines.worker_of(shipments)
        time.sleep(5)  # the queue is looked at every second
        assert machines.statuses("bookings")[before:] == ["STARTED", "QUEUED"]
    machines.wait_for_rest()
    first, second = machines.runs("bookings")[before:]
    assert (first.status, second.status) == ("SUCCESS", "SUCCESS")
    assert first.ended_at is not None
    assert second.began_at >= first.ended_at
    assert stored(machines, 1) == (600, 600)
    assert ledger(machines, "bookings", "spread%") == [
        ("spread1.csv", 300, 300, 0),
        ("spread2.csv", 300, 300, 0),
    ]
    assert ledger(machines, "shipments", "spread%") == [("spread.csv", 2, 2, 0)]


def test_a_dead_machines_run_is_redelivered_and_loads_once(
    machines: Machines,
) -> None:
    """Who lives keeps its run, though its process is none of the code server's machine."""
    machines.start_workers(3)
    with machines.blocked("shipments.articles"):
        with machines.blocked("bookings.events"):
            machines.drop("bookings", "dies.csv", events_of(2, 2_000, 300))
            machines.drop("shipments", "lives.csv", text_of([line(11), line(12)]))
            machines.wait_for_waiting(2)
            (dying,), (living,) = machines.runs("bookings")[-1:], machines.runs("shipments")[-1:]
            machines.worker_of(dying).die()
        before = len(machines.runs("bookings")) - 1
        wait_until(lambda: "SUCCESS" in machines.statuses("bookings")[before:], "another attempt")
        failed = machines.runs("bookings")[before]
        assert (failed.run_id, failed.status) == (dying.run_id, "FAILURE")
        assert "No worker has this run any more." in "\n".join(failed.output)
        assert machines.statuses("shipments")[-1] == "STARTED"
    machines.wait_for_rest()
    (lived,) = machines.runs("shipments")[-1:]
    assert (lived.run_id, lived.status) == (living.run_id, "SUCCESS")
    assert stored(machines, 2) == (300, 300)
    assert ledger(machines, "bookings", "dies%") == [("dies.csv", 300, 300, 0)]
    assert ledger(machines, "shipments", "lives%") == [("lives.csv", 2, 2, 0)]


def test_a_terminating_worker_finishes_its_run_and_accepts_no_other(
    machines: Machines,
) -> None:
    with machines.blocked("bookings.events"):
        machines.drop("bookings", "ends.csv", events_of(3, 3_000, 300))
        machines.wait_for_waiting(1)
        (run,) = machines.runs("bookings")[-1:]
        stopping = machines.worker_of(run)
        stopping.process.terminate()
        machines.drop("shipments", "meanwhile.csv", text_of([line(21)]))
        wait_until(
            lambda: ledger(machines, "shipments", "meanwhile%"), "the other executes its run"
        )
        assert stopping.process.poll() is None
        assert machines.statuses("bookings")[-1] == "STARTED"
    wait_until(lambda: stopping.process.poll() is not None, "it stops")
    assert stopping.process.returncode == 0
    machines.wait_for_rest()
    (ended,) = machines.runs("bookings")[-1:]
    assert (ended.run_id, ended.status) == (run.run_id, "SUCCESS")
    assert stored(machines, 3) == (300, 300)


def test_runs_survive_a_broker_outage_and_new_ones_start_afterwards(
    machines: Machines,
) -> None:
    with machines.blocked("bookings.events"):
        machines.drop("bookings", "goes_on.csv", events_of(4, 4_000, 300))
        machines.wait_for_waiting(1)
        (run,) = machines.runs("bookings")[-1:]
        machines.broker.kill()
        machines.drop("shipments", "away.csv", text_of([line(31)]))
        before = len(machines.runs("shipments"))
        wait_until(lambda: len(machines.runs("shipments")) == before + 1, "a run meanwhile")
        time.sleep(15)
        machines.broker.start()
        wait_until(lambda: ledger(machines, "shipments", "away%"), "a run by way of the new one")
        assert machines.statuses("bookings")[-1] == "STARTED"
    machines.wait_for_rest()
    (ended,) = machines.runs("bookings")[-1:]
    assert (ended.run_id, ended.status) == (run.run_id, "SUCCESS")
    assert machines.statuses("shipments")[before:] == ["SUCCESS"]
    assert stored(machines, 4) == (300, 300)


def test_a_terminated_run_stops_and_is_not_redelivered(
    machines: Machines, flights: FakeSource
) -> None:
    """Dagster's own launcher ends it as failed, and the daemon requeues it."""
    released = threading.Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        released.wait(300)
        handler.close_connection = True

    flights.will(hang)
    requested = len(flights.requests)
    machines.ui.begin_run("flights", today())
    wait_until(lambda: len(flights.requests) > requested, "it queries the source")
    (run,) = machines.runs("flights")[-1:]
    assert machines.stop_run(run) == {"__typename": "TerminateRunSuccess"}
    machines.wait_for_rest()
    released.set()
    time.sleep(15)  # the daemon looks every few seconds for runs to requeue
    (last,) = machines.runs("flights")[-1:]
    assert (last.run_id, last.status) == (run.run_id, "CANCELED")
