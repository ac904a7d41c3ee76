"""One database with the known data for all tests of the cookbook."""

from collections.abc import Iterator

import psycopg
import pytest

from pipelines.postgres.roles import ANALYST, LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.cookbook import known_data


@pytest.fixture(scope="package")
def known(
    server: Connections, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with made(server, template) as name:
        warehouse = Warehouse(server.url(LOADER, name))
        with psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner:
            known_data.put(warehouse, owner, tmp_path_factory.mktemp("known"))
            known_data.set_clock(owner)
        warehouse.dispose()
        yield name


@pytest.fixture(scope="package")
def analyst(server: Connections, known: str) -> Iterator[psycopg.Connection]:
    """Someone who may only read."""
    with psycopg.connect(server.url(ANALYST, known), autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        yield connection
