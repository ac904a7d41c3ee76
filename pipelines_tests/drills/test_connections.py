"""A server without a free session: reported in words, and made up for afterwards."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from pipelines.failures import TransientFailure
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import LOADER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.testing.fake_source import FakeSource, document
from pipelines_tests.command import isobar
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.machines import wait_until
from pipelines_tests.served_ui import start
from pipelines_tests.sources.flights.made_up import flights_document
from pipelines_tests.sources.shipments.made_up import line, text_of

LINES = 50
STORED = "SELECT count(*) FROM shipments.shipments WHERE tracking_number LIKE 'TN00%'"


@contextmanager
def none_left(server: Connections, database: str, role: str = LOADER) -> Iterator[None]:
    """Occupy all sessions that the role may have, also those that become free."""
    with ExitStack() as sessions:
        for _ in range(2):
            with suppress(psycopg.OperationalError):
                while True:
                    sessions.enter_context(psycopg.connect(server.url(role, database)))
            time.sleep(0.2)
        yield


def test_a_migration_without_a_free_session_fails_with_a_message(
    server: Connections, database: str
) -> None:
    url = server.url(SUPERUSER, database)
    with none_left(server, database, SUPERUSER), pytest.raises(TransientFailure) as caught:
        migrate(url)
    assert "migrating gave up" in caught.value.problem
    assert "End sessions of others" in caught.value.remedy
    migrate(url)


@pytest.mark.parametrize("role", [LOADER, *([SUPERUSER] if LONG else [])])
def test_a_command_without_a_free_session_fails_and_succeeds_later(
    state: Path, tmp_path: Path, role: str
) -> None:
    """Those that are kept for superusers are left, or not even they."""
    file = tmp_path / "a.csv"
    file.write_text(text_of([line(n) for n in range(LINES)]))
    server = EmbeddedPostgres(state).start()
    words = ("import", "shipments", str(file))
    with none_left(server, WAREHOUSE, role):
        began = time.monotonic()
        done = isobar(state, *words, ISOBAR_SOURCES="live")
        assert time.monotonic() - began < 300
    assert done.returncode == 1, done.stdout
    assert "End sessions of others" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    again = isobar(state, *words, ISOBAR_SOURCES="live")
    assert again.returncode == 0, again.stderr + again.stdout
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE)) as owner:
        assert owner.execute(STORED).fetchone() == (LINES,)


@pytest.mark.skipif(not LONG, reason="the complete platform costs the time of the long form")
def test_daemons_survive_exhausted_sessions_and_load_the_backlog(
    state: Path, source: FakeSource, sandbox_url: str
) -> None:
    source.will(document(flights_document()))
    inbox = state / "drop"
    inbox.mkdir()
    serving = start(
        state,
        ISOBAR_SOURCES="live",
        FLIGHTS_URL=source.url,
        WEATHER_BASE_URL=sandbox_url,
        GEOCODING_BASE_URL=sandbox_url,
        SHIPMENTS_INBOX=str(inbox),
        ISOBAR_SCHEDULES=os.devnull,
    )
    server = EmbeddedPostgres(state).start()
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE), autocommit=True) as owner:
        with none_left(server, WAREHOUSE, SUPERUSER):
            (inbox / "a.csv").write_text(text_of([line(n) for n in range(LINES)]))
            time.sleep(45)  # longer than a tick of each sensor
            assert serving.process.poll() is None
            assert owner.execute(STORED).fetchone() == (0,)
        wait_until(lambda: owner.execute(STORED).fetchone() == (LINES,), "the file is loaded", 300)
    serving.stop()
