"""What the weather gives to Dagster: assets, checks, its job, and the sensor of what is due."""

import dagster as dg

from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.resources import WarehouseResource, WeatherResource, utc_now
from pipelines.orchestration.schedule_config import about_sensor, every_seconds
from pipelines.sources.weather import tables
from pipelines.sources.weather.assets import GEOCODER, PROVIDER, hourly, observations, places
from pipelines.sources.weather.checks import CHECKS
from pipelines.sources.weather.hours import count_hours_due
from pipelines.sources.weather.refresh import asks_by_postcode, count_due
from pipelines.sources.weather.request_log import left_of_allowance

AFTER_FAILURE_SECONDS = 240.0

weather_job = dg.define_asset_job(
    "weather",
    selection=dg.AssetSelection.assets(asset_key(tables.places)).downstream(),
    description="Look up new places, ask for the weather of those that are due, and refresh what"
    " shows it.",
)


@dg.sensor(
    name="weather_due",
    job=weather_job,
    minimum_interval_seconds=every_seconds("weather_due"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=about_sensor(
        "weather_due",
        "Start the job when a place has to be looked up, its last weather is two hours old, or an"
        " hour at which a flight departs or arrives or a plant was read has none, or an old"
        " forecast. It replaces the weather cache of the shipments service.",
    ),
)
def weather_due(
    context: dg.SensorEvaluationContext, weather: WeatherResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """One run for all places that are due; none while one is under way."""
    provider = weather.open()
    by_postcode = asks_by_postcode(provider)
    with warehouse.open() as store, store.engine.connect() as connection:
        now = utc_now()
        pending, due = count_due(connection, now, by_postcode=by_postcode)
        hours = count_hours_due(connection, now)
        left = left_of_allowance(connection, provider.name, provider.quotas, now)
    if not (pending or due or hours):
        return dg.SkipReason("No place is due.")
    if not pending and left < provider.cost_of_place:
        return dg.SkipReason(f"{due + hours} places are due, and the allowance is used up.")
    if orphaned_runs.is_under_way(context.instance, weather_job.name):
        return dg.SkipReason("A run is under way.")
    if orphaned_runs.failed_lately(context.instance, weather_job.name, AFTER_FAILURE_SECONDS):
        return dg.SkipReason("The last run failed; trying again in some minutes.")
    return dg.RunRequest()


definitions = dg.Definitions(
    assets=[PROVIDER, GEOCODER, places, observations, hourly],
    asset_checks=CHECKS,
    jobs=[weather_job],
    sensors=[weather_due],
)
