"""Runs on several machines by way of a real broker: spread, in turn, and once, whatever dies."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pipelines.testing.fake_source import Answer, FakeSource, document
from pipelines_tests.drills.machines import MISSING, Machines, Run, wait_until
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.flights.made_up import flights_document
from pipelines_tests.sources.shipments.made_up import line, text_of

LEDGER = """
SELECT name, read_count, loaded_count, unchanged_count + rejected_count
FROM ops.deliveries
WHERE feed = %s AND name LIKE %s
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
    if shutil.which("redis-server") is None:
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


def until(released: threading.Event) -> Answer:
    """Answer nothing, and hang up when it is released."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        released.wait(300)
        handler.close_connection = True

    return answer


def has_failed(machines: Machines, run: Run) -> bool:
    """Return whether a run was given up because no worker has it."""
    (found,) = [one for one in machines.runs(run.job) if one.run_id == run.run_id]
    given_up = "No worker has this run any more." in "\n".join(found.output)
    return found.status == "FAILURE" and given_up


def is_attempted_again(machines: Machines, run: Run) -> bool:
    """Return whether a later run of the job is under way; yet another may be queued behind it."""
    later = machines.runs(run.job)
    later = later[[one.run_id for one in later].index(run.run_id) + 1 :]
    return any(one.status == "STARTED" for one in later)


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


def test_runs_spread_over_machines_but_serialise_per_source(machines: Machines) -> None:
    before = len(machines.runs("bookings"))
    with machines.blocked("bookings.events", "shipments.articles"):
        machines.drop("bookings", "spread1.csv", events_of(1, 1_000, 300))
        machines.drop("shipments", "spread.csv", text_of([line(1), line(2)]))
        machines.wait_for_waiting(2)
        time.sleep(1)  # what comes now is of a later second
        machines.drop("bookings", "spread2.csv", events_of(1, 1_300, 300))
        (shipments,) = machines.runs("shipments")[-1:]
        (first,) = machines.runs("bookings")[before:]
        assert machines.worker_of(first) != machines.worker_of(shipments)
        time.sleep(5)  # the inbox is looked at every second
        assert machines.statuses("bookings")[before:] == ["STARTED"]
    wait_until(lambda: len(machines.runs("bookings")) == before + 2, "a run for the second")
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


def test_runs_of_dead_and_cut_off_machines_are_redelivered_and_load_once(
    machines: Machines, flights: FakeSource
) -> None:
    """A cut-off machine goes on with its run beside the next attempt. Who lives keeps its run."""
    machines.start_workers(5)
    released, requested = threading.Event(), len(flights.requests)
    flights.will(until(released))
    machines.ui.begin_run("flights")
    wait_until(lambda: len(flights.requests) > requested, "it queries the source")
    (living,) = machines.runs("flights")[-1:]
    with machines.blocked("shipments.articles", "bookings.events"):
        machines.drop("bookings", "dies.csv", events_of(2, 2_000, 300))
        machines.drop("shipments", "cut.csv", text_of([line(11), line(12)]))
        machines.wait_for_waiting(2)
        lost = machines.runs("bookings")[-1], machines.runs("shipments")[-1]
        dying, cut_off = (machines.worker_of(run) for run in lost)
        dying.die()
        cut_off.link.cut()
        wait_until(lambda: all(has_failed(machines, run) for run in lost), "both are given up")
        wait_until(
            lambda: all(is_attempted_again(machines, run) for run in lost),
            "another attempt of both",
        )
        assert cut_off.has(lost[1].pid)
        assert machines.statuses("flights")[-1] == "STARTED"
    flights.will(document(flights_document()))
    released.set()
    machines.wait_for_rest()
    cut_off.die()
    (lived,) = machines.runs("flights")[-1:]
    assert (lived.run_id, lived.status) == (living.run_id, "SUCCESS")
    assert stored(machines, 2) == (300, 300)
    assert ledger(machines, "bookings", "dies%") == [("dies.csv", 300, 300, 0)]
    assert ledger(machines, "shipments", "cut%") == [("cut.csv", 2, 2, 0)]


def test_a_terminating_worker_finishes_its_run_and_accepts_no_other(machines: Machines) -> None:
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


def test_runs_survive_a_broker_outage_and_new_ones_start_afterwards(machines: Machines) -> None:
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
    released, requested = threading.Event(), len(flights.requests)
    flights.will(until(released))
    machines.ui.begin_run("flights")
    wait_until(lambda: len(flights.requests) > requested, "it queries the source")
    (run,) = machines.runs("flights")[-1:]
    assert machines.stop_run(run) == {"__typename": "TerminateRunSuccess"}
    machines.wait_for_rest()
    released.set()
    time.sleep(15)  # the daemon looks every few seconds for runs to requeue
    (last,) = machines.runs("flights")[-1:]
    assert (last.run_id, last.status) == (run.run_id, "CANCELED")
