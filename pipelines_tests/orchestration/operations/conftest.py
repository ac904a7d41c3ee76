"""A real Dagster instance on a real PostgreSQL, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from sqlalchemy import make_url

from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.databases import made
from pipelines_tests.orchestration.operations.made_up import FakeReceiver, World


@pytest.fixture(scope="session")
def dagster_template(
    server: Connections, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database with Dagster's tables that others are copied from."""
    with made(server) as name:
        with open_instance(server, name, tmp_path_factory.mktemp("dagster")) as instance:
            assert instance.schedule_storage is not None
        yield name


@pytest.fixture
def instance(
    server: Connections, dagster_template: str, tmp_path: Path
) -> Iterator[dg.DagsterInstance]:
    with (
        made(server, dagster_template) as name,
        open_instance(server, name, tmp_path) as opened,
    ):
        yield opened


def open_instance(server: Connections, database: str, home: Path) -> dg.DagsterInstance:
    """An instance with the storage and the retries of dagster.yaml."""
    url = make_url(server.url(SUPERUSER, database)).set(drivername="postgresql+psycopg2")
    shown = url.render_as_string(hide_password=False)
    overrides = {
        "storage": {"postgres": {"postgres_url": shown}},
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "telemetry": {"enabled": False},
    }
    opened = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides))
    keep_connections(opened)
    return opened


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Have its storage keep connections, as the web server does: else each query opens one."""
    instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3_600, max_overflow=20)


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
