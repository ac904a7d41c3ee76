"""The contract kit, applied to the project's own sources."""

from collections.abc import Iterator

import pytest

from pipelines.source import sources
from pipelines.sources.bookings import sandbox
from pipelines.testing import contract
from pipelines_tests.source_contract.feeds import (
    BookingFiles,
    BookingsApi,
    FlightDocuments,
    ShipmentFiles,
    SolarWindows,
)


@pytest.fixture(scope="module", autouse=True)
def short_history() -> Iterator[None]:
    """The simulated hotels have files of as long as bookings are made ahead, not of 800 days."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "HISTORY_DAYS", 160)
        yield


TestBookings = contract(sources()["bookings"], drivers=[BookingFiles, BookingsApi])
TestFlights = contract(
    sources()["flights"],
    drivers=[FlightDocuments],
    not_driven={"airports": "they are in a package, not a service: sources/flights tests them"},
)
TestShipments = contract(sources()["shipments"], drivers=[ShipmentFiles])
TestSolar = contract(sources()["solar"], drivers=[SolarWindows])
