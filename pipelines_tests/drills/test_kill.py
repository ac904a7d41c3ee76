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
from pipelines.testing.fake_source import FakeSource, document
from pipelines_tests.command import begin, isobar
from pipelines_tests.drills.form import LONG
from pipelines_tests.sources.bookings.made_up import event as booking_event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.flights.made_up import flights_document
from pipelines_tests.sources.shipments.made_up import line, text_of

STORED = {
    "flights": "SELECT count(*), sum(price_amount)::text, count(DISTINCT route)"
    " FROM enriched.itineraries",
    "bookings": "SELECT coalesce(sum(bookings), 0)::integer, count(*), 0"
    " FROM metrics.hotel_bookings_by_event_day",
    "shipments": "SELECT count(*), sum(article_count),"
    " count(*) FILTER (WHERE status = 'delivery') FROM enriched.shipments",
}
LEDGER = """
SELECT read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries
WHERE feed = %s AND read_count < 1000 ORDER BY name
"""
RUNS = "SELECT status FROM runs WHERE pipeline_name = %s ORDER BY id"
#: Sessions of the platform wait for each other's locks for a moment too; those do not count.
WAITING_FOR_THIS_SESSION = (
    "SELECT count(DISTINCT pid) FROM pg_locks"
    " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)
SLOTS = "SELECT count(*) FROM concurrency_slots WHERE run_id IS NOT NULL"


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


def deliver(source: FakeSource, inbox: Path) -> dict[str, str]:
    """Have every source send something; return where it is found."""
    source.will(document(flights_document()))
    first = [line(n, sku=sku) for n in range(50) for sku in "AB"]
    later = [line(n, status="delivery") for n in range(0, 60, 2)]
    (inbox / "shipments").mkdir()
    for number, lines in enumerate((first, later)):
        file = inbox / "shipments" / f"{number}.csv"
        file.write_text(text_of(lines))
        os.utime(file, (1_700_000_000 + number,) * 2)
    (inbox / "bookings").mkdir()
    events = [booking_event(number) for number in range(300)]
    (inbox / "bookings" / "events.csv").write_text(text_of_events(events))
    return {
        "ISOBAR_SOURCES": "live",
        "FLIGHTS_URL": source.url,
        "BOOKINGS_INBOX": str(inbox / "bookings"),
        "SHIPMENTS_INBOX": str(inbox / "shipments"),
    }


RUN, SERVER = ("run",), ("server",)
OF_FLIGHTS = ((2, "125.50", 2), [(5, 5, 0, 0)])
OF_BOOKINGS = ((300, 1, 0), [(300, 300, 0, 0)])
OF_SHIPMENTS = ((55, 105 + 25, 30), [(100, 100, 0, 0), (30, 30, 0, 0)])
#: A job, the table at which it is stopped, what is killed, and what is stored in the end.
Kill = tuple[str, str, tuple[str, ...], Any]
#: The short form kills a run of two sources, while it loads and while it counts, and a server.
KILLS: list[Kill] = [
    ("flights", "flights.prices", SERVER, OF_FLIGHTS),
    ("shipments", "ops.inbox_files", RUN, OF_SHIPMENTS),
    ("bookings", "bookings.events", RUN, OF_BOOKINGS),
    ("bookings", "metrics.hotel_bookings_by_stay_night", RUN, OF_BOOKINGS),
]
MORE_KILLS: list[Kill] = [
    ("flights", "flights.prices", RUN, OF_FLIGHTS),
    ("flights", "flights.prices", RUN + SERVER, OF_FLIGHTS),
    ("shipments", "shipments.articles", RUN, OF_SHIPMENTS),
]


@pytest.mark.parametrize(
    ("job", "table", "victims", "expected"), KILLS + (MORE_KILLS if LONG else [])
)
def test_kill_9_while_loading_or_counting_loses_and_doubles_nothing(
    state: Path,
    source: FakeSource,
    tmp_path: Path,
    job: str,
    table: str,
    victims: tuple[str, ...],
    expected: tuple[tuple[Any, ...], list[tuple[int, ...]]],
) -> None:
    """DEF E52, E58: what came from the queue, or behind the watermark, was lost by a crash."""
    variables = deliver(source, tmp_path)
    server = EmbeddedPostgres(state)
    connections = server.start()
    blocker = psycopg.connect(connections.url(SUPERUSER, WAREHOUSE))
    blocker.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
    run = begin_and_wait(blocker, state, "run", job, **variables)
    if "run" in victims:
        run.kill()
    if "server" in victims:
        os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    output, _ = run.communicate(timeout=300)
    blocker.close()
    if victims == SERVER:
        assert run.returncode == 1
        assert "what to do:" in output
        assert "Traceback" not in output
    time.sleep(0.5)  # the sessions of the dead let go
    with psycopg.connect(server.start().url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        stored = connection.execute(STORED[job]).fetchone() or (None,)
        assert stored[0] == 0, "a part of the load was committed"
        for _ in range(2):
            again = isobar(state, "run", job, **variables)
            assert again.returncode == 0, again.stdout + again.stderr
            assert connection.execute(STORED[job]).fetchone() == expected[0]
            assert connection.execute(LEDGER, [job]).fetchall() == expected[1]
    with psycopg.connect(connections.url(DAGSTER, DAGSTER)) as storage:
        statuses = storage.execute(RUNS, [job]).fetchall()[-3:]
        assert statuses == [("FAILURE",), ("SUCCESS",), ("SUCCESS",)], "the killed one has failed"
        assert storage.execute(SLOTS).fetchone() == (0,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_terminated_run_stops_cleanly_and_leaves_no_process(
    state: Path, source: FakeSource, number: signal.Signals
) -> None:
    source.will(document(flights_document()))
    connections = EmbeddedPostgres(state).start()
    with psycopg.connect(connections.url(SUPERUSER, WAREHOUSE)) as blocker:
        blocker.execute("LOCK TABLE flights.prices")
        live = {"ISOBAR_SOURCES": "live", "FLIGHTS_URL": source.url}
        run = begin_and_wait(blocker, state, "run", "flights", **live)
        run.send_signal(number)
        time.sleep(0.5)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 130, "stopped by Ctrl-C"
    assert "Traceback" not in output
    assert "stopped by a signal" in output
    with psycopg.connect(connections.url(DAGSTER, DAGSTER)) as storage:
        query = "SELECT status FROM runs WHERE pipeline_name = 'flights'"
        ((status,),) = storage.execute(query).fetchall()
    assert status == "CANCELED", "a person stopped it: no failure to report"


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
