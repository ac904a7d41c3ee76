"""Shared fixtures of the flights' tests."""

import psycopg
import pytest

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import Flights


@pytest.fixture
def flights(warehouse: Warehouse, owner: psycopg.Connection) -> Flights:
    return Flights(warehouse, owner)
