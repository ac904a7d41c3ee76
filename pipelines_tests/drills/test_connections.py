"""A server without a free session: reported in words, and made up for afterwards."""

import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg

from pipelines.postgres.roles import LOADER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import isobar
from pipelines_tests.sources.shipments.made_up import line, text_of

LINES = 50
STORED = "SELECT count(*) FROM shipments.shipments WHERE tracking_number LIKE 'TN00%'"


def test_a_command_without_a_free_session_fails_and_succeeds_later(
    state: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text_of([line(n) for n in range(LINES)]))
    server = EmbeddedPostgres(state).start()
    words = ("import", "shipments", str(file))
    with ExitStack() as sessions:
        for _ in range(2):  # also those that become free
            with suppress(psycopg.OperationalError):
                while True:
                    sessions.enter_context(psycopg.connect(server.url(LOADER, WAREHOUSE)))
            time.sleep(0.2)
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
