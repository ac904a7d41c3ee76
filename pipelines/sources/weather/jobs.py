"""The weather in Dagster: places in use, how it is there, and the sensor of what is due."""

import dagster as dg

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.orchestration import run_state
from pipelines.orchestration.asset_metadata import (
    StepMetadata,
    as_dagster_failure,
    asset_key,
    input_key,
    table_spec,
)
from pipelines.orchestration.resources import SourceResource, WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.sources.weather import GEOCODER, PROVIDER, geocode_places, source, tables
from pipelines.sources.weather.clients import open_geocoder, open_hours, open_provider
from pipelines.sources.weather.hours import count_hours_due, fill_hours
from pipelines.sources.weather.pictures import places_map
from pipelines.sources.weather.refresh import Refresh, asks_by_postcode, count_due, refresh
from pipelines.sources.weather.request_log import left_of_allowance
from pipelines.warehouse.connection import Warehouse

AFTER_FAILURE_SECONDS = 240.0


@dg.multi_asset(
    name="weather_places",
    specs=[table_spec(source, tables.places, deps=[input_key(GEOCODER)])],
)
def places(
    context: dg.AssetExecutionContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Bring the places in use up to date, and look up where the new ones are."""
    with as_dagster_failure(context, is_patient=False) as step, warehouse.open() as store:
        geocode_places.put_places(store, utc_now())
        located, failure = geocode_places.locate_places(
            store, open_geocoder(weather.settings(), utc_now), utc_now
        )
        if failure is not None:  # what is known of the other places is asked for all the same
            context.log.warning("%s", failure)
        if located:
            step.record_source_event(GEOCODER, {"looked up": len(located)})
        with store.engine.connect() as connection:
            told = step.table_stats(connection, asset_key(tables.places))
            if picture := places_map(geocode_places.on_the_map(connection)):
                told["map"] = dg.MetadataValue.md(picture)
    return dg.MaterializeResult(
        metadata={
            **told,
            "looked up": len(located),
            "found": sum(one.status == "found" for one in located),
            **({"failed": failure.problem} if failure else {}),
        }
    )


@dg.multi_asset(
    name="weather_observations",
    specs=[
        table_spec(
            source, tables.observations, deps=[input_key(PROVIDER), asset_key(tables.places)]
        )
    ],
)
def observations(
    context: dg.AssetExecutionContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Ask for the present weather of every place that is due."""
    with as_dagster_failure(context, is_patient=False) as step, warehouse.open() as store:
        provider = open_provider(weather.settings(), utc_now)
        done = refresh(store, provider, clock=utc_now)
        return _page(step, context, store, asset_key(tables.observations), provider.name, done)


@dg.multi_asset(
    name="weather_hourly",
    specs=[table_spec(source, tables.hourly, deps=[input_key(PROVIDER), asset_key(tables.places)])],
)
def hourly(
    context: dg.AssetExecutionContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Ask for the hours that are wanted and missing, and for forecasts that are old."""
    with as_dagster_failure(context, is_patient=False) as step, warehouse.open() as store:
        provider = open_hours(weather.settings(), utc_now)
        done = fill_hours(store, provider, utc_now)
        return _page(step, context, store, asset_key(tables.hourly), provider.name, done)


def _page(
    step: StepMetadata,
    context: dg.AssetExecutionContext,
    store: Warehouse,
    key: dg.AssetKey,
    provider: str,
    done: Refresh,
) -> dg.MaterializeResult[None]:
    """What the page shows; raises when every place failed, and not for what was asked."""
    if done.failure is not None:
        context.log.warning("%s", done.failure)
    if done.requests:
        step.record_source_event(
            PROVIDER, {"requests": done.requests, "places refreshed": done.succeeded}
        )
    is_theirs = isinstance(done.failure, TransientFailure | PermanentFailure)
    if done.failure is not None and is_theirs and done.failed and not done.succeeded:
        raise done.failure
    with store.engine.connect() as connection:
        told = step.table_stats(connection, key)
    return dg.MaterializeResult(
        metadata={
            **told,
            "provider": provider,
            "refreshed": done.succeeded,
            "failed": done.failed,
            "requests": done.requests,
        }
    )


@due_sensor("weather_due", job_name=source.name, seconds=60)
def weather_due(
    context: dg.SensorEvaluationContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Start the job when a place has to be found, its last weather is two hours old, or an hour
    that a source wants has none, or an old forecast. It replaces the weather cache of the shipments
    service.
    """
    provider = open_provider(weather.settings(), utc_now)
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
    if run_state.is_under_way(context.instance, source.name):
        return dg.SkipReason("A run is under way.")
    if run_state.failed_lately(context.instance, source.name, AFTER_FAILURE_SECONDS):
        return dg.SkipReason("The last run failed; trying again in some minutes.")
    return dg.RunRequest()


definitions = dg.Definitions(assets=[places, observations, hourly], sensors=[weather_due])
