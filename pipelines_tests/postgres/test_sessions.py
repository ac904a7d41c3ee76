"""Each session is what it must be, or an error, whatever is set or stands in between."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import text

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.migrations.apply import migrate
from pipelines.postgres.clients import connect
from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.runtime import storage
from pipelines.warehouse import connection as warehouse_connection
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import isobar
from pipelines_tests.sources.bookings.made_up import event, text_of

PGBOUNCER = shutil.which("pgbouncer")
needs_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None and not os.environ.get("CI"), reason="apt install pgbouncer"
)
#: Variables of libpq that somebody set for another server.
OF_OTHERS = {
    "PGTZ": "Asia/Tokyo",
    "PGDATESTYLE": "German",
    "PGSERVICE": "nothing",
    "PGHOSTADDR": "127.0.0.9",
    "PGTARGETSESSIONATTRS": "standby",
    "PGCLIENTENCODING": "LATIN1",
}


@contextmanager
def pooled(server: Connections, database: str, folder: Path) -> Iterator[str]:
    """Run a PgBouncer that ignores `options`; yields its address."""
    assert PGBOUNCER
    port = free_port()
    folder.chmod(0o755)
    file = folder / "pgbouncer.ini"
    file.write_text(
        f"""
        [databases]
        {database} = host=127.0.0.1 port={server.port} user={SUPERUSER} \
            password={server.passwords[SUPERUSER]}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = any
        pool_mode = session
        ignore_startup_parameters = options, extra_float_digits
        """.replace("\\\n", "").replace("            ", "")
    )
    file.chmod(0o644)
    words = ["-u", "nobody"] if os.getuid() == 0 else []
    with subprocess.Popen([PGBOUNCER, "-q", *words, str(file)]) as process:
        url = f"postgresql://{SUPERUSER}@127.0.0.1:{port}/{database}"
        try:
            for _ in range(100):
                try:
                    psycopg.connect(url, connect_timeout=5).close()
                    break
                except psycopg.OperationalError:
                    assert process.poll() is None, "PgBouncer ended"
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()


@needs_pgbouncer
def test_a_pooler_that_drops_the_options_is_named(
    server: Connections, database: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Incident: times were stored an hour late, and an analyst's DELETE succeeded."""
    owner.execute(f"ALTER DATABASE {database} SET timezone = 'Europe/Berlin'".encode())
    with pooled(server, database, tmp_path) as url, Warehouse(url) as store:
        for _ in range(2):
            with pytest.raises(PermanentFailure) as failed, store.transaction("bookings"):
                pass
            message = str(failed.value)
            assert "TimeZone is Europe/Berlin, not UTC" in message
            assert "role is isobar, not isobar_loader" in message
            assert "A pooler in between drops the startup parameter" in message
        with pytest.raises(PermanentFailure, match="pooler"):
            connect(url)
        with pytest.raises(PermanentFailure, match="pooler"):
            migrate(url)
        words = ("database", "psql", "--role", "analyst", "-c", "DELETE FROM ops.watermarks")
        rejected = isobar(tmp_path / "state", *words, DATABASE_URL=url, ISOBAR_SOURCES="live")
        assert rejected.returncode == 1
        assert "A pooler in between drops" in rejected.stderr


def test_a_variable_that_changes_sessions_is_named(
    server: Connections, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a server of one's own; those of the built-in one do not see it.

    Incident: a good file was rejected for letters that are not in Latin-1.
    """
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with Warehouse(server.url(LOADER, database)) as store, store.transaction("x") as connection:
        assert connection.execute(text("SELECT :word"), {"word": "Łódź"}).scalar_one() == "Łódź"
    for name, setting in (("PGTZ", "TimeZone"), ("PGDATESTYLE", "DateStyle")):
        with monkeypatch.context() as patch:
            patch.setenv(name, OF_OTHERS[name])
            with (
                Warehouse(server.url(LOADER, database)) as store,
                pytest.raises(PermanentFailure, match=f"(?s){setting} is .*Unset {name}"),
                store.transaction("bookings"),
            ):
                pass


def test_variables_do_not_reach_the_built_in_server(state: Path, tmp_path: Path) -> None:
    """Incident: with PGTZ set, all times were stored nine hours early, without a word."""
    file = tmp_path / "events.csv"
    times = ("2026-11-01T10:00:00Z", "2026-11-01 23:30:00")
    file.write_text(text_of([event(n, event_timestamp=at) for n, at in enumerate(times)]))
    done = isobar(state, "import", "bookings", str(file), **OF_OTHERS)
    assert done.returncode == 0, done.stderr
    stored = "SELECT event_at AT TIME ZONE 'UTC' FROM bookings.events ORDER BY 1"
    words = ("database", "psql", "--role", "analyst", "-At", "-c", stored)
    shown = isobar(state, *words, **OF_OTHERS)
    assert shown.stdout == "2026-11-01 10:00:00\n2026-11-01 23:30:00\n", shown.stderr


def test_dagsters_storage_is_in_utc_whatever_its_server_says(
    server: Connections, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url(SUPERUSER, empty_database).replace("postgresql:", "postgresql+psycopg2:")
    DagsterPostgresStorage(url, should_autocreate_tables=True)
    with psycopg.connect(server.url(SUPERUSER, empty_database), autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {empty_database} SET timezone = 'Asia/Tokyo'".encode())
    with storage._engine(url).connect() as connection:
        assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"
    storage._engine.cache_clear()
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    with pytest.raises(PermanentFailure, match="TimeZone is Asia/Tokyo"):
        storage._engine(url).connect()
    storage._engine.cache_clear()


def test_a_date_style_of_the_database_and_its_roles_changes_nothing(
    server: Connections, database: str, owner: psycopg.Connection
) -> None:
    """Incident: tracebacks in run, migrate and quarantine list, for ever."""
    for what in (f"DATABASE {database}", f"ROLE isobar IN DATABASE {database}"):
        owner.execute(f"ALTER {what} SET datestyle = 'German'".encode())
        owner.execute(f"ALTER {what} SET intervalstyle = 'sql_standard'".encode())
    url = server.url(SUPERUSER, database)
    migrate(url)
    with Warehouse(url) as store, store.transaction("bookings") as connection:
        query = text("SELECT now()::text ~ '^20..-', current_setting('DateStyle')")
        assert connection.execute(query).one() == (True, "ISO, YMD")


def test_a_load_does_not_wait_for_ever(
    server: Connections, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Incident: a forgotten psql held the lock of a source, which stopped silently."""
    limited = warehouse_connection.UNHURRIED.replace("lock_timeout=2min", "lock_timeout=200ms")
    assert limited != warehouse_connection.UNHURRIED
    monkeypatch.setattr(warehouse_connection, "UNHURRIED", limited)
    lock = "SELECT pg_advisory_lock(hashtextextended('isobar load bookings', 0))"
    with psycopg.connect(server.url(SUPERUSER, database)) as someone:
        someone.execute(lock)
        with (
            Warehouse(server.url(SUPERUSER, database)) as store,
            pytest.raises(TransientFailure, match="due to lock timeout"),
            store.transaction("bookings"),
        ):
            pass
