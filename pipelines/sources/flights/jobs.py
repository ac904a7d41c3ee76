"""Flights in Dagster: daily archive, derived tables, rebuild, and a retry sensor."""

import datetime as dt
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.failures import NotReady
from pipelines.ingest.quarantine import in_quarantine
from pipelines.orchestration import run_state
from pipelines.orchestration.asset_metadata import (
    as_dagster_failure,
    asset_key,
    counts,
    input_key,
    log_skip,
    record_source_event,
    table_spec,
    table_stats,
)
from pipelines.orchestration.automation import note_checked
from pipelines.orchestration.resources import SourceResource, WarehouseResource, utc_at, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.sources.flights import AIRPORTS, DOCUMENT, archive, load, source, tables
from pipelines.sources.flights.client import SOURCE, open_client

AFTER_FAILURE_SECONDS = 900.0


@dg.multi_asset(
    name="flights_snapshots",
    specs=[
        table_spec(source, tables.snapshots, deps=[input_key(DOCUMENT)]).replace_attributes(
            skippable=True
        )
    ],
    pool=source.name,
)
def snapshots(
    context: dg.AssetExecutionContext, flights: SourceResource, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Fetch today's document and archive it as received."""
    key = asset_key(tables.snapshots)
    with as_dagster_failure(context), warehouse.open() as store:
        try:
            response = open_client(flights.settings()).fetch()
        except NotReady as reason:
            log_skip(context, key, reason.problem)
            return
        with store.transaction(SOURCE) as connection:
            entry = archive.keep(connection, response)
        received = {"bytes_received": entry.byte_count, "new": entry.is_new}
        record_source_event(context, DOCUMENT, received)
        with store.engine.connect() as connection:
            stats = table_stats(connection, key)
    day = entry.snapshot_at.astimezone(dt.UTC).date().isoformat()
    metadata = {**stats, **received, "day": day, "sha256": entry.sha256}
    yield dg.MaterializeResult(asset_key=key, metadata=metadata)


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
    with as_dagster_failure(context), warehouse.open() as store:
        outcomes, failures = load.bring_up_to_date(
            store, flights.settings(), run_id=context.run.run_id, rebuild=config.rebuild
        )
        with store.engine.connect() as connection:
            record_source_event(context, AIRPORTS, {"version": version(AIRPORTS.name)})
            keys = map(asset_key, tables.READ_FROM_SNAPSHOTS)
            shown: dict[dg.AssetKey, dict[str, Any]] = {
                key: table_stats(connection, key) for key in keys
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
