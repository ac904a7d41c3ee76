"""Shared fixtures: a PostgreSQL server, a database for each test, a source to fetch from."""

import functools
import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines_tests.others import others

os.environ |= {
    "ISOBAR_SCHEDULES": os.devnull,
    "ISOBAR_SOURCES": "",
    "ISOBAR_DISABLE_SOURCES": others(),
}  # a developer's have no say

import dagster as dg
import psycopg
import pytest
from alembic.script import ScriptDirectory
from xdist.scheduler import LoadScopeScheduling

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.sources.flights import client
from pipelines.testing.databases import made, new_folder
from pipelines.testing.fake_source import FakeSource
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import states
from pipelines_tests.logins import prepare
from pipelines_tests.packages import installed, wheel  # noqa: F401 - fixtures
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.sources.flights.made_up import load_airports
from pipelines_tests.states import SHARED
from pipelines_tests.stored import Stored

#: Tests of the platform as people start it, with servers and commands that tests share.
SYSTEM = tuple(
    f"pipelines_tests/{place}"
    for place in (
        "browser/",
        "examples/test_dbt.py",
        "postgres/test_server.py",
        "security/test_secrets.py",
        "status/test_command.py",
        "test_proxy.py",
        "warehouse/test_replica.py",
        "runtime/test_dagster_commands.py",
        "runtime/test_serve.py",
        "warehouse/test_tls.py",
        "runtime/test_ui.py",
        "warehouse/test_upgrade.py",
    )
)
#: Fixtures that start the platform as people do.
STATES = {"state", "empty_state"}
DRILLS = "pipelines_tests/drills/"
#: Tests that share an expensive fixture.
COSTLY = (*SYSTEM, "pipelines_tests/cookbook/", "pipelines_tests/work/", f"{DRILLS}test_workers.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test` leaves to `make system` and `make drills`."""
    for item in items:
        if item.nodeid.startswith(DRILLS):
            item.add_marker("drill")
        elif item.nodeid.startswith(SYSTEM) or STATES & {*getattr(item, "fixturenames", ())}:
            item.add_marker("system")


class CostlyTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Each of the costly in one worker, and them first; all others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for shared in COSTLY if nodeid.startswith(shared)), nodeid)


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over what imports and collection made: it all stays."""
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> CostlyTogether:
    return CostlyTogether(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of state folders that all workers copy."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = str(new_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True)


@pytest.fixture(scope="session")
def state_folder() -> Iterator[Path]:
    """A folder that a system user may reach."""
    folder = new_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(isobar_server: Connections) -> Connections:
    """The server of the contract kit, too: each worker starts one."""
    return isobar_server


@pytest.fixture(scope="session")
def template(isobar_template: str) -> str:
    """The name of a migrated database that others are copied from."""
    return isobar_template


@pytest.fixture
def database(server: Connections, template: str) -> Iterator[str]:
    """The name of a fresh, migrated database."""
    with made(server, template) as name:
        yield name


@pytest.fixture
def guarded(server: Connections, database: str) -> str:
    """The fresh database with what a copied one lacks: its own rights and settings."""
    prepare(server.url(SUPERUSER, database))
    return database


@pytest.fixture
def empty_database(server: Connections) -> Iterator[str]:
    with made(server) as name:
        yield name


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
def stored(warehouse: Warehouse, owner: psycopg.Connection) -> Stored:
    """The fresh database, as runs fill it and as the test reads it."""
    return Stored(warehouse, owner)


@pytest.fixture
def empty_state() -> Iterator[Path]:
    """A state folder of the test's own with nothing in it, for commands."""
    folder = new_folder()
    yield folder
    EmbeddedPostgres(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder of the test's own, with an empty database, for commands."""
    with states.copied(states.migrate) as folder:
        yield folder


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """The simulated sources over HTTP, without faults."""
    with sandbox_server() as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def airports_read_once() -> Iterator[None]:
    """Nine thousand lines, which each run of flights on a fresh database reads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_read_airports", functools.cache(client._read_airports))
        yield


@pytest.fixture(scope="session", autouse=True)
def dagsters_revisions_read_once() -> Iterator[None]:
    """A hundred files, which each Dagster in memory reads to note that its tables are new."""
    read = ScriptDirectory.from_config
    once = functools.cache(read)  # Dagster has one object for each of its configurations

    def from_config(config: Any) -> ScriptDirectory:
        location = str(config.get_main_option("script_location"))
        return once(config) if location.startswith("dagster:") else read(config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", from_config)
        yield


@pytest.fixture
def few_airports(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are only the airports of two countries, which load in a moment."""
    airports = client._read_airports()
    few = airports[airports["country_code"].isin(["GB", "HU"])]
    monkeypatch.setattr(client, "_read_airports", lambda: few.assign(record=range(len(few))))


@pytest.fixture
def airports(warehouse: Warehouse) -> None:
    load_airports(warehouse)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def source() -> Iterator[FakeSource]:
    with FakeSource() as fake:
        yield fake
