"""Two plants in autumn: one complete with low hours of all kinds; one with gaps, a bad sensor."""

import datetime as dt
from collections.abc import Iterator
from math import pi, sin
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from pipelines.sources.solar import losses, plant_health
from pipelines.sources.solar.load import Plant, load_response, note_failed
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.solar_rows import add_plant
from pipelines_tests.sources.solar.made_up import Item, answer_of

SIERRA = Plant(1, "Sierra Alta", "Europe/Madrid")
HAVEL = Plant(2, "Havel North", "Europe/Berlin")
COORDINATES = {SIERRA: (37.09, -2.36), HAVEL: (52.6, 12.34)}
#: Energy and irradiation of the best hour, kWh and Wh/m².
SIZES = {SIERRA: (1000, 600), HAVEL: (300, 350)}
CAPACITIES_KWP = {SIERRA: 1900, HAVEL: 980}
#: Hours of UTC.
DAYLIGHT = {SIERRA: (7, 17), HAVEL: (7, 16)}
BEGINS = {SIERRA: dt.date(2026, 9, 1), HAVEL: dt.date(2026, 10, 5)}
END = dt.date(2026, 11, 2)
HISTORY_FROM = {SIERRA: dt.date(2026, 9, 1), HAVEL: dt.date(2026, 10, 1)}
CLEAR = (0.96, 0.92, 0.94, 0.9)
CLOUDY = {dt.date(2026, 10, 20): 0.4, dt.date(2026, 10, 21): 0.5}
#: Hours in which a sensor of the Sierra saw little of the sun.
BLIND = (dt.date(2026, 10, 9), (11, 12, 13))
#: Hours in which one of its inverters was off.
TRIPPED = (dt.date(2026, 10, 15), (12, 13))
#: Hours of the night in which the Havel's meter went on.
NIGHT_LIGHT = (dt.date(2026, 10, 30), (1, 2, 3))
#: The day for which the service did not answer about the Havel.
AWAY = dt.date(2026, 10, 20)
LOST = (dt.date(2026, 10, 28), (11, 12, 13))
#: Hours of which the service first said that there was no energy.
CORRECTED = (dt.date(2026, 10, 27), (11, 12))
PROBLEM = "no answer within 10 s"
HOUR = dt.timedelta(hours=1)


class Values(NamedTuple):
    """An hour by the service, in kWh and Wh/m², and by the weather's model, in W/m²."""

    expected_kwh: int
    observed_kwh: int
    expected_wh_per_m2: int
    observed_wh_per_m2: int
    model_w_per_m2: int


def hours(plant: Plant, first: dt.date, end: dt.date) -> Iterator[dt.datetime]:
    """The beginnings of the hours of days of the plant's zone, as instants."""
    at, last = (
        dt.datetime.combine(day, dt.time(), ZoneInfo(plant.zone)).astimezone(dt.UTC)
        for day in (first, end)
    )
    while at < last:
        yield at
        at += HOUR


def local(plant: Plant, at: dt.datetime) -> dt.datetime:
    return at.astimezone(ZoneInfo(plant.zone)).replace(tzinfo=None)


def values(plant: Plant, at: dt.datetime) -> Values:
    """Return the true values of an hour."""
    clock = local(plant, at)
    day, hour = clock.date(), clock.hour
    rise, fall = DAYLIGHT[plant]
    height = max(0.0, sin(pi * (at.hour + 0.5 - rise) / (fall - rise)))
    expected, irradiation = (round(size * height) for size in SIZES[plant])
    sky = CLOUDY.get(day, 0.98)
    share = CLOUDY.get(day, CLEAR[day.toordinal() % len(CLEAR)])
    model, seen, made = round(irradiation * sky), round(irradiation * share), expected * share
    if plant == SIERRA and (day, hour) in _each(BLIND):
        seen = round(irradiation * 0.3)
    if plant == SIERRA and (day, hour) in _each(TRIPPED):
        made = expected * 0.4
    if plant == HAVEL and (day, hour) in _each(NIGHT_LIGHT):
        made = 4
    return Values(expected, round(made), irradiation, seen, model)


def _each(some: tuple[dt.date, tuple[int, ...]]) -> set[tuple[dt.date, int]]:
    day, of_day = some
    return {(day, hour) for hour in of_day}


def sent_hours(plant: Plant) -> list[dt.datetime]:
    """Return the hours of a plant that the service has returned in the end."""
    away = {AWAY} if plant == HAVEL else set()
    lost = _each(LOST) if plant == HAVEL else set()
    clocks = [(at, local(plant, at)) for at in hours(plant, BEGINS[plant], END)]
    return [
        at
        for at, clock in clocks
        if clock.date() not in away and (clock.date(), clock.hour) not in lost
    ]


def _items(plant: Plant, window: Window) -> list[Item]:
    sent = [(at, values(plant, at)) for at in sent_hours(plant)]
    return [
        {
            "datetime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "expected": {"energy": one.expected_kwh, "irradiation": one.expected_wh_per_m2},
            "observed": {"energy": one.observed_kwh, "irradiation": one.observed_wh_per_m2},
        }
        for at, one in sent
        if window.first <= local(plant, at).date() < window.end
    ]


def put_first(warehouse: Warehouse, owner: psycopg.Connection, now: dt.datetime) -> None:
    """Both plants, and what was first said of the days of the Sierra."""
    for plant, coordinates in COORDINATES.items():
        add_plant(owner, plant.plant_id, plant.zone, coordinates, name=plant.name)
        owner.execute(
            "UPDATE solar.plants SET capacity_kwp = %s WHERE plant_id = %s",
            [CAPACITIES_KWP[plant], plant.plant_id],
        )
    window = Window(BEGINS[SIERRA], CORRECTED[0] + dt.timedelta(days=1))
    items = _items(SIERRA, window)
    for item in items:
        clock = local(SIERRA, dt.datetime.fromisoformat(item["datetime"]))
        if (clock.date(), clock.hour) in _each(CORRECTED):
            item["observed"] = item["observed"] | {"energy": 0}
    load_response(warehouse, SIERRA, window, answer_of(items), run_id=None, now=now)


def put_second(warehouse: Warehouse, owner: psycopg.Connection, now: dt.datetime) -> None:
    """Load the Havel's days and the Sierra's last, with a correction; then evaluate both."""
    day = dt.timedelta(days=1)
    windows = [
        (SIERRA, Window(CORRECTED[0], END)),
        (HAVEL, Window(BEGINS[HAVEL], AWAY)),
        (HAVEL, Window(AWAY + day, END)),
    ]
    for plant, window in windows:
        answer = answer_of(_items(plant, window))
        load_response(warehouse, plant, window, answer, run_id=None, now=now)
    with warehouse.transaction("solar") as connection:
        note_failed(connection, HAVEL, Window(AWAY, AWAY + day), PROBLEM, now=now)
    for plant, answers, problem in ((SIERRA, 1, None), (HAVEL, 2, f"{AWAY}: {PROBLEM}")):
        owner.execute(
            "INSERT INTO solar.syncs VALUES (%s, %s, %s, NULL, %s, %s, %s)",
            [
                *(plant.plant_id, now, now + dt.timedelta(seconds=4 + 5 * answers)),
                *(HISTORY_FROM[plant], answers, problem),
            ],
        )
    plant_health.refresh(warehouse, now=now)


def put_weather(warehouse: Warehouse, owner: psycopg.Connection, fetched_at: dt.datetime) -> None:
    """The sunlight at the Sierra in October; places are known. Its time is the end of its hour."""
    some = hours(SIERRA, dt.date(2026, 10, 1), END)
    rows = [(at + HOUR, values(SIERRA, at).model_w_per_m2, fetched_at) for at in some]
    with owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO weather.hourly (place_id, hour_at, shortwave_radiation_w_per_m2,"
            " weather_source, fetched_at) SELECT place_id, %s, %s, 'archive', %s"
            " FROM weather.places INNER JOIN solar.plants USING (place_key) WHERE plant_id = 1",
            rows,
        )
    losses.refresh(warehouse)
