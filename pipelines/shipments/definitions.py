"""What the shipments domain gives to Dagster: assets, checks, its job, its inbox's sensor."""

import time

import dagster as dg

from pipelines import attended_runs
from pipelines.asset_pages import asset_key
from pipelines.core.inbox import is_settled
from pipelines.resources import ShipmentsResource, WarehouseResource
from pipelines.shipments import tables
from pipelines.shipments.assets import shipments_tables
from pipelines.shipments.checks import CHECKS

EVERY_SECONDS = 5
AFTER_FAILURE_SECONDS = 60.0

OF_OTHERS = dg.AssetSelection.assets(
    dg.AssetKey(["weather", "hourly"]), dg.AssetKey(["enriched", "itinerary_legs"])
)
"""Downstream by way of the weather's places, and brought up to date when they are due."""

shipments_job = dg.define_asset_job(
    "shipments",
    selection=dg.AssetSelection.assets(asset_key(tables.shipments)).required_multi_asset_neighbors()
    | dg.AssetSelection.assets(asset_key(tables.shipments)).downstream() - OF_OTHERS,
    description="Take in the new and changed files of the inbox, or one file, and refresh what is"
    " derived from them.",
)


@dg.sensor(
    name="shipments_inbox",
    job=shipments_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Start the job when there is a new or changed CSV file in SHIPMENTS_INBOX that is"
    " whole (by default the folder inbox/shipments of ISOBAR_HOME). It replaces the import by"
    " hand.",
)
def shipments_inbox(
    context: dg.SensorEvaluationContext,
    shipments: ShipmentsResource,
    warehouse: WarehouseResource,
) -> dg.RunRequest | dg.SkipReason:
    """One run for all files that are there; none while one is under way."""
    inbox = shipments.open()
    if inbox is None:
        return dg.SkipReason("SHIPMENTS_INBOX is not set.")
    with warehouse.open() as store, store.engine.connect() as connection:
        pending = inbox.pending(connection)
    if not pending:
        return dg.SkipReason("Nothing new in the inbox.")
    if not any(is_settled(file) for file in pending):
        return dg.SkipReason(f"Still being written: {len(pending)} files.")
    if attended_runs.is_under_way(context.instance, shipments_job.name):
        return dg.SkipReason("A run is under way.")
    failed_at = attended_runs.last_failure_at(context.instance, shipments_job.name)
    if failed_at is not None and time.time() - failed_at < AFTER_FAILURE_SECONDS:
        newest = max(file.changed_ns for file in pending) / 1e9
        if newest < failed_at:
            return dg.SkipReason("The last run failed with these files; trying again in a minute.")
    return dg.RunRequest()


definitions = dg.Definitions(
    assets=[shipments_tables],
    asset_checks=CHECKS,
    jobs=[shipments_job],
    sensors=[shipments_inbox],
)
