"""kill -9 in the middle of a load: of the run, of the server, of both. Then `isobar run` again.

A lock of the test stops the load between its first write and its commit.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import begin, isobar
from pipelines_tests.databases import WAITING_FOR_THIS_SESSION
from pipelines_tests.fake_source import FakeSource, document
from pipelines_tests.sources.bookings.made_up import event as booking_event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.flights.made_up import flights_document
from pipelines_tests.sources.shipments.made_up import line, text_of
from pipelines_tests.states import new_folder

ROWS = """
SELECT itinerary_id, price_amount, route FROM enriched.itineraries ORDER BY 1
"""
LEDGER = """
SELECT source, read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries
ORDER BY 1
"""


def stored(state: Path) -> list[list[Any]]:
    with psycopg.connect(EmbeddedPostgres(state).start().url(SUPERUSER, WAREHOUSE)) as connection:
        return [connection.execute(query).fetchall() for query in (ROWS, LEDGER)]


def run_until_it_waits(
    state: Path, url: str, blocker: psycopg.Connection, **variables: str
) -> "subprocess.Popen[str]":
    """Begin a run and return when it waits for the blocker's lock, its first rows written."""
    variables |= {"ISOBAR_SOURCES": "live", "FLIGHTS_URL": url}
    return begin_and_wait(blocker, state, "run", "flights", **variables)


def begin_and_wait(
    blocker: psycopg.Connection, state: Path, *words: str, **variables: str
) -> "subprocess.Popen[str]":
    """Begin a command and return when it waits for the blocker's lock."""
    run = begin(state, *words, **variables)
    deadline = time.monotonic() + 300
    while blocker.execute(WAITING_FOR_THIS_SESSION).fetchone() == (0,):
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline, "the run never waited"
        time.sleep(0.05)
    return run


@pytest.mark.parametrize("victims", [("run",), ("server",), ("run", "server")])
def test_kill_9_during_a_load_leaves_all_or_nothing(
    state: Path, source: FakeSource, sandbox_url: str, victims: tuple[str, ...]
) -> None:
    live = {"ISOBAR_SOURCES": "live", "FLIGHTS_URL": source.url, "WEATHER_BASE_URL": sandbox_url}
    source.will(document(flights_document()))
    server = EmbeddedPostgres(state)
    connections = server.start()
    blocker = psycopg.connect(connections.url(SUPERUSER, WAREHOUSE))
    blocker.execute("LOCK TABLE flights.prices")
    run = run_until_it_waits(state, source.url, blocker)
    if "run" in victims:
        run.kill()
    if "server" in victims:
        postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
    output, _ = run.communicate(timeout=300)
    blocker.close()
    if victims == ("server",):
        assert run.returncode == 1
        assert "what to do:" in output
        assert "Traceback" not in output
    time.sleep(0.5)  # the sessions of the dead let go
    with psycopg.connect(server.start().url(SUPERUSER, WAREHOUSE)) as connection:
        (left,) = connection.execute("SELECT count(*) FROM flights.legs").fetchone() or ()
    assert left == 0, "a part of the load was committed"
    again = isobar(state, "run", "flights", **live)
    assert again.returncode == 0, again.stdout + again.stderr
    undisturbed = new_folder()
    assert isobar(undisturbed, "run", "flights", **live).returncode == 0
    assert stored(state) == stored(undisturbed)
    EmbeddedPostgres(undisturbed).stop()


@pytest.mark.parametrize("table", ["shipments.articles", "ops.inbox_files"])
def test_kill_9_during_an_import_leaves_files_complete_or_unloaded(
    state: Path, tmp_path: Path, table: str
) -> None:
    first = [line(n, sku=sku) for n in range(50) for sku in "AB"]
    later = [line(n, status="delivery") for n in range(0, 60, 2)]
    for number, lines in enumerate((first, later)):
        file = tmp_path / f"{number}.csv"
        file.write_text(text_of(lines))
        os.utime(file, (1_700_000_000 + number,) * 2)
    variables = {"ISOBAR_SOURCES": "live", "SHIPMENTS_INBOX": str(tmp_path)}
    connections = EmbeddedPostgres(state).start()
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE)) as blocker:
        blocker.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        run = begin_and_wait(blocker, state, "run", "shipments", **variables)
        run.kill()
        run.communicate()
    time.sleep(0.5)  # the session of the dead lets go
    query = "SELECT count(*) FROM shipments.shipments"
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        assert connection.execute(query).fetchone() == (0,)
        isobar(state, "run", "shipments", **variables)
        stored = connection.execute(
            "SELECT count(*), sum(article_count), count(*) FILTER (WHERE status = 'delivery')"
            " FROM enriched.shipments"
        ).fetchone()
        ledger = connection.execute(
            "SELECT name, read_count, loaded_count, unchanged_count FROM ops.deliveries"
            " WHERE source = 'shipments' ORDER BY name"
        ).fetchall()
    assert stored == (55, 105 + 25, 30)
    assert ledger == [("0.csv", 100, 100, 0), ("1.csv", 30, 30, 0)]


@pytest.mark.answers("E52", "E58")
@pytest.mark.parametrize("table", ["bookings.events", "metrics.hotel_bookings_by_stay_night"])
def test_kill_9_while_loading_or_counting_loses_and_doubles_nothing(
    state: Path, tmp_path: Path, table: str
) -> None:
    """DEF E52, E58: what came from the queue, or behind the watermark, was lost by a crash."""
    events = [booking_event(number) for number in range(300)]
    (tmp_path / "events.csv").write_text(text_of_events(events))
    variables = {"ISOBAR_SOURCES": "live", "BOOKINGS_INBOX": str(tmp_path)}
    connections = EmbeddedPostgres(state).start()
    counted = "SELECT coalesce(sum(bookings), 0) FROM metrics.hotel_bookings_by_event_day"
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE)) as blocker:
        blocker.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        run = begin_and_wait(blocker, state, "run", "bookings", **variables)
        run.kill()
        run.communicate()
    time.sleep(0.5)  # the session of the dead lets go
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        assert connection.execute(counted).fetchone() == (0,)
        for _ in range(2):
            isobar(state, "run", "bookings", **variables)
            assert connection.execute(counted).fetchone() == (300,)
        ledger = connection.execute(
            "SELECT read_count, loaded_count FROM ops.deliveries WHERE source = 'bookings'"
        ).fetchall()
    assert ledger == [(300, 300)]


def test_the_next_run_fails_a_killed_one_freeing_its_slot(state: Path, source: FakeSource) -> None:
    source.will(document(flights_document()))
    connections = EmbeddedPostgres(state).start()
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE)) as blocker:
        blocker.execute("LOCK TABLE flights.snapshots")
        run = run_until_it_waits(state, source.url, blocker)
        run.kill()
        run.communicate()
    assert isobar(state, "run", "flights", FLIGHTS_URL=source.url).returncode == 0
    with psycopg.connect(connections.url(DAGSTER, DAGSTER)) as storage:
        statuses = storage.execute(
            "SELECT status FROM runs WHERE pipeline_name = 'flights' ORDER BY id"
        ).fetchall()
        slots = storage.execute(
            "SELECT count(*) FROM concurrency_slots WHERE run_id IS NOT NULL"
        ).fetchone()
    assert statuses == [("FAILURE",), ("SUCCESS",)]
    assert slots == (0,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_terminated_run_stops_cleanly_and_leaves_no_process(
    state: Path, source: FakeSource, number: signal.Signals
) -> None:
    source.will(document(flights_document()))
    connections = EmbeddedPostgres(state).start()
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE)) as blocker:
        blocker.execute("LOCK TABLE flights.prices")
        run = run_until_it_waits(state, source.url, blocker)
        run.send_signal(number)
        time.sleep(0.5)
    output, _ = run.communicate(timeout=300)
    assert run.returncode != 0
    assert "Traceback" not in output
    with psycopg.connect(connections.url(DAGSTER, DAGSTER)) as storage:
        query = "SELECT status FROM runs WHERE pipeline_name = 'flights'"
        ((status,),) = storage.execute(query).fetchall()
    assert status in ("CANCELED", "FAILURE")


def test_a_killed_run_leaves_no_sandbox_behind(state: Path) -> None:
    connections = EmbeddedPostgres(state).start()
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE)) as blocker:
        blocker.execute("LOCK TABLE flights.prices")
        run = begin(state, "run")
        deadline = time.monotonic() + 300
        while not (children := psutil.Process(run.pid).children()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run.kill()
        run.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
