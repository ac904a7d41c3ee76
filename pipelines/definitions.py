"""All Dagster definitions: those of every source and of the platform."""

import dagster as dg

from pipelines.config import Settings
from pipelines.isolation import LOG, broken_sources, isolated
from pipelines.orchestration.automation import derived_assets
from pipelines.orchestration.jobs import definitions_of
from pipelines.orchestration.operations.alerts import alerts
from pipelines.orchestration.operations.housekeeping import housekeeping, orphaned_runs
from pipelines.orchestration.resources import WarehouseResource
from pipelines.orchestration.schedule_config import (
    HOUSEKEEPING,
    own_entries,
    schedule_of,
    timetable,
)
from pipelines.source import by_seniority, check_sources


def build_definitions() -> dg.Definitions:
    """Build all assets, checks, jobs, schedules and sensors; what cannot be built is switched off.

    Raises `PermanentFailure` for a mistake in the operator's schedules.
    """
    check_sources(Settings.current())
    timetable()  # a mistake in it is no source's
    found = []
    for source in by_seniority():
        with isolated(source.name, "its definitions", source.package):
            found.append(definitions_of(source))
    merged = dg.Definitions.merge(
        dg.Definitions(
            jobs=[housekeeping],
            schedules=[schedule_of(timetable()[HOUSEKEEPING.name])],
            sensors=[alerts, orphaned_runs, derived_assets],
            resources={"warehouse": WarehouseResource()},
            executor=dg.in_process_executor,
        ),
        *found,
    )
    own = own_entries({one.name for one in merged.jobs or ()})
    return dg.Definitions.merge(merged, dg.Definitions(schedules=[*map(schedule_of, own)]))


definitions = build_definitions()
for one in broken_sources():
    LOG.error("%s", one)
