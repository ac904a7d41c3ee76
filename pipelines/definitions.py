"""All Dagster definitions: those of every source and of the platform."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.orchestration.automation import automated, derived_assets
from pipelines.orchestration.jobs import definitions_of
from pipelines.orchestration.operations.alert_sensor import alerts
from pipelines.orchestration.operations.housekeeping import housekeeping, orphaned_runs
from pipelines.orchestration.refresh_all import refresh_everything, refresh_requests
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.orchestration.schedule_config import timetable
from pipelines.orchestration.schedules import check_config, schedules_of
from pipelines.source import PLUGIN_ERRORS, is_plugin, note_broken, sources


def build_definitions(overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Build all assets, checks, jobs, schedules and sensors; `overrides` replaces resources.

    Raises `ValueError` for a name that no resource has.
    """
    found = {}
    for source in sources().values():
        try:
            found[source.name] = definitions_of(source)
        except PLUGIN_ERRORS as error:
            if not is_plugin(source):
                raise
            note_broken(source.name, f"its definitions: {error!r}")
    resources: dict[str, Any] = {name: source_resource(name) for name in found}
    resources["warehouse"] = WarehouseResource()
    if unknown := set(overrides or {}) - resources.keys():
        raise ValueError(f"there are no resources named {sorted(unknown)}")
    parts = dg.Definitions.merge(
        *found.values(),
        dg.Definitions(
            jobs=[housekeeping, refresh_everything],
            sensors=[alerts, orphaned_runs, derived_assets],
        ),
    )
    sensors = [*(parts.sensors or ()), refresh_requests(parts.jobs or ())]
    made = {one.name for one in parts.schedules or ()}
    entries = [one for one in timetable().schedules.values() if one.name not in made]
    timetable().reject_unknown(
        {sensor.name for sensor in sensors}, {job.name for job in parts.jobs or ()}
    )
    whole = dg.Definitions(
        assets=dg.map_asset_specs(automated, parts.assets or ()),  # type: ignore[arg-type]
        asset_checks=parts.asset_checks,
        jobs=parts.jobs,
        schedules=[*(parts.schedules or ()), *schedules_of(entries)],
        sensors=sensors,
        resources=resources | dict(overrides or {}),
        executor=dg.in_process_executor,
    )
    for entry in timetable().schedules.values():
        if entry.is_own or entry.config:
            check_config(entry, whole.resolve_job_def(entry.job))
    return whole


definitions = build_definitions()
