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
    ALREADY_REPORTED,
    as_dagster_failure,
    asset_key,
    counts,
    input_key,
    log_skip,
    table_spec,
)
from pipelines.orchestration.automation import note_checked
from pipelines.orchestration.partitions import align_partitions, partitions_of_run
from pipelines.orchestration.resources import SourceResource, WarehouseResource, utc_at, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.sources.flights import AIRPORTS, DOCUMENT, Settings, archive, load, source, tables
from pipelines.sources.flights.client import SOURCE, open_client
from pipelines.warehouse.connection import Warehouse

AFTER_FAILURE_SECONDS = 900.0
#: A partition for each day (UTC) whose document is archived, and for today.
DAYS = dg.DynamicPartitionsDefinition(name="flights_days")


@dg.multi_asset(
    name="flights_snapshots",
    specs=[
        table_spec(source, tables.snapshots, deps=[input_key(DOCUMENT)]).replace_attributes(
            partitions_def=DAYS, skippable=True
        )
    ],
    pool=source.name,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def snapshots(
    context: dg.AssetExecutionContext, flights: SourceResource, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Fetch today's document and archive it as received; show what is archived of past days.

    A run without partitions is for today.
    """
    key = asset_key(tables.snapshots)
    with as_dagster_failure(context) as step, warehouse.open() as store:
        today = utc_now().date()
        days = _days_of(context) or [today]
        entries = {day: _archived(store, day, today) for day in days if day != today}
        if today in days:
            try:
                entries[today] = _fetch(store, today, flights.settings())
            except NotReady as reason:
                log_skip(context, key, reason.problem)
            else:
                entry = entries[today]
                received = {"bytes_received": entry.byte_count, "new": entry.is_new}
                step.record_source_event(DOCUMENT, received)
        if not entries:
            return
        with store.engine.connect() as connection:
            align_partitions(context.instance, connection, [source])
            stats = step.table_stats(connection, key)
    for day, entry in entries.items():
        metadata = {
            **stats,
            "day": day.isoformat(),
            "new": entry.is_new,
            "bytes_received": entry.byte_count,
            "sha256": entry.sha256,
        }
        context.log_event(
            dg.AssetMaterialization(key, partition=day.isoformat(), metadata=metadata)
        )
    yield dg.MaterializeResult(asset_key=key, metadata=ALREADY_REPORTED)


def _days_of(context: dg.AssetExecutionContext) -> list[dt.date]:
    """Return the days of the run's partitions; none for a run without partitions."""
    try:
        return [dt.date.fromisoformat(key) for key in partitions_of_run(context) or ()]
    except ValueError as error:
        raise RejectedInput(
            SOURCE,
            f"a partition is no day: {error}",
            place="the partitions of flights.snapshots",
            remedy="Choose days that are offered; new ones are added automatically.",
        ) from error


def _fetch(store: Warehouse, today: dt.date, settings: Settings) -> archive.Archived:
    """Fetch today's document and archive it. Raises `NotReady` if the source is off."""
    response = open_client(settings).fetch()
    with store.transaction(SOURCE) as connection:
        kept = archive.keep(connection, response)
    if (received_on := response.received_at.date()) != today:
        raise TransientFailure(
            SOURCE,
            f"the day changed during the run, and the document is archived for {received_on}",
            place="flights.snapshots",
            remedy=f"Materialise {received_on}; {today} can no longer be received.",
        )
    return kept


def _archived(store: Warehouse, day: dt.date, today: dt.date) -> archive.Archived:
    """Return what is archived of a past day. Raises `RejectedInput` if nothing is."""
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
            store, flights.settings(), run_id=context.run.run_id, rebuild=config.rebuild
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
            is_archived = archive.kept(connection, utc_now()) is not None
        if failures:
            raise failures[-1]
        if is_archived:
            note_checked(store, source, context.run.run_id)
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
    context: dg.SensorEvaluationContext, flights: SourceResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Fetch today's document again 15 minutes after a run of today that did not archive it.

    A document that is not archived on its day is lost.
    """
    if flights.settings().url is None:
        return dg.SkipReason("FLIGHTS_URL is not set.")
    now = utc_now()
    with warehouse.open() as store, store.engine.connect() as connection:
        if archive.kept(connection, now) is not None:
            return dg.SkipReason("Today's document is archived.")
    if run_state.has_unfinished_run(context.instance, source.name):
        return dg.SkipReason("A run is under way.")
    last = run_state.last_ended(context.instance, source.name)
    if last is None or utc_at(last.start_time or 0.0).date() != now.date():
        return dg.SkipReason("No run has begun and ended today.")
    if now.timestamp() - (last.end_time or 0.0) < AFTER_FAILURE_SECONDS:
        return dg.SkipReason("The last run archived nothing; trying again in a few minutes.")
    return dg.RunRequest()


definitions = dg.Definitions(
    assets=[snapshots, flights_tables], jobs=[rebuild_job], sensors=[flights_retry]
)
