"""The assets of the weather: places in use, and how it is there."""

import dagster as dg

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.orchestration.asset_metadata import (
    Page,
    asset_key,
    failures_told,
    source_spec,
    table_spec,
)
from pipelines.orchestration.resources import WarehouseResource, WeatherResource, utc_now
from pipelines.sources.weather import geocode_places, tables
from pipelines.sources.weather.hours import fill_hours
from pipelines.sources.weather.pictures import places_map
from pipelines.sources.weather.refresh import Refresh, refresh
from pipelines.warehouse.connection import Warehouse

SHIPMENTS = dg.AssetKey(["shipments", "shipments"])
LEGS = dg.AssetKey(["flights", "legs"])
ADDRESSES = dg.AssetKey(["shipments", "addresses"])
PLANTS = dg.AssetKey(["solar", "plants"])
READINGS = dg.AssetKey(["solar", "readings"])
PROVIDER = source_spec(
    "weather_provider",
    "The weather service, past, present and forecast: Open-Meteo unless said otherwise.",
    kind="json",
    read_by="weather/providers/open_meteo.py",
    setting="WEATHER_PROVIDER",
)
GEOCODER = source_spec(
    "geocoder",
    "The service that knows where places are: Open-Meteo's search by name and country.",
    kind="json",
    read_by="weather/geocoding.py",
    setting="GEOCODING_BASE_URL",
)


@dg.multi_asset(
    name="weather_places",
    specs=[table_spec(tables.places, deps=[GEOCODER.key, SHIPMENTS, ADDRESSES, LEGS, PLANTS])],
)
def places(
    context: dg.AssetExecutionContext, weather: WeatherResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Bring the places in use up to date, and look up where the new ones are."""
    with failures_told(context, is_patient=False) as page, warehouse.open() as store:
        geocode_places.put_places(store, utc_now())
        located, failure = geocode_places.locate_places(store, weather.geocoder(), utc_now)
        if failure is not None:  # what is known of the other places is asked for all the same
            context.log.warning("%s", failure)
        if located:
            page.heard(GEOCODER, {"looked up": len(located)})
        with store.engine.connect() as connection:
            told = page.of(connection, asset_key(tables.places))
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
    specs=[table_spec(tables.observations, deps=[PROVIDER.key, asset_key(tables.places)])],
)
def observations(
    context: dg.AssetExecutionContext, weather: WeatherResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Ask for the present weather of every place that is due."""
    with failures_told(context, is_patient=False) as page, warehouse.open() as store:
        provider = weather.open()
        done = refresh(store, provider, clock=utc_now)
        return _page(page, context, store, asset_key(tables.observations), provider.name, done)


@dg.multi_asset(
    name="weather_hourly",
    specs=[
        table_spec(tables.hourly, deps=[PROVIDER.key, asset_key(tables.places), LEGS, READINGS])
    ],
)
def hourly(
    context: dg.AssetExecutionContext, weather: WeatherResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Ask for the hours that are wanted and missing, and for forecasts that are old."""
    with failures_told(context, is_patient=False) as page, warehouse.open() as store:
        provider = weather.hours()
        done = fill_hours(store, provider, utc_now)
        return _page(page, context, store, asset_key(tables.hourly), provider.name, done)


def _page(
    page: Page,
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
        page.heard(PROVIDER, {"requests": done.requests, "places refreshed": done.succeeded})
    is_theirs = isinstance(done.failure, TransientFailure | PermanentFailure)
    if done.failure is not None and is_theirs and done.failed and not done.succeeded:
        raise done.failure
    with store.engine.connect() as connection:
        told = page.of(connection, key)
    return dg.MaterializeResult(
        metadata={
            **told,
            "provider": provider,
            "refreshed": done.succeeded,
            "failed": done.failed,
            "requests": done.requests,
        }
    )
