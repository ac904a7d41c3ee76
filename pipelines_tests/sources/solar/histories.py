"""Generated histories of solar plants, with what inverters, sensors, loggers and clouds do.

Each seed has each case at least once; `test_histories.py` tests so. Every fourth seed has the
same forty days: clocks go forward, clocks go back, the year ends, or nothing of it happens.
Nothing of `pipelines`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from math import cos, pi, radians, sin
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from pipelines_tests.sources.solar.oracle import (
    DAY,
    HOUR,
    Hour,
    Plant,
    Sun,
    calendar_hours,
)

DAYS = 40
STARTS = (date(2026, 2, 25), date(2026, 10, 10), date(2025, 12, 1), date(2026, 5, 25))
INVERTERS, SNOW, SENSOR, LOGGER, TOKYO, NO_PLACE, NO_WEATHER, NO_CAPACITY = range(1, 9)
PLANTS = {
    plant.plant_id: plant
    for plant in (
        Plant(INVERTERS, "Europe/Berlin", 48.1, 11.6, 60.0, 0.08, "EUR"),
        Plant(SNOW, "Europe/Berlin", 52.5, 13.4, 30.0),
        Plant(SENSOR, "America/Los_Angeles", 34.0, -118.2, 250.0, 0.11, "USD"),
        Plant(LOGGER, "America/Los_Angeles", 36.7, -119.8, 90.0),
        Plant(TOKYO, "Asia/Tokyo", 35.7, 139.7, 45.5, 12.0, "JPY"),
        Plant(NO_PLACE, "Asia/Tokyo", None, None, 20.0),
        Plant(NO_WEATHER, "Europe/Berlin", 50.1, 8.7, 75.0),
        Plant(NO_CAPACITY, "America/Los_Angeles", 32.7, -117.2, None),
    )
}
#: Where the plant without coordinates is, and how large the one without a capacity.
PLACES = {NO_PLACE: (34.7, 135.5)}
CAPACITIES = {NO_CAPACITY: 120.0}


@dataclass
class History:
    """Readings and weather, in UTC.

    `nights` are zeros of deep night that the service does not send, of plants with coordinates;
    `hours` has the readings that it sends. `late_suns` come after the readings, `suns` before.
    """

    plants: list[Plant] = field(default_factory=lambda: list(PLANTS.values()))
    hours: list[Hour] = field(default_factory=list)
    nights: list[Hour] = field(default_factory=list)
    suns: list[Sun] = field(default_factory=list)
    late_suns: list[Sun] = field(default_factory=list)
    first: date = STARTS[0]
    last: date = STARTS[0]


def history(seed: int) -> History:
    """Return plants, their readings and the weather, always the same for a seed."""
    random = Random(seed)
    first = STARTS[seed % len(STARTS)]
    made = History(first=first, last=first + (DAYS - 1) * DAY)
    for plant in made.plants:
        days = _Days(plant, first, random)
        for number in range(DAYS):
            days.add(number, made)
    _impossible(made, random)
    return made


class _Days:
    """The days of a plant, each with the clouds of its own and with what is broken on it."""

    def __init__(self, plant: Plant, first: date, random: Random) -> None:
        self.plant, self.first, self.random = plant, first, random
        self.broken = dict(_broken(plant.plant_id, random))
        latitude, longitude = plant.latitude, plant.longitude
        if latitude is None or longitude is None:
            latitude, longitude = PLACES[plant.plant_id]
        self.latitude, self.longitude = latitude, longitude
        self.capacity = plant.capacity_kwp or CAPACITIES[plant.plant_id]
        self.dirt = 0.0

    def add(self, number: int, made: History) -> None:
        random, plant = self.random, self.plant
        what = self.broken.get(number, "")
        day_clouds = random.choice((1.0, 1.0, 0.8, 0.4, 0.15))
        # This plant gets dirty, until it is washed.
        self.dirt = 0.0 if number == 30 else self.dirt + 0.006 * (plant.plant_id == NO_CAPACITY)
        for at in calendar_hours(plant, self.first + number * DAY):
            height = self._height(at)
            local = at.astimezone(ZoneInfo(plant.time_zone)).hour
            clouds = min(1.0, day_clouds * random.uniform(0.8, 1.1))
            clouds = {"gray": 0.6, "dead gray logger": 0.02, "gain": 1.0}.get(what, clouds)
            # What the service expects has usual weather: clear days are above it.
            expected = 0.72 * max(0.0, height)
            sensor = 0.96 * max(0.0, height) * clouds
            weather = 0.85 * max(0.0, height) * clouds * random.uniform(0.93, 1.07)
            expected_kwh = expected * self.capacity * 0.82
            share = min(1.0, sensor / expected) if expected else 0.0
            energy = expected_kwh * share * random.uniform(0.9, 1.05) * (1 - self.dirt)
            energy, sensor = _broken_reading(what, local, number, energy, sensor, expected_kwh)
            hour = Hour(
                plant.plant_id,
                at,
                round(energy, 3),
                round(expected_kwh, 3),
                round(sensor, 4),
                round(expected, 4),
            )
            if what == "no day" or (what == "no hours" and 10 <= local <= 10 + number % 4):
                pass
            elif plant.plant_id == TOKYO and self._is_deep_night(at):
                made.nights.append(hour)
            else:
                made.hours.append(hour)
            if plant.plant_id not in (NO_PLACE, NO_WEATHER) and "no weather" not in what:
                suns = made.suns if number % 5 else made.late_suns
                suns.append(Sun(plant.plant_id, at, round(weather, 4)))

    def _height(self, at: datetime) -> float:
        """The sine of the sun's elevation in the middle of an hour."""
        middle = at + HOUR / 2
        declination = radians(-23.44) * cos(2 * pi * (middle.timetuple().tm_yday + 10) / 365)
        angle = 2 * pi * (middle.hour + middle.minute / 60 - 12 + self.longitude / 15) / 24
        latitude = radians(self.latitude)
        return sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(angle)

    def _is_deep_night(self, at: datetime) -> bool:
        return all(self._height(at + n * HOUR / 2) < sin(radians(-8)) for n in (-1, 0, 1))


def _broken(plant_id: int, random: Random) -> Iterator[tuple[int, str]]:
    """What is broken at a plant, by the number of the day."""
    shift = random.randrange(3)
    episodes = {
        INVERTERS: [
            ("one of three", 6, 5),
            ("gray", 14, 7),
            ("half", 25, 2),
            ("as expected", 29, 1),
        ],
        SNOW: [("snow", 5, 3), ("snow on all", 8, 2), ("no hours", 15, 4), ("no day", 24, 2)],
        SENSOR: [("dirty sensor", 12, 15), ("gain", 31, 3)],
        LOGGER: [
            ("dead logger", 14, 2),
            ("dead logger, no weather", 18, 2),
            ("dead gray logger", 22, 1),
            ("no weather", 26, 2),
        ],
        TOKYO: [("dead sensor, no weather", 3, 1), ("dead sensor", 20, 5), ("no hours", 30, 2)],
        NO_PLACE: [("dead sensor", 10, 2), ("dead logger", 16, 2), ("no day", 28, 1)],
        NO_WEATHER: [("dead logger", 9, 2), ("gray", 20, 2), ("no hours", 26, 2)],
        NO_CAPACITY: [("gain", 33, 1)],
    }
    if plant_id == TOKYO:
        yield 0, "dead sensor"  # No clear hours before: the weather has no scale yet.
    for what, first, days in episodes[plant_id]:
        for number in range(first + shift, first + shift + days):
            yield number, what


def _broken_reading(
    what: str, local: int, number: int, energy: float, sensor: float, expected: float
) -> tuple[float, float]:
    """Return the energy and irradiation that are sent, given what they are."""
    if what == "one of three":
        return energy * 2 / 3, sensor
    if what in ("gray", "snow"):  # All inverters are dead; the modules are covered.
        return 0.0, sensor
    if what == "half":  # More than half of the plant is dead in the afternoon.
        return energy * (0.4 if local >= 12 else 1.0), sensor
    if what == "as expected":
        return expected, sensor
    if what == "snow on all" or "logger" in what:
        return 0.0, 0.0
    if "dead sensor" in what:
        return energy, 0.0
    if what == "dirty sensor":
        return energy, sensor * (1 - 0.02 * (number - 11))
    if what == "gain":
        return expected * 1.2, sensor
    return energy, sensor


def _impossible(made: History, random: Random) -> None:
    """A spike of a day's energy, a day in Wh, energy without sun, and of no expected sun."""
    noon = {}
    for position, hour in enumerate(made.hours):
        plant = PLANTS[hour.plant_id]
        local = hour.starts_at.astimezone(ZoneInfo(plant.time_zone))
        number = (local.date() - made.first) // timedelta(days=1)
        if hour.plant_id == NO_CAPACITY and number == 36 and hour.expected_kwh:
            made.hours[position] = _with(hour, observed_kwh=round(hour.observed_kwh * 1000, 3))
        if local.hour == 12:
            noon[hour.plant_id, number] = position
    for plant_id, number, changes in (
        (NO_WEATHER, 35, {"factor": 6.0}),
        (NO_WEATHER, 36, {"observed_irradiation": 0.01}),
        (NO_PLACE, 34, {"expected_irradiation": 0.0}),
    ):
        position = noon[plant_id, number]
        hour = made.hours[position]
        factor = changes.pop("factor", None)
        kwh = hour.expected_kwh * (factor or random.uniform(0.6, 0.9))
        made.hours[position] = _with(hour, observed_kwh=round(kwh, 3), **changes)


def _with(hour: Hour, **changes: Any) -> Hour:
    return replace(hour, **changes)


def stored_hours(made: History) -> list[Hour]:
    """What is stored in the end: sent hours, and the zeros of deep nights."""
    return [*made.hours, *made.nights]


def all_suns(made: History) -> list[Sun]:
    return [*made.suns, *made.late_suns]
