"""What the shipments domain gives to Dagster: assets, checks, its job, its inbox's sensor."""

import dagster as dg

from pipelines.asset_pages import asset_key
from pipelines.core.inbox import is_settled
from pipelines.resources import ShipmentsResource, WarehouseResource
from pipelines.shipments import tables
from pipelines.shipments.assets import shipments_tables
from pipelines.shipments.checks import CHECKS

EVERY_SECONDS = 5
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

shipments_job = dg.define_asset_job(
    "shipments",
    selection=dg.AssetSelection.assets(asset_key(tables.shipments)).required_multi_asset_neighbors()
    | dg.AssetSelection.assets(asset_key(tables.shipments)).downstream(),
    description="Take in the new and changed files of the inbox, or one file, and refresh what is"
    " derived from them.",
)


@dg.sensor(
    name="shipments_inbox",
    job=shipments_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Start the job when there is a new or changed CSV file in SHIPMENTS_INBOX that is"
    " whole. It replaces the import by hand and at container start.",
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
    under_way = dg.RunsFilter(job_name=shipments_job.name, statuses=UNFINISHED)
    if context.instance.get_runs_count(under_way):
        return dg.SkipReason("A run is under way.")
    return dg.RunRequest()


definitions = dg.Definitions(
    assets=[shipments_tables],
    asset_checks=CHECKS,
    jobs=[shipments_job],
    sensors=[shipments_inbox],
)
