"""The contract kit, applied to the project's own sources."""

from collections.abc import Iterator

import pytest

from pipelines.source import sources
from pipelines.sources.bookings.sandbox import event_files
from pipelines.testing import contract
from pipelines_tests.source_contract.feeds import (
    BookingFiles,
    BookingsApi,
    FlightDocuments,
    ShipmentFiles,
    SolarWindows,
)

#: The requirements that tests of the kit are evidence for.
ANSWERS = {
    "test_delivered_twice_it_is_stored_once": ("F30",),
    "test_late_and_repeated_records_are_stored_once": ("E55", "H39", "T39"),
    "test_bad_records_are_quarantined_once_until_they_come_corrected": ("E24",),
    "test_records_that_come_corrected_empty_the_quarantine": ("E24",),
    "test_two_loads_at_once_end_as_one": ("E45",),
}


@pytest.fixture(scope="module", autouse=True)
def short_history() -> Iterator[None]:
    """The simulated hotels have files of as long as bookings are made ahead, not of 800 days."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_files, "HISTORY_DAYS", 160)
        yield


TestBookings = contract(sources()["bookings"], drivers=[BookingFiles, BookingsApi])
TestFlights = contract(
    sources()["flights"],
    drivers=[FlightDocuments],
    not_driven={"airports": "they are in a package, not a service: sources/flights tests them"},
)
TestShipments = contract(sources()["shipments"], drivers=[ShipmentFiles])
TestSolar = contract(sources()["solar"], drivers=[SolarWindows])


def test_the_kit_has_each_test_that_requirements_name() -> None:
    assert ANSWERS.keys() <= {*dir(TestSolar)}
