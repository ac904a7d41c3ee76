"""The weather in Dagster: places, observations, hours, and the sensor of what is due."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import dagster as dg
from sqlalchemy import Table, text

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
from pipelines.sources.weather import GEOCODER, PROVIDER, Settings, source, tables
from pipelines.sources.weather.clients import open_geocoder, open_hours, open_provider
from pipelines.sources.weather.fetch import Kind, fetch
from pipelines.sources.weather.geocode_places import Geocoding, put_places
from pipelines.sources.weather.kinds import Archive, Forecast, PresentWeather
from pipelines.warehouse.connection import set_local
from pipelines.warehouse.sql_files import read_sql

#: How long the sensor waits after a failed run.
AFTER_FAILURE_SECONDS = 240.0
SENSOR_SECONDS = 3
#: The sensor rests for 20 times as long as its queries took, to use 5 % of a core at most, and for
#: this time if they found nothing.
REST_FACTOR, MIN_REST_SECONDS = 20.0, 10.0
#: How long one of its queries may take.
MAX_QUERY_SECONDS = 120


@dg.multi_asset(
    name="weather_places", specs=[table_spec(source, tables.places, deps=[input_key(GEOCODER)])]
)
def places(
    context: dg.AssetExecutionContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Bring the places in use up to date, and look up the coordinates of new ones."""
    with as_dagster_failure(context, is_patient=False), warehouse.open() as store:
        put_places(store)
        kind = Geocoding(open_geocoder(weather.settings(), utc_now), utc_now)
        done = fetch(store, [kind], is_by_hand=run_state.is_by_hand(context.run))
        if done.failure is not None:  # other places are fetched anyway
            context.log.warning("%s", done.failure)
        if kind.located:
            record_source_event(context, GEOCODER, {"places_located": len(kind.located)})
        with store.engine.connect() as connection:
            metadata = table_stats(connection, asset_key(tables.places))
    statuses = Counter(one.status for one in kind.located)
    return dg.MaterializeResult(
        metadata={
            **metadata,
            "looked_up": len(kind.located),
            **{name: statuses[name] for name in ("found", "ambiguous", "not_found")},
            **({"last_failure": done.failure.problem} if done.failure else {}),
            **({"paused": done.paused} if done.paused else {}),
        }
    )


@dg.multi_asset(
    name="weather_fetched",
    specs=[
        table_spec(source, table, deps=[input_key(PROVIDER), asset_key(tables.places)])
        for table in (tables.observations, tables.hourly)
    ],
    can_subset=True,
)
def fetched(
    context: dg.AssetExecutionContext, weather: SourceResource, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Fetch the present weather of every place that is due, then the hours that are wanted.

    Hours are those that are missing, and those whose forecast is old. In this order, as both use
    the requests of a day; the hours are fetched even if the present weather failed.
    """
    failures: list[Exception] = []
    for table, kinds_of in ((tables.observations, _present), (tables.hourly, _hours)):
        if asset_key(table) in context.selected_asset_keys:
            try:
                yield _fetch(context, weather, warehouse, table, kinds_of)
            except Exception as failure:  # noqa: BLE001 - raised below
                failures.append(failure)
    for other in failures[1:]:
        context.log.error("%s", other)
    if failures:
        raise failures[0]


def _present(settings: Settings) -> list[Kind[Any, Any]]:
    return [PresentWeather(open_provider(settings, utc_now), utc_now)]


def _hours(settings: Settings) -> list[Kind[Any, Any]]:
    forecast, archive = open_hours(settings, utc_now)
    return [Forecast(forecast, utc_now), Archive(archive, utc_now)]


def _fetch(
    context: dg.AssetExecutionContext,
    weather: SourceResource,
    warehouse: WarehouseResource,
    table: Table,
    kinds_of: Callable[[Settings], list[Kind[Any, Any]]],
) -> dg.MaterializeResult[None]:
    """Fetch what is due. Raises the last failure if all places failed, not individually."""
    with as_dagster_failure(context, is_patient=False), warehouse.open() as store:
        kinds = kinds_of(weather.settings())
        done = fetch(store, kinds, is_by_hand=run_state.is_by_hand(context.run))
        if done.failure is not None:
            context.log.warning("%s", done.failure)
        if done.requests:
            counted = {"requests": done.requests, "places_refreshed": done.succeeded}
            record_source_event(context, PROVIDER, counted)
        is_of_provider = isinstance(done.failure, TransientFailure | PermanentFailure)
        if done.failure is not None and is_of_provider and done.failed and not done.succeeded:
            raise done.failure
        if table is tables.observations and done.failure is None and done.paused is None:
            note_checked(store, source, context.run.run_id)
        if done.impossible:
            context.log.warning("Ignored as impossible: %s", dict(done.impossible))
        with store.engine.connect() as connection:
            stats = table_stats(connection, asset_key(table))
        return dg.MaterializeResult(
            asset_key=asset_key(table),
            metadata={
                **stats,
                "provider": kinds[0].client.name,
                "places_refreshed": done.succeeded,
                "places_failed": done.failed,
                "requests": done.requests,
                "impossible_values": done.impossible.total(),
                **({"paused": done.paused} if done.paused else {}),
            },
        )


@due_sensor("weather_due", job_name=source.name, seconds=SENSOR_SECONDS)
def weather_due(
    context: dg.SensorEvaluationContext, weather: SourceResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Start the job when a place or an hour is due.

    Due are new places, places whose weather is two hours old, and requested hours without weather
    or with an old forecast.
    """
    settings, began, rests_until = weather.settings(), utc_now().timestamp(), 0.0
    with suppress(ValueError):  # of another version
        rests_until = float(context.cursor or 0)
    if began < rests_until:
        return dg.SkipReason("No place is due.")
    geocoding = Geocoding(open_geocoder(settings, utc_now), utc_now)
    kinds = [geocoding, *_present(settings), *_hours(settings)]
    with warehouse.open() as store, store.engine.connect() as connection:
        set_local(connection, "statement_timeout", f"{MAX_QUERY_SECONDS}s")
        new = text(read_sql("pipelines.sources.weather", "pick_new_places"))
        is_due = bool(connection.execute(new).all())
        waiting: list[str] = []
        for kind in kinds:
            rows, paused = kind.pick(connection)
            is_due |= bool(rows)
            waiting += [paused] if paused else []
    ended = utc_now().timestamp()
    rest = REST_FACTOR * (ended - began)
    rest = rest if is_due else max(rest, MIN_REST_SECONDS)
    context.update_cursor(str(ended + rest))
    if not is_due:
        return dg.SkipReason("; ".join(dict.fromkeys(waiting)) or "No place is due.")
    seconds = AFTER_FAILURE_SECONDS
    reason = run_state.reason_to_wait(context.instance, source.name, seconds=seconds)
    return dg.SkipReason(reason) if reason else dg.RunRequest()


definitions = dg.Definitions(assets=[places, fetched], sensors=[weather_due])
