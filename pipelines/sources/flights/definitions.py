"""What the flights domain gives to Dagster: assets, checks, its jobs, the sensor of lost days."""

import dagster as dg

from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import about_sensor, every_seconds
from pipelines.sources.flights import archive, tables
from pipelines.sources.flights.assets import AIRPORTS, DOCUMENT, flights_tables, snapshots
from pipelines.sources.flights.checks import CHECKS

AFTER_FAILURE_SECONDS = 900.0

OF_OTHERS = dg.AssetSelection.assets(
    dg.AssetKey(["weather", "observations"]),
    dg.AssetKey(["enriched", "shipments"]),
    dg.AssetKey(["enriched", "solar_readings"]),
)
"""Downstream by way of the weather's places, and brought up to date when they are due."""

flights_job = dg.define_asset_job(
    "flights",
    selection=dg.AssetSelection.assets(
        asset_key(tables.snapshots), asset_key(tables.airports)
    ).downstream()
    - OF_OTHERS,
    description="Archive today's flights document, load it, and refresh what is derived from it.",
)

flights_rebuild_job = dg.define_asset_job(
    "flights_rebuild",
    selection=dg.AssetSelection.assets(
        asset_key(tables.itineraries)
    ).required_multi_asset_neighbors()
    | dg.AssetSelection.assets(asset_key(tables.itineraries)).downstream() - OF_OTHERS,
    config={"ops": {"flights_tables": {"config": {"rebuild": True}}}},
    description="Empty the flights tables and read the whole archive anew, in one transaction.",
)


@dg.sensor(
    name="flights_missing",
    job=flights_job,
    minimum_interval_seconds=every_seconds("flights_missing"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=about_sensor(
        "flights_missing",
        "Fetch today's document again a quarter of an hour after the run of today failed: what is"
        " not archived today can never be had.",
    ),
)
def flights_missing(
    context: dg.SensorEvaluationContext, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """A run for today, as long as the last one for today failed and nothing is archived."""
    today = utc_now().date()
    job, day = flights_job.name, today.isoformat()
    with warehouse.open() as store, store.engine.connect() as connection:
        if archive.kept(connection, today) is not None:
            return dg.SkipReason("Today's document is archived.")
    if orphaned_runs.is_under_way(context.instance, job, day):
        return dg.SkipReason("A run is under way.")
    if orphaned_runs.last_failure_at(context.instance, job, day) is None:
        return dg.SkipReason("No run for today has failed.")
    if orphaned_runs.failed_lately(context.instance, job, AFTER_FAILURE_SECONDS, day):
        return dg.SkipReason("The last run failed; trying again in some minutes.")
    return dg.RunRequest(partition_key=day)


definitions = dg.Definitions(
    assets=[DOCUMENT, AIRPORTS, snapshots, flights_tables],
    asset_checks=CHECKS,
    jobs=[flights_job, flights_rebuild_job],
    sensors=[flights_missing],
)
