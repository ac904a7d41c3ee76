"""A server without a free session: reported in words, and made up for afterwards."""

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
from pipelines_tests.command import isobar
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
    assert "too many" in caught.value.problem or "slots" in caught.value.problem
    migrate(url)


def test_a_command_without_a_free_session_fails_and_succeeds_later(
    state: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text_of([line(n) for n in range(LINES)]))
    server = EmbeddedPostgres(state).start()
    words = ("import", "shipments", str(file))
    with none_left(server, WAREHOUSE):
        began = time.monotonic()
        done = isobar(state, *words, ISOBAR_SOURCES="live")
        assert time.monotonic() - began < 300
    assert done.returncode == 1, done.stdout
    assert "what to do" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    again = isobar(state, *words, ISOBAR_SOURCES="live")
    assert again.returncode == 0, again.stderr + again.stdout
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE)) as owner:
        assert owner.execute(STORED).fetchone() == (LINES,)
