"""Jobs of hotel bookings beyond loading: counting the events, and what contradicts them."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.failures import Failure
from pipelines.ingest.watermarks import position
from pipelines.orchestration import run_state
from pipelines.orchestration.asset_metadata import (
    REFRESHED_BY_SENSOR,
    as_dagster_failure,
    asset_key,
    table_spec,
    table_stats,
)
from pipelines.orchestration.checks import LEDGER_MATCHES_ROWS
from pipelines.orchestration.resources import SourceResource, WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.sources.bookings import API, AUDIT, counts, source, tables
from pipelines.sources.bookings.client import has_news, open_client

WAIT_SECONDS = 300.0


class CountConfig(dg.Config):
    """How to count."""

    rebuild: bool = Field(
        default=False, description="Recount all events instead of adding the new ones."
    )


@dg.multi_asset(
    name="hotel_bookings",
    specs=[
        table_spec(source, table, deps=[asset_key(tables.events)], tags=REFRESHED_BY_SENSOR)
        for table in tables.KEPT
    ],
    can_subset=True,
)
def hotel_bookings(
    context: dg.AssetExecutionContext, config: CountConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Count the events that are new, keep the book of their nights, and find contradictions.

    The audit compares everything with all events instead, and changes findings alone.
    """
    with as_dagster_failure(context), warehouse.open() as store:
        counted: dict[str, Any] = {}
        if context.run.job_name == AUDIT:
            counts.compare(store)
        else:
            fresh, is_rebuilt = counts.refresh(store, rebuild=config.rebuild)
            counted = {"new_events": fresh, "rebuilt": is_rebuilt}
        with store.engine.connect() as connection:
            for key in context.selected_asset_keys:
                metadata = table_stats(connection, key) | counted
                yield dg.MaterializeResult(asset_key=key, metadata=metadata)


refresh_job = dg.define_asset_job(
    "refresh_hotel_bookings",
    selection=dg.AssetSelection.assets(*map(asset_key, tables.KEPT)).without_checks(),
    description="Count new booking events, or recount all of them if the configuration requests"
    " it. The job bookings counts new events after each load.",
)


@due_sensor("hotel_bookings_lag", job=refresh_job, seconds=30)
def hotel_bookings_lag(
    context: dg.SensorEvaluationContext, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Count events that the run that loaded them did not count, such as a killed one.

    Also make the book of a hotel anew whose time zone or begin of the day was changed.
    """
    with warehouse.open() as store, store.engine.connect() as connection:
        is_counted = position(connection, counts.WATERMARK) == position(connection, counts.COUNTED)
        if is_counted and not counts.is_a_book_stale(connection):
            return dg.SkipReason("All events are counted.")
    jobs = refresh_job.name, source.name
    if reason := run_state.reason_to_wait(context.instance, *jobs, seconds=WAIT_SECONDS):
        return dg.SkipReason(reason)
    return dg.RunRequest()


@due_sensor(API.name, job_name=source.name, seconds=30)
def events_api(
    context: dg.SensorEvaluationContext, bookings: SourceResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Ask the API at BOOKINGS_EVENTS_URL for new events, with an overlap, and load them.

    Once a day, the whole API is read, to find events that were entered late.
    """
    client = open_client(bookings.settings(), attempts=2)
    if client is None:
        return dg.SkipReason(f"{API.setting} is not set.")
    if reason := run_state.reason_to_wait(context.instance, source.name, seconds=WAIT_SECONDS):
        return dg.SkipReason(reason)
    try:
        with warehouse.open() as store:
            if not has_news(store, client, utc_now):
                return dg.SkipReason("Nothing new at the API.")
    except Failure as failure:  # the run retries longer, and reports the failure
        context.log.warning("%s", failure)
    return dg.RunRequest()


audit_job = dg.define_asset_job(
    AUDIT,
    selection=dg.AssetSelection.assets(asset_key(tables.findings))
    | dg.AssetSelection.checks(dg.AssetCheckKey(asset_key(tables.events), LEDGER_MATCHES_ROWS)),
    description="Compare the counts and the ledger with all stored events, and look for events"
    " that contradict others.",
)

definitions = dg.Definitions(
    assets=[hotel_bookings],
    jobs=[refresh_job, audit_job],
    sensors=[hotel_bookings_lag, events_api],
)
