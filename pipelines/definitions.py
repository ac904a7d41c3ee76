"""Everything Dagster is told: the domains merged, with their resources."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.bookings import definitions as bookings
from pipelines.enriched import definitions as enriched
from pipelines.flights import definitions as flights
from pipelines.metrics import definitions as metrics
from pipelines.resources import (
    BookingsResource,
    FlightsResource,
    ShipmentsResource,
    SolarResource,
    WarehouseResource,
    WeatherResource,
)
from pipelines.shipments import definitions as shipments
from pipelines.solar import definitions as solar
from pipelines.weather import definitions as weather


def build_definitions(overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors; `overrides` replaces resources by name."""
    resources = {
        "warehouse": WarehouseResource(),
        "flights": FlightsResource(),
        "bookings": BookingsResource(),
        "shipments": ShipmentsResource(),
        "solar": SolarResource(),
        "weather": WeatherResource(),
    }
    return dg.Definitions.merge(
        flights.definitions,
        bookings.definitions,
        shipments.definitions,
        solar.definitions,
        weather.definitions,
        enriched.definitions,
        metrics.definitions,
        dg.Definitions(
            resources=resources | dict(overrides or {}), executor=dg.in_process_executor
        ),
    )


definitions = build_definitions()
