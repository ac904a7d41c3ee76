"""Fixtures for the tests of plug-ins, which pytest finds by their entry point.

pytest imports this module in every run of an environment that has Isobar, so it imports no more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pipelines.postgres.server import Connections
    from pipelines.testing.drivers import Driver
    from pipelines.testing.fake_source import FakeSource

# Failures of the contract show what was found.
pytest.register_assert_rewrite("pipelines.testing.suite")
#: Starts a driver on a fresh database; its class is the argument.
Start = Callable[[type["Driver"]], "Driver"]


@pytest.fixture(scope="session")
def isobar_server() -> Iterator[Connections]:
    """Run a PostgreSQL server of this session."""
    from pipelines.testing.databases import running_server

    with running_server() as connections:
        yield connections


@pytest.fixture(scope="session")
def isobar_template(isobar_server: Connections) -> Iterator[str]:
    """Name a database with the tables and views of all installed sources, to be copied."""
    from pipelines.migrations.apply import migrate
    from pipelines.postgres.roles import SUPERUSER
    from pipelines.testing.databases import made

    with made(isobar_server) as name:
        with pytest.MonkeyPatch.context() as patch:
            _set_variables(patch)
            migrate(isobar_server.url(SUPERUSER, name))
        yield name


@pytest.fixture
def isobar_service() -> Iterator[FakeSource]:
    """Run an HTTP server that answers as the test says."""
    from pipelines.testing.fake_source import FakeSource

    with FakeSource() as fake:
        yield fake


@pytest.fixture
def isobar_start(
    request: pytest.FixtureRequest,
    isobar_server: Connections,
    isobar_service: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Start]:
    """Return a function that starts a driver on a fresh database, with nothing delivered yet."""
    import dagster as dg
    import psycopg

    from pipelines.orchestration.resources import WarehouseResource
    from pipelines.postgres.roles import LOADER, SUPERUSER
    from pipelines.testing.databases import made
    from pipelines.testing.drivers import Site

    _set_variables(monkeypatch)
    monkeypatch.setenv("ISOBAR_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    _hasten(monkeypatch)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with ExitStack() as stack:

        def start(kind: type[Driver]) -> Driver:
            template = request.getfixturevalue(kind.template)
            _require_usable(kind.source)
            name = stack.enter_context(made(isobar_server, template))
            owner = psycopg.connect(isobar_server.url(SUPERUSER, name), autocommit=True)
            stack.enter_context(owner)
            url = isobar_server.url(LOADER, name)
            warehouse = stack.enter_context(WarehouseResource(url=url).open())  # the job's
            stack.callback(warehouse.dispose)
            instance = stack.enter_context(dg.DagsterInstance.ephemeral())
            driver = kind(Site(warehouse, owner, inbox, isobar_service, url, instance))
            settings = driver.declared.settings
            for field, variable in settings.variables().items():
                if settings.about(field).get("secret"):  # which its requests may need
                    monkeypatch.setenv(variable, "a-secret-of-the-contract-tests")
            driver.prepare()
            return driver

        yield start


def _set_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a developer's variables have no say."""
    from pipelines.source import PLATFORM_VARIABLES, declared_sources

    settings = [one.settings for one in declared_sources().values()]
    names = {name for one in settings for name in one.variables().values()}
    prefixes = tuple(one for one in PLATFORM_VARIABLES if one != "PG")
    for name in [*os.environ]:
        if name in names or name.startswith(prefixes):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ISOBAR_SOURCES", "live")  # what a test does not give is off
    monkeypatch.setenv("ISOBAR_SCHEDULES", os.devnull)


def _hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have HTTP clients try twice, with short waits."""
    from pipelines.failures import TransientFailure
    from pipelines.http.client import HttpClient

    pause = HttpClient._pause

    def hastened(client: HttpClient, attempt: int, error: TransientFailure) -> float | None:
        return 0.01 if attempt < 2 and pause(client, attempt, error) is not None else None

    monkeypatch.setattr(HttpClient, "_pause", hastened)


def _require_usable(name: str) -> None:
    """Fail if a source is not installed, or broken."""
    from pipelines.isolation import broken_sources
    from pipelines.source import sources

    if name not in sources():
        why = [str(one) for one in broken_sources() if one.name == name]
        why = why or ["it is not installed in the environment of pytest"]
        pytest.fail(f"The source {name} cannot be used: {why[0]}", pytrace=False)
