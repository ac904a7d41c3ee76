"""What tests share: a PostgreSQL of their own, a database for each test, a source to fetch from."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ |= {"ISOBAR_SCHEDULES": os.devnull, "ISOBAR_SOURCES": ""}  # a developer's have no say

import hypothesis  # noqa: F401 - pandera would import it in a thread, where Python 3.11 may fail
import psycopg
import pytest
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from pipelines.core.embedded_postgres import LOADER, SUPERUSER, Connections, EmbeddedPostgres
from pipelines.core.warehouse import Warehouse
from pipelines.flights import load
from pipelines.flights.client import packaged_airports
from pipelines.migrations.apply import migrate
from pipelines_tests.fake_source import FakeSource
from pipelines_tests.logins import prepare
from pipelines_tests.sandbox_server import sandbox_server

COSTLY = tuple(
    f"pipelines_tests/{place}"
    for place in (
        "browser/",
        "cookbook/",
        "drills/test_workers.py",
        "security/test_secrets.py",
        "status/test_command.py",
        "test_proxy.py",
        "test_replica.py",
        "test_serve.py",
        "test_tls.py",
        "test_ui.py",
        "test_upgrade.py",
    )
)
"""Tests that share a fixture that takes long to make."""


class CostlyTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Each of the costly in one worker, and them first; all others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for shared in COSTLY if nodeid.startswith(shared)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> CostlyTogether:
    return CostlyTogether(config, log)


@pytest.fixture(scope="session")
def state_folder() -> Iterator[Path]:
    """A folder that a system user may reach, which pytest's own are not when root runs them."""
    folder = Path(tempfile.mkdtemp(prefix="isobar-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(state_folder: Path) -> Iterator[Connections]:
    built_in = EmbeddedPostgres(state_folder / "shared")
    yield built_in.start()
    built_in.stop()


@pytest.fixture(scope="session")
def template(server: Connections) -> str:
    """The name of a migrated database that others are copied from."""
    _create_database(server, "template_isobar", None)
    migrate(server.url(SUPERUSER, "template_isobar"))
    return "template_isobar"


@pytest.fixture
def database(server: Connections, template: str) -> Iterator[str]:
    """The name of a fresh, migrated database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _create_database(server, name, template)
    yield name
    _drop_database(server, name)


@pytest.fixture
def guarded(server: Connections, database: str) -> str:
    """The fresh database with what a copied one lacks: its own rights and settings."""
    prepare(server.url(SUPERUSER, database))
    return database


@pytest.fixture
def empty_database(server: Connections) -> Iterator[str]:
    """The name of a fresh database with nothing in it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _create_database(server, name, None)
    yield name
    _drop_database(server, name)


@pytest.fixture
def warehouse(server: Connections, database: str) -> Iterator[Warehouse]:
    """The fresh database as runs see it."""
    opened = Warehouse(server.url(LOADER, database))
    yield opened
    opened.dispose()


@pytest.fixture
def owner(server: Connections, database: str) -> Iterator[psycopg.Connection]:
    """A connection to the fresh database that may do anything; each statement commits."""
    with psycopg.connect(server.url(SUPERUSER, database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def state(state_folder: Path) -> Iterator[Path]:
    """A state folder of the test's own, for commands; its server is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(dir=state_folder))
    folder.chmod(0o755)
    yield folder
    EmbeddedPostgres(folder).stop()


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """The imitated sources over HTTP, without faults."""
    with sandbox_server() as url:
        yield url


@pytest.fixture
def airports(warehouse: Warehouse) -> None:
    """The airports, loaded."""
    with warehouse.transaction("flights") as connection:
        load.load_airports(connection, *packaged_airports(), None)


@pytest.fixture
def source() -> Iterator[FakeSource]:
    with FakeSource() as fake:
        yield fake


def _create_database(server: Connections, name: str, template: str | None) -> None:
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


def _drop_database(server: Connections, name: str) -> None:
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
