"""Run tests on a Citus cluster: `CITUS_TEST_URL=… pytest -p pipelines_tests.citus FOLDER`.

The address is that of a database of the coordinator, of a superuser whom all nodes let in as any
role; its contents are lost. Without a database for each test, all tables are emptied before each.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from sqlalchemy import make_url

from pipelines.migrations.apply import all_tables, migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.testing import databases

URL = os.environ.get("CITUS_TEST_URL", "")
#: What a migration leaves in the tables.
KEPT = ("ops.sql_objects", "ops.source_parts", "ops.revision")


@dataclass(frozen=True)
class Cluster:
    """A coordinator, in place of `pipelines.postgres.server.Connections`."""

    address: str

    @property
    def port(self) -> int:
        return make_url(self.address).port or 5432

    @property
    def database(self) -> str:
        return make_url(self.address).database or ""

    def url(self, role: str, database: str) -> str:
        own = make_url(self.address).set(database=database)
        own = own if role == SUPERUSER else own.set(username=role)
        return own.render_as_string(hide_password=False)


@contextmanager
def running_server() -> Iterator[Cluster]:
    """Migrate the cluster's database."""
    if not URL:
        pytest.skip("CITUS_TEST_URL is not set: the address of a Citus coordinator")
    migrate(URL)
    yield Cluster(URL)


@contextmanager
def made(server: Cluster, template: str = "") -> Iterator[str]:
    """Empty all tables."""
    with psycopg.connect(server.address, autocommit=True) as connection:
        names = ", ".join(one.fullname for one in all_tables() if one.fullname not in KEPT)
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE".encode())
    yield server.database


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Put the cluster in the place of the server of the session."""
    databases.running_server, databases.made = running_server, made  # type: ignore[assignment]
