"""Flights in Dagster: daily archive, derived tables, rebuild, and a retry sensor."""

import datetime as dt
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.failures import NotReady, RejectedInput, TransientFailure
from pipelines.ingest.quarantine import in_quarantine
from pipelines.orchestration import run_state
from pipelines.orchestration.asset_metadata import (
    as_dagster_failure,
    asset_key,
    counts,
    input_key,
    log_skip,
    table_spec,
)
from pipelines.orchestration.resources import SourceResource, WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.sources.flights import AIRPORTS, DOCUMENT, Settings, archive, load, source, tables
from pipelines.sources.flights.client import SOURCE, open_client
from pipelines.warehouse.connection import Warehouse

AFTER_FAILURE_SECONDS = 900.0
DAYS = dg.DailyPartitionsDefinition(start_date="2026-11-01", timezone="UTC", end_offset=1)


@dg.multi_asset(
    name="flights_snapshots",
    specs=[
        table_spec(source, tables.snapshots, deps=[input_key(DOCUMENT)]).replace_attributes(
            partitions_def=DAYS, skippable=True
        )
    ],
    pool=source.name,
)
def snapshots(
    context: dg.AssetExecutionContext, flights: SourceResource, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Fetch today's document and archive it as received, or show what is archived of a past day."""
    with as_dagster_failure(context) as step, warehouse.open() as store:
        day = _day_of(context)
        try:
            today = dt.datetime.now(dt.UTC).date()
            entry = _archive(day, today, flights.settings(), store)
        except NotReady as reason:
            log_skip(context, asset_key(tables.snapshots), reason.problem)
            return
        with store.engine.connect() as connection:
            stats = step.table_stats(connection, asset_key(tables.snapshots))
    if day == today:
        step.record_source_event(
            DOCUMENT, {"bytes_received": entry.byte_count, "new": entry.is_new}
        )
    yield dg.MaterializeResult(
        metadata={
            **stats,
            "day": day.isoformat(),
            "new": entry.is_new,
            "bytes_received": entry.byte_count,
            "sha256": entry.sha256,
        }
    )


def _day_of(context: dg.AssetExecutionContext) -> dt.date:
    if not context.has_partition_key:
        raise RejectedInput(
            SOURCE,
            "the run is for no day",
            place="flights.snapshots",
            remedy="Choose the latest partition where you materialise it; or isobar run.",
        )
    return dt.date.fromisoformat(context.partition_key)


def _archive(
    day: dt.date, today: dt.date, settings: Settings, store: Warehouse
) -> archive.Archived:
    if day == today:
        response = open_client(settings).fetch()
        with store.transaction(SOURCE) as connection:
            kept = archive.keep(connection, response)
        if (received_on := response.received_at.date()) != day:
            raise TransientFailure(
                SOURCE,
                f"the day changed during the run, and the document is archived for {received_on}",
                place="flights.snapshots",
                remedy=f"Materialise {received_on}; {day} can no longer be received.",
            )
        return kept
    with store.engine.connect() as connection:
        entry = archive.kept(connection, dt.datetime.combine(day, dt.time.max, dt.UTC))
    if entry is None:
        raise RejectedInput(
            SOURCE,
            f"there is no snapshot of {day}, and it can no longer be fetched: the source"
            f" only sends the offers of today, {today}",
            place="flights.snapshots",
            remedy=f"Materialise {today}, or leave the day empty.",
        )
    return entry


class Loading(dg.Config):
    """How the tables are loaded."""

    rebuild: bool = Field(
        default=False,
        description="Empty the tables and load every archived snapshot again, for example after a"
        " change in transform.py. Readers see the old tables until the new ones are complete.",
    )


@dg.multi_asset(
    name="flights_tables",
    specs=[
        table_spec(
            source,
            table,
            deps=[input_key(AIRPORTS) if table is tables.airports else asset_key(tables.snapshots)],
        )
        for table in tables.READ_FROM_SNAPSHOTS
    ],
)
def flights_tables(
    context: dg.AssetExecutionContext,
    config: Loading,
    flights: SourceResource,
    warehouse: WarehouseResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Bring all tables up to date with every archived snapshot that they do not have yet."""
    with as_dagster_failure(context) as step, warehouse.open() as store:
        outcomes, failures = load.bring_up_to_date(
            store,
            run_id=context.run.run_id,
            country=flights.settings().country,
            rebuild=config.rebuild,
        )
        with store.engine.connect() as connection:
            step.record_source_event(AIRPORTS, {"version": version(AIRPORTS.name)})
            keys = map(asset_key, tables.READ_FROM_SNAPSHOTS)
            shown: dict[dg.AssetKey, dict[str, Any]] = {
                key: step.table_stats(connection, key) for key in keys
            }
            shown[asset_key(tables.itineraries)] |= {
                **counts(outcomes),
                "rejected_records": in_quarantine(connection, SOURCE),
            }
        if failures:
            raise failures[-1]
    for key, metadata in shown.items():
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)


rebuild_job = dg.define_asset_job(
    "flights_rebuild",
    selection=dg.AssetSelection.assets(*map(asset_key, tables.READ_FROM_SNAPSHOTS))
    | dg.AssetSelection.assets(asset_key(tables.itineraries)).downstream()
    & dg.AssetSelection.tag("source", source.name),
    config={"ops": {"flights_tables": {"config": {"rebuild": True}}}},
    description="Empty the flights tables and load the whole archive again, in one transaction.",
)


@due_sensor("flights_retry", job_name=source.name, seconds=300)
def flights_retry(
    context: dg.SensorEvaluationContext, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Fetch today's document again 15 minutes after today's run failed.

    A document that is not archived on its day is lost.
    """
    today = utc_now().date()
    job, day = source.name, today.isoformat()
    with warehouse.open() as store, store.engine.connect() as connection:
        if archive.kept(connection, utc_now()) is not None:
            return dg.SkipReason("Today's document is archived.")
    if run_state.has_unfinished_run(context.instance, job, day):
        return dg.SkipReason("A run is under way.")
    if run_state.last_failure_at(context.instance, job, day) is None:
        return dg.SkipReason("No run for today has failed.")
    if run_state.failed_lately(context.instance, job, AFTER_FAILURE_SECONDS, day):
        return dg.SkipReason("The last run failed; trying again in a few minutes.")
    return dg.RunRequest(partition_key=day)


definitions = dg.Definitions(
    assets=[snapshots, flights_tables], jobs=[rebuild_job], sensors=[flights_retry]
)
