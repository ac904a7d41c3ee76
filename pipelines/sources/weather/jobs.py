"""The weather in Dagster: places, observations, hours, and the sensor of what is due."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.orchestration import run_state
from pipelines.orchestration.asset_metadata import (
    as_dagster_failure,
    asset_key,
    input_key,
    record_source_event,
    table_spec,
    table_stats,
)
from pipelines.orchestration.automation import note_checked
from pipelines.orchestration.resources import SourceResource, WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.sources.weather import GEOCODER, PROVIDER, due, geocode_places, source, tables
from pipelines.sources.weather.clients import open_geocoder, open_hours, open_provider
from pipelines.sources.weather.fetch import FetchResult, Kind
from pipelines.sources.weather.hours import Archive, Forecast, fill_hours
from pipelines.sources.weather.refresh import PresentWeather, accepts_postcodes, refresh
from pipelines.warehouse.connection import Warehouse, set_local

#: How long the sensor waits after a failed run.
AFTER_FAILURE_SECONDS = 240.0
#: Interval of the sensor. Its queries take no locks and write nothing; `due` has their pause.
SENSOR_SECONDS = 3
#: How long one of its queries may take.
MAX_QUERY_SECONDS = 120


@dg.multi_asset(
    name="weather_places",
    specs=[table_spec(source, tables.places, deps=[input_key(GEOCODER)])],
)
def places(
    context: dg.AssetExecutionContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Bring the places in use up to date, and look up the coordinates of new ones."""
    with as_dagster_failure(context, is_patient=False), warehouse.open() as store:
        geocode_places.put_places(store)
        located, done = geocode_places.geocode_places(
            store,
            open_geocoder(weather.settings(), utc_now),
            utc_now,
            is_by_hand=run_state.is_by_hand(context.run),
        )
        if done.failure is not None:  # other places are fetched anyway
            context.log.warning("%s", done.failure)
        if located:
            record_source_event(context, GEOCODER, {"places_located": len(located)})
        with store.engine.connect() as connection:
            metadata = table_stats(connection, asset_key(tables.places))
    statuses = Counter(one.status for one in located)
    return dg.MaterializeResult(
        metadata={
            **metadata,
            "looked_up": len(located),
            "found": statuses["found"],
            "ambiguous": statuses["ambiguous"],
            "not_found": statuses["not_found"],
            **({"last_failure": done.failure.problem} if done.failure else {}),
            **({"paused": done.paused} if done.paused else {}),
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
    """Fetch the present weather of every place that is due."""
    with as_dagster_failure(context, is_patient=False), warehouse.open() as store:
        provider = open_provider(weather.settings(), utc_now)
        is_by_hand = run_state.is_by_hand(context.run)
        done = refresh(store, provider, clock=utc_now, is_by_hand=is_by_hand)
        return _result(context, store, asset_key(tables.observations), provider.name, done)


@dg.multi_asset(
    name="weather_hourly",
    specs=[table_spec(source, tables.hourly, deps=[input_key(PROVIDER), asset_key(tables.places)])],
)
def hourly(
    context: dg.AssetExecutionContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Fetch the hours that are wanted and missing, and those whose forecast is old."""
    with as_dagster_failure(context, is_patient=False), warehouse.open() as store:
        provider = open_hours(weather.settings(), utc_now)
        is_by_hand = run_state.is_by_hand(context.run)
        done = fill_hours(store, provider, utc_now, is_by_hand=is_by_hand)
        return _result(context, store, asset_key(tables.hourly), provider.name, done)


def _result(
    context: dg.AssetExecutionContext,
    store: Warehouse,
    key: dg.AssetKey,
    provider: str,
    done: FetchResult,
) -> dg.MaterializeResult[None]:
    """Return the metadata of a fetch. Raises its failure if all places failed, not individually."""
    if done.failure is not None:
        context.log.warning("%s", done.failure)
    if done.requests:
        counted = {"requests": done.requests, "places_refreshed": done.succeeded}
        record_source_event(context, PROVIDER, counted)
    is_of_provider = isinstance(done.failure, TransientFailure | PermanentFailure)
    if done.failure is not None and is_of_provider and done.failed and not done.succeeded:
        raise done.failure
    if key == asset_key(tables.observations) and done.failure is None and done.paused is None:
        note_checked(store, source, context.run.run_id)
    if done.impossible:
        context.log.warning("Ignored as impossible: %s", dict(done.impossible))
    with store.engine.connect() as connection:
        stats = table_stats(connection, key)
    return dg.MaterializeResult(
        metadata={
            **stats,
            "provider": provider,
            "places_refreshed": done.succeeded,
            "places_failed": done.failed,
            "requests": done.requests,
            "impossible_values": done.impossible.total(),
            **({"impossible_by_name": dict(done.impossible)} if done.impossible else {}),
            **({"paused": done.paused} if done.paused else {}),
        }
    )


@due_sensor("weather_due", job_name=source.name, seconds=SENSOR_SECONDS)
def weather_due(
    context: dg.SensorEvaluationContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Start the job when a place or an hour is due.

    Due are new places, places whose weather is two hours old, and requested hours without weather
    or with an old forecast. It replaces the weather cache of the shipments service.
    """
    now = utc_now()
    settings = weather.settings()
    provider = open_provider(settings, utc_now)
    hours, geocoder = open_hours(settings, utc_now), open_geocoder(settings, utc_now)
    with warehouse.open() as store, store.engine.connect() as connection:
        set_local(connection, "statement_timeout", f"{MAX_QUERY_SECONDS}s")
        counts, cursor = due.count_due(
            connection, now, context.cursor, by_postcode=accepts_postcodes(provider)
        )
        kinds: tuple[Kind[Any, Any], ...] = (
            PresentWeather(provider, utc_now),
            Forecast(hours, utc_now),
            Archive(hours),
            geocode_places.Geocoding(geocoder),
        )
        is_spent = {
            kind.name: kind.quota_left(connection, now) < kind.cost_of_place
            for kind in (kinds if any(counts.values()) else ())
        }
    context.update_cursor(cursor)
    if reason := _reason_to_wait(context.instance, counts, is_spent):
        return dg.SkipReason(reason)
    return dg.RunRequest()


def _reason_to_wait(
    instance: dg.DagsterInstance, counts: Mapping[str, int], is_spent: Mapping[str, bool]
) -> str | None:
    """Return why no run is started, or None to start one. Kinds without quota do not count."""
    if not any(counts.values()):
        return "No place is due."
    if not any(count for name, count in counts.items() if not is_spent.get(name)):
        return f"{sum(counts.values())} places are due, and the quota is used up."
    return run_state.reason_to_wait(instance, source.name, seconds=AFTER_FAILURE_SECONDS)


definitions = dg.Definitions(assets=[places, observations, hourly], sensors=[weather_due])
