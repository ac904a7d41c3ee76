"""A real Dagster instance on a real PostgreSQL, emptied after each test."""

import shutil
from collections.abc import Iterator

import dagster as dg
import psycopg
import pytest
from dagster._core.instance.ref import InstanceRef
from sqlalchemy import make_url

from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines_tests.orchestration.operations.made_up import FakeReceiver, World

#: Tables that tests fill. The others hold how far Dagster's own migrations are.
FILLED = """
SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables
WHERE schemaname = 'public'
    AND tablename NOT IN ('alembic_version', 'secondary_indexes', 'instance_info')
"""


@pytest.fixture(scope="session")
def shared_instance(
    server: Connections, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dg.DagsterInstance]:
    """The instance of all tests: to open one takes longer than most of them."""
    with made(server) as name:
        url = make_url(server.url(SUPERUSER, name)).set(drivername="postgresql+psycopg2")
        shown = url.render_as_string(hide_password=False)
        retries = {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}
        overrides = {  # storage and retries are those of dagster.yaml
            "storage": {"postgres": {"postgres_url": shown}},
            "run_retries": retries,
            "telemetry": {"enabled": False},
        }
        home = str(tmp_path_factory.mktemp("dagster"))
        ref = InstanceRef.from_dir(home, overrides=overrides)
        with dg.DagsterInstance.from_ref(ref) as opened:
            # Its storage keeps connections, as the web server's: else each query opens one.
            opened.optimize_for_webserver(
                statement_timeout=60_000, pool_recycle=3_600, max_overflow=20
            )
            yield opened


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    yield shared_instance
    with psycopg.connect(storage_url(shared_instance), autocommit=True) as connection:
        (filled,) = connection.execute(FILLED).fetchone() or ("",)
        connection.execute("SET lock_timeout = '10s'")  # what a failed test left may hold one
        connection.execute(f"TRUNCATE {filled} RESTART IDENTITY")
    shutil.rmtree(shared_instance.storage_directory(), ignore_errors=True)


def storage_url(instance: dg.DagsterInstance) -> str:
    """The address of its database."""
    url: str = instance.event_log_storage.postgres_url  # type: ignore[attr-defined]
    return url.replace("+psycopg2", "")


@pytest.fixture
def world(instance: dg.DagsterInstance) -> World:
    """A small platform that does as the test says."""
    return World(instance)


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as fake:
        yield fake


@pytest.fixture
def other() -> Iterator[FakeReceiver]:
    """A second receiver."""
    with FakeReceiver() as fake:
        yield fake
