"""Jobs of hotel bookings beyond loading: counting the events, and an hourly audit."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import Connection

from pipelines.orchestration import run_state
from pipelines.orchestration.asset_metadata import (
    REFRESHED_BY_SENSOR,
    as_dagster_failure,
    asset_key,
    table_spec,
)
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor, scheduled, timetable
from pipelines.sources.bookings import AUDIT, audits, counts, source, tables

AFTER_FAILURE_SECONDS = 300.0
#: The hourly audit, which starts a run only if there is something to audit.
HOURLY = source.schedules[1]


class CountConfig(dg.Config):
    """How to count."""

    rebuild: bool = Field(
        default=False,
        description="Recount all events instead of adding the new ones.",
    )


@dg.multi_asset(
    name="hotel_bookings",
    specs=[
        table_spec(source, table, deps=[asset_key(tables.events)], tags=REFRESHED_BY_SENSOR)
        for table in tables.HOTEL_BOOKINGS
    ],
)
def hotel_bookings(
    context: dg.AssetExecutionContext, config: CountConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Count the events that are new, on both axes."""
    with as_dagster_failure(context) as step, warehouse.open() as store:
        refreshed = counts.refresh(store, rebuild=config.rebuild)
        counted: dict[str, Any] = {
            "new_events": refreshed.events,
            "rebuilt": refreshed.is_rebuilt,
        }
        with store.engine.connect() as connection:
            for table in tables.HOTEL_BOOKINGS:
                metadata = step.table_stats(connection, asset_key(table)) | counted
                yield dg.MaterializeResult(asset_key=asset_key(table), metadata=metadata)


refresh_job = dg.define_asset_job(
    "refresh_hotel_bookings",
    selection=dg.AssetSelection.assets(*map(asset_key, tables.HOTEL_BOOKINGS)).without_checks(),
    description="Count new booking events, or recount all of them if the configuration requests"
    " it. The job bookings counts new events after each load.",
)


@due_sensor("hotel_bookings_lag", job=refresh_job, seconds=30)
def hotel_bookings_lag(
    context: dg.SensorEvaluationContext, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Count events that the run that loaded them did not count, such as a killed one."""
    with warehouse.open() as store, store.engine.connect() as connection:
        if not counts.is_behind(connection):
            return dg.SkipReason("All events are counted.")
    jobs = refresh_job.name, source.name
    if reason := run_state.reason_to_wait(context.instance, *jobs, seconds=AFTER_FAILURE_SECONDS):
        return dg.SkipReason(reason)
    return dg.RunRequest()


@dg.multi_asset(
    name="bookings_findings",
    specs=[
        table_spec(
            source,
            tables.findings,
            deps=[asset_key(one) for one in (tables.events, *tables.HOTEL_BOOKINGS)],
        )
    ],
)
def bookings_findings(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Audit the hotels whose turn it is, and the nights with new events."""
    with as_dagster_failure(context) as step, warehouse.open() as store:
        audited = audits.audit(store, utc_now)
        key = asset_key(tables.findings)
        with store.engine.connect() as connection:
            metadata = step.table_stats(connection, key) | asdict(audited)
        return dg.MaterializeResult(asset_key=key, metadata=metadata)


@scheduled(timetable()[HOURLY.name])
def bookings_audit_hourly(
    context: dg.ScheduleEvaluationContext, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """An audit, if there are new events or a hotel whose turn it is."""
    with warehouse.open() as store, store.engine.connect() as connection:
        return audit_due(connection, context.instance)


def audit_due(
    connection: Connection, instance: dg.DagsterInstance
) -> dg.RunRequest | dg.SkipReason:
    """Request an audit, unless nothing is due or one is in progress."""
    if not audits.is_due(connection, utc_now(), HOURLY.skips_for):
        return dg.SkipReason("No new events since the last audit.")
    if run_state.has_unfinished_run(instance, AUDIT):
        return dg.SkipReason("A run is under way.")
    return dg.RunRequest(run_config=dict(HOURLY.config))


definitions = dg.Definitions(
    assets=[hotel_bookings, bookings_findings],
    jobs=[refresh_job],
    schedules=[bookings_audit_hourly],
    sensors=[hotel_bookings_lag],
)
