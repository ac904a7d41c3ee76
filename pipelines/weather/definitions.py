"""What the weather gives to Dagster: assets, checks, its job, and the sensor of what is due."""

import dagster as dg

from pipelines import attended_runs
from pipelines.asset_pages import asset_key
from pipelines.resources import WarehouseResource, WeatherResource, utc_now
from pipelines.weather import tables
from pipelines.weather.assets import hourly, observations, places
from pipelines.weather.checks import CHECKS
from pipelines.weather.hours import count_hours_due
from pipelines.weather.refresh import asks_by_postcode, count_due

EVERY_SECONDS = 60

weather_job = dg.define_asset_job(
    "weather",
    selection=dg.AssetSelection.assets(asset_key(tables.places)).downstream(),
    description="Look up new places, ask for the weather of those that are due, and refresh what"
    " shows it.",
)


@dg.sensor(
    name="weather_due",
    job=weather_job,
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Start the job when a place has to be looked up, or its last weather is two hours"
    " old. It replaces the task that asked for all places every two hours.",
)
def weather_due(
    context: dg.SensorEvaluationContext, weather: WeatherResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """One run for all places that are due; none while one is under way."""
    by_postcode = asks_by_postcode(weather.open())
    with warehouse.open() as store, store.engine.connect() as connection:
        now = utc_now()
        pending, due = count_due(connection, now, by_postcode=by_postcode)
        hours = count_hours_due(connection, now)
    if not (pending or due or hours):
        return dg.SkipReason("No place is due.")
    if attended_runs.is_under_way(context.instance, weather_job.name):
        return dg.SkipReason("A run is under way.")
    return dg.RunRequest()


definitions = dg.Definitions(
    assets=[places, observations, hourly],
    asset_checks=CHECKS,
    jobs=[weather_job],
    sensors=[weather_due],
)
