"""Geocoding as tests run it."""

from pipelines.failures import Failure
from pipelines.sources.weather.geocode_places import geocode_places
from pipelines.sources.weather.geocoding import Geocoder, Located
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.fake_clock import FakeClock


def locate_places(
    warehouse: Warehouse, geocoder: Geocoder, clock: FakeClock, *, is_by_hand: bool = False
) -> tuple[list[Located], Failure | None]:
    """Look up what is pending, without waits; what was located, and the last failure."""
    located, done = geocode_places(
        warehouse, geocoder, clock, sleep=lambda _: None, is_by_hand=is_by_hand
    )
    return located, done.failure
