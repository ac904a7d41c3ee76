"""Dagster's storage in a real PostgreSQL: its sessions are kept, and replaced when they break."""

from collections.abc import Iterator

import dagster as dg
import psycopg
import pytest

from pipelines.config import Settings
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.runtime.bootstrap import prepare_dagster_home, prepare_dagster_storage
from pipelines.runtime.storage import KEPT_SESSIONS
from pipelines.source import SecretStr, SourceSettings, secret_text

SESSIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


@pytest.fixture
def instance(
    server: Connections, empty_database: str, state: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    url = server.url(SUPERUSER, empty_database)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    prepare_dagster_storage(Settings.current())
    for name, value in prepare_dagster_home(Settings.current()).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.get() as found:
        yield found


@pytest.fixture
def watcher(server: Connections, empty_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url(SUPERUSER, empty_database), autocommit=True) as connection:
        yield connection


def sessions(watcher: psycopg.Connection) -> set[int]:
    return {pid for (pid,) in watcher.execute(SESSIONS, [watcher.info.dbname])}


def test_questions_share_few_sessions(
    instance: dg.DagsterInstance, watcher: psycopg.Connection
) -> None:
    instance.get_runs_count()
    before = sessions(watcher)
    for _ in range(20):
        instance.get_runs(limit=1)
        instance.get_daemon_statuses()
        instance.all_instigator_state()
    assert 1 <= len(before) <= KEPT_SESSIONS
    assert sessions(watcher) == before


def test_sessions_that_a_restarted_server_ended_are_replaced(
    instance: dg.DagsterInstance, watcher: psycopg.Connection
) -> None:
    assert instance.get_runs_count() == 0
    for pid in sessions(watcher):
        watcher.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert instance.get_runs_count() == 0


class Careless(SourceSettings, env_prefix="CARELESS_"):
    token: SecretStr | None = secret_text("Its token.")


def test_a_secret_that_a_plug_in_logs_raises_and_tags_is_stored_nowhere(
    instance: dg.DagsterInstance, watcher: psycopg.Connection
) -> None:
    secret = 'sk-very-secret"\\'
    variables = {"ISOBAR_SOURCES": "live", "CARELESS_TOKEN": secret}
    settings = Careless.load(Settings.from_environment(variables), "careless")
    assert settings.token is not None
    assert settings.token.get_secret_value() == secret

    @dg.op
    def careless(context: dg.OpExecutionContext) -> None:
        context.log.warning("%s", settings)
        context.instance.add_run_tags(context.run_id, {"token": str(settings.token)})
        raise ValueError(f"401 for {settings.token}, {settings.model_dump()}")

    @dg.job
    def hostile() -> None:
        careless()

    outcome = hostile.execute_in_process(instance=instance, raise_on_error=False)
    assert not outcome.success
    assert "401 for **********" in str(instance.all_logs(outcome.run_id))
    tables = watcher.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables.fetchall():
        rows = watcher.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
        assert "very-secret" not in str(rows), table
