"""What tests of flights share."""

import pytest

from pipelines.core.warehouse import Warehouse
from pipelines.flights import load
from pipelines.flights.client import packaged_airports


@pytest.fixture
def airports(warehouse: Warehouse) -> None:
    """The airports, loaded."""
    with warehouse.transaction("flights") as connection:
        load.load_airports(connection, *packaged_airports(), None)
