"""Load generated histories of plants as the service and the weather bring them."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby

import psycopg

from pipelines.sources.solar.load import Plant as StoredPlant
from pipelines.sources.solar.load import load_response
from pipelines.sources.solar.windows import Window
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.solar.made_up import Item, answer_of
from pipelines_tests.sources.solar.oracle import DAY, HOUR, Hour, Plant, Sun, local_day

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
#: Days of a request.
DAYS = 13


def name_of(plant: Plant) -> str:
    return f"Plant {plant.plant_id}"


def add_plants(warehouse: Warehouse, owner: psycopg.Connection, plants: Iterable[Plant]) -> None:
    for plant in plants:
        owner.execute(
            "INSERT INTO solar.plants (plant_id, name, time_zone, latitude, longitude,"
            " capacity_kwp, tariff_per_kwh, tariff_currency)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *(plant.plant_id, name_of(plant), plant.time_zone),
                *(plant.latitude, plant.longitude),
                *(plant.capacity_kwp, plant.tariff_per_kwh, plant.tariff_currency),
            ],
        )
    put_places(warehouse)


def send(
    warehouse: Warehouse, plant: Plant, hours: Iterable[Hour], first: dt.date, end: dt.date
) -> None:
    """Load what the service answers about some days of a plant."""
    items = [item_of(hour) for hour in hours if first <= local_day(plant, hour.starts_at) < end]
    stored = StoredPlant(plant.plant_id, name_of(plant), plant.time_zone)
    load_response(warehouse, stored, Window(first, end), answer_of(items), run_id=None, now=NOW)


def item_of(hour: Hour) -> Item:
    observed = hour.observed_irradiation
    return {
        "datetime": f"{hour.starts_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "expected": {"energy": hour.expected_kwh, "irradiation": wh(hour.expected_irradiation)},
        "observed": {
            "energy": hour.observed_kwh,
            "irradiation": None if observed is None else wh(observed),
        },
    }


def wh(kwh: float) -> float:
    return round(1000 * kwh, 1)


def send_all(
    warehouse: Warehouse,
    plants: Iterable[Plant],
    hours: Sequence[Hour],
    first: dt.date,
    last: dt.date,
) -> None:
    """Load all days of each plant, the last ones first, as a sync does."""
    by_plant = defaultdict(list)
    for hour in hours:
        by_plant[hour.plant_id].append(hour)
    for plant in plants:
        end = last + DAY
        while first < end:
            begin = max(first, end - DAYS * DAY)
            send(warehouse, plant, by_plant[plant.plant_id], begin, end)
            end = begin


def add_weather(owner: psycopg.Connection, suns: Iterable[Sun]) -> None:
    """Store the weather's irradiation as a request brings it: a mean at the end of its hour."""
    in_order = sorted(suns, key=lambda sun: (sun.plant_id, sun.starts_at))
    for plant_id, of_plant in groupby(in_order, key=lambda sun: sun.plant_id):
        rows = [(plant_id, sun.starts_at + HOUR, wh(sun.irradiation)) for sun in of_plant]
        with owner.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO weather.hourly"
                " (place_id, hour_at, shortwave_radiation_w_per_m2, weather_source, fetched_at)"
                " SELECT place_id, %s, %s, 'archive', clock_timestamp()"
                " FROM weather.places INNER JOIN solar.plants USING (place_key)"
                " WHERE plant_id = %s"
                " ON CONFLICT (place_id, hour_at) DO UPDATE SET"
                " shortwave_radiation_w_per_m2 = excluded.shortwave_radiation_w_per_m2,"
                " fetched_at = excluded.fetched_at",
                [(at, value, plant_id) for plant_id, at, value in rows],
            )
        note_request(owner, plant_id)


def note_request(owner: psycopg.Connection, plant_id: int) -> None:
    """Log the request that brought hours of a plant's place, as the weather does."""
    owner.execute(
        "INSERT INTO weather.api_requests"
        " (request_id, place_id, provider, kind, requested_at, outcome, cost)"
        " SELECT %s, place_id, 'open-meteo', 'archive', clock_timestamp(), 'success', 1"
        " FROM weather.places INNER JOIN solar.plants USING (place_key) WHERE plant_id = %s",
        [uuid.uuid4(), plant_id],
    )
