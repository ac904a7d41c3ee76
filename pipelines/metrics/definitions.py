"""What `metrics` gives to Dagster."""

import dagster as dg

from pipelines.metrics import tables
from pipelines.metrics.assets import (
    flight_prices,
    hotel_bookings,
    solar_daily,
    solar_hourly,
    solar_plant_health,
)
from pipelines.metrics.checks import CHECKS
from pipelines.metrics.hotel_bookings import is_behind
from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.resources import WarehouseResource
from pipelines.orchestration.schedule_config import about_sensor, every_seconds

AFTER_FAILURE_SECONDS = 300.0

hotel_bookings_job = dg.define_asset_job(
    "count_hotel_bookings",
    selection=dg.AssetSelection.assets(*map(asset_key, tables.HOTEL_BOOKINGS)).without_checks(),
    description="Count the booking events that are new; all of them anew where the configuration"
    " says so. The job bookings does the first after each load.",
)


@dg.sensor(
    name="hotel_bookings_behind",
    job=hotel_bookings_job,
    minimum_interval_seconds=every_seconds("hotel_bookings_behind"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=about_sensor(
        "hotel_bookings_behind",
        "Count events that the run that loaded them did not count, as when it was killed.",
    ),
)
def hotel_bookings_behind(
    context: dg.SensorEvaluationContext, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """One run when events are not counted and nobody is at it."""
    with warehouse.open() as store, store.engine.connect() as connection:
        if not is_behind(connection):
            return dg.SkipReason("All events are counted.")
    jobs = "bookings", hotel_bookings_job.name
    if any(orphaned_runs.is_under_way(context.instance, job) for job in jobs):
        return dg.SkipReason("A run is under way.")
    if orphaned_runs.failed_lately(context.instance, jobs[1], AFTER_FAILURE_SECONDS):
        return dg.SkipReason("The last run failed; trying again in some minutes.")
    return dg.RunRequest()


definitions = dg.Definitions(
    assets=[flight_prices, hotel_bookings, solar_hourly, solar_daily, solar_plant_health],
    asset_checks=CHECKS,
    jobs=[hotel_bookings_job],
    sensors=[hotel_bookings_behind],
)
