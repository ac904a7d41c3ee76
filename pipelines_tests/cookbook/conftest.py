"""One database with the known data for all tests of the cookbook."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from pipelines.core.embedded_postgres import ANALYST, LOADER, SUPERUSER, Connections
from pipelines.core.warehouse import Warehouse
from pipelines_tests.cookbook import known_data
from pipelines_tests.cookbook.asked import Answer, asking


@pytest.fixture(scope="package")
def known(
    server: Connections, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of the database."""
    name = f"known_{uuid.uuid4().hex[:12]}"
    named = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**named))
    warehouse = Warehouse(server.url(LOADER, name))
    with psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner:
        known_data.put(warehouse, owner, tmp_path_factory.mktemp("known"))
    warehouse.dispose()
    yield name
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**named))


@pytest.fixture(scope="package")
def analyst(server: Connections, known: str) -> Iterator[psycopg.Connection]:
    """Someone who may only read."""
    with psycopg.connect(server.url(ANALYST, known), autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        yield connection


@pytest.fixture
def answer(analyst: psycopg.Connection) -> Answer:
    return asking(analyst)
