"""What drivers of single sources need beyond the kit."""

from collections.abc import Iterator

import pytest

from pipelines.postgres.server import Connections
from pipelines_tests.sources.flights.made_up import airports_loaded


@pytest.fixture(scope="session")
def flights_template(isobar_server: Connections, isobar_template: str) -> Iterator[str]:
    """The name of a database that has the airports."""
    with airports_loaded(isobar_server, isobar_template) as name:
        yield name
