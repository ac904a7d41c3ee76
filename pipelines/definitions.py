"""Everything Dagster is told: the domains merged, with their resources."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.enriched import definitions as enriched
from pipelines.metrics import definitions as metrics
from pipelines.orchestration.automation import automated, derived_follow
from pipelines.orchestration.operations import definitions as operations
from pipelines.orchestration.refresh_all import refresh_asked, refresh_everything
from pipelines.orchestration.resources import (
    BookingsResource,
    FlightsResource,
    ShipmentsResource,
    SolarResource,
    WarehouseResource,
    WeatherResource,
)
from pipelines.orchestration.schedule_config import timetable
from pipelines.orchestration.schedules import check_config, schedules_of
from pipelines.sources.bookings import definitions as bookings
from pipelines.sources.flights import definitions as flights
from pipelines.sources.shipments import definitions as shipments
from pipelines.sources.solar import definitions as solar
from pipelines.sources.weather import definitions as weather


def build_definitions(overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors; `overrides` replaces resources by name.

    Raises `ValueError` for a name that no resource has.
    """
    resources = {
        "warehouse": WarehouseResource(),
        "flights": FlightsResource(),
        "bookings": BookingsResource(),
        "shipments": ShipmentsResource(),
        "solar": SolarResource(),
        "weather": WeatherResource(),
    }
    if unknown := set(overrides or {}) - resources.keys():
        raise ValueError(f"there are no resources named {sorted(unknown)}")
    parts = dg.Definitions.merge(
        flights.definitions,
        bookings.definitions,
        shipments.definitions,
        solar.definitions,
        weather.definitions,
        enriched.definitions,
        metrics.definitions,
        operations.definitions,
        dg.Definitions(jobs=[refresh_everything], sensors=[derived_follow]),
    )
    jobs = [job for job in parts.jobs or () if isinstance(job, UnresolvedAssetJobDefinition)]
    whole = dg.Definitions(
        assets=dg.map_asset_specs(automated, parts.assets or ()),  # type: ignore[arg-type]
        asset_checks=parts.asset_checks,
        jobs=parts.jobs,
        schedules=[*(parts.schedules or ()), *_schedules(parts)],
        sensors=[*(parts.sensors or ()), refresh_asked(jobs)],
        resources=resources | dict(overrides or {}),
        executor=dg.in_process_executor,
    )
    for entry in timetable().schedules.values():
        if entry.is_own or entry.config:
            check_config(entry, whole.resolve_job_def(entry.job))
    return whole


def _schedules(parts: dg.Definitions) -> list[dg.ScheduleDefinition]:
    """Those of the timetable that no domain makes itself."""
    made = {one.name for one in parts.schedules or ()}
    entries = [one for one in timetable().schedules.values() if one.name not in made]
    return schedules_of(entries, {job.name for job in parts.jobs or ()})


definitions = build_definitions()
