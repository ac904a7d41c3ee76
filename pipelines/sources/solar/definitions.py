"""What solar plants give to Dagster: assets, checks, jobs, and the sensor."""

import dagster as dg
from sqlalchemy import text

from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.resources import SolarResource, WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import about_sensor, every_seconds
from pipelines.sources.solar import registry_jobs, tables
from pipelines.sources.solar.assets import SERVICE, ask_for_solar_days, coverage, plants, readings
from pipelines.sources.solar.checks import CHECKS
from pipelines.warehouse.sql_files import read_sql

AFTER_FAILURE_SECONDS = 30.0
OF_OTHERS = dg.AssetSelection.groups("weather") | dg.AssetSelection.assets(
    dg.AssetKey(["enriched", "itinerary_legs"]), dg.AssetKey(["enriched", "shipments"])
)
"""Downstream by way of the weather's places, and brought up to date when they are due."""


solar_job = dg.define_asset_job(
    "solar",
    selection=dg.AssetSelection.assets(asset_key(tables.plants)).downstream() - OF_OTHERS,
    description="Sync plants, all or the chosen ones: yesterday first, then more of their history,"
    " then what is missing.",
)


@dg.sensor(
    name="solar_plants_due",
    job=solar_job,
    minimum_interval_seconds=every_seconds("solar_plants_due"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=about_sensor(
        "solar_plants_due",
        "Sync plants that were registered, however that was done, and those of which something is"
        " missing and due to be asked for again.",
    ),
)
def solar_plants_due(
    context: dg.SensorEvaluationContext, solar: SolarResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """One run for the plants that are due; none while one is under way."""
    if solar.open() is None:
        return dg.SkipReason("MONITORING_URL is not set.")
    query = text(read_sql("pipelines.sources.solar", "due_plants"))
    with warehouse.open() as store, store.engine.connect() as connection:
        due = list(connection.execute(query, {"now": utc_now()}).scalars())
    if not due:
        return dg.SkipReason("No plant is due.")
    if orphaned_runs.is_under_way(context.instance, solar_job.name):
        return dg.SkipReason("A run is under way.")
    if orphaned_runs.failed_lately(context.instance, solar_job.name, AFTER_FAILURE_SECONDS):
        return dg.SkipReason("The last run failed; trying again in half a minute.")
    return dg.RunRequest(run_config={"ops": {"solar_readings": {"config": {"plants": due}}}})


definitions = dg.Definitions(
    assets=[SERVICE, plants, readings, coverage],
    asset_checks=CHECKS,
    jobs=[solar_job, ask_for_solar_days, *registry_jobs.JOBS],
    sensors=[solar_plants_due],
)
