"""Shared fixtures of the flights' tests, whose databases have the airports."""

from collections.abc import Iterator

import psycopg
import pytest

from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import Flights, airports_loaded


@pytest.fixture(scope="session")
def template(server: Connections, template: str) -> Iterator[str]:
    with airports_loaded(server, template) as name:
        yield name


@pytest.fixture
def flights(warehouse: Warehouse, owner: psycopg.Connection) -> Flights:
    return Flights(warehouse, owner)
