"""The solar numbers, computed a second time from their definitions and the raw hours alone.

Plain Python without SQL, which shares nothing with the code that it judges. Days are the plant's
own; an hour belongs to the local day in which it begins. What a day needs from other days, it
takes from days before it: a new or changed day changes no number of an earlier one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from math import fsum
from statistics import median
from typing import Literal
from zoneinfo import ZoneInfo

Cause = Literal["gain", "sky", "outage", "plant", "other", "sensor"]

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
#: The weather has sun enough to compare a sensor with it, and to doubt a sensor at zero; kWh/m².
CLEAR, BRIGHT = 0.2, 0.05
#: A day's scale is taken from the clear hours of so many days, itself the last; and from how many.
SCALE_DAYS, SCALE_HOURS = 30, 10
#: Days before a missing hour from which its energy is estimated.
ESTIMATE_DAYS = 14


@dataclass(frozen=True)
class Plant:
    plant_id: int
    time_zone: str
    latitude: float | None = None
    longitude: float | None = None
    capacity_kwp: float | None = None
    tariff_per_kwh: float | None = None
    tariff_currency: str | None = None


@dataclass(frozen=True)
class Hour:
    """A stored reading; irradiation in kWh/m² of the hour, observed_irradiation by the sensor."""

    plant_id: int
    starts_at: datetime
    observed_kwh: float
    expected_kwh: float
    observed_irradiation: float | None
    expected_irradiation: float


@dataclass(frozen=True)
class Sun:
    """What the weather has of an hour at the plant: horizontal irradiation, kWh/m²."""

    plant_id: int
    starts_at: datetime
    irradiation: float


@dataclass(frozen=True)
class Record:
    """A plant, all of its stored hours, and the weather's irradiation by hour, where known."""

    plant: Plant
    hours: Sequence[Hour]
    suns: Mapping[datetime, float] = field(default_factory=dict)

    @cached_property
    def by_day(self) -> dict[date, list[Hour]]:
        days = defaultdict(list)
        for hour in sorted(self.hours, key=lambda hour: hour.starts_at):
            days[local_day(self.plant, hour.starts_at)].append(hour)
        return dict(days)

    def on(self, day: date) -> list[Hour]:
        return self.by_day.get(day, [])

    def between(self, first: date, last: date) -> list[Hour]:
        """Return the hours of some days, both ends included: a week, a month, a year."""
        return [
            hour for day, hours in self.by_day.items() if first <= day <= last for hour in hours
        ]


def records(
    plants: Iterable[Plant], hours: Iterable[Hour], suns: Iterable[Sun]
) -> dict[int, Record]:
    hours, suns = list(hours), list(suns)
    return {
        plant.plant_id: Record(
            plant,
            [hour for hour in hours if hour.plant_id == plant.plant_id],
            {sun.starts_at: sun.irradiation for sun in suns if sun.plant_id == plant.plant_id},
        )
        for plant in plants
    }


def local_day(plant: Plant, instant: datetime) -> date:
    return instant.astimezone(ZoneInfo(plant.time_zone)).date()


def calendar_hours(plant: Plant, day: date) -> list[datetime]:
    """Return the full hours of UTC that begin within a local day: 23, 24 or 25."""
    start = datetime.combine(day, time(0), UTC) - DAY
    hours = (start + number * HOUR for number in range(72))
    return [hour for hour in hours if local_day(plant, hour) == day]


# The sun of an hour


def does_sensor_work(hour: Hour, weather: float | None) -> bool:
    """Return whether the sensor counts, given the weather's irradiation or None.

    A sensor at zero in daylight contradicts energy, or, without energy, bright weather. Without
    energy and weather nothing confirms its zero: the logger may be dead.
    """
    if hour.observed_irradiation is None:
        return False
    if hour.observed_irradiation > 0 or hour.expected_irradiation == 0:
        return True
    return hour.observed_kwh == 0 and weather is not None and weather < BRIGHT


def scale(record: Record, day: date) -> float | None:
    """Return the median of sensor by weather over clear hours of the 30 days that end with `day`.

    A clear hour is one with a sensor above zero and weather of at least 0.2 kWh/m². None if there
    are fewer than ten.
    """
    ratios = [
        hour.observed_irradiation / record.suns[hour.starts_at]
        for number in range(SCALE_DAYS)
        for hour in record.on(day - number * DAY)
        if hour.observed_irradiation and record.suns.get(hour.starts_at, 0) >= CLEAR
    ]
    return median(ratios) if len(ratios) >= SCALE_HOURS else None


def sun(record: Record, hour: Hour) -> float | None:
    """Return the sun on the plane of the sensor, None if it is unknown."""
    weather = record.suns.get(hour.starts_at)
    if does_sensor_work(hour, weather):
        return hour.observed_irradiation
    if hour.observed_irradiation == 0 and hour.observed_kwh == 0:
        return None  # A dead logger: its zero energy says nothing, whatever the weather.
    ratio = scale(record, local_day(record.plant, hour.starts_at))
    return None if weather is None or ratio is None else weather * ratio


def allowed_kwh(record: Record, hour: Hour) -> float | None:
    """Return the energy that the sun allowed, None if that is unknown.

    Nothing is allowed where nothing is expected. Where energy is expected of no sun, the sun's
    share is unknown.
    """
    if hour.expected_kwh == 0:
        return 0.0
    known = sun(record, hour)
    if known is None or hour.expected_irradiation == 0:
        return None
    return hour.expected_kwh * min(1.0, known / hour.expected_irradiation)


# Losses


def losses(record: Record, hour: Hour) -> dict[Cause, float]:
    """Split expected less observed into one or two causes; an hour as expected has none."""
    missing = hour.expected_kwh - hour.observed_kwh
    if missing == 0:
        return {}
    if missing < 0:
        return {"gain": missing}
    allowed = allowed_kwh(record, hour)
    if allowed is None:
        return {"sensor": missing}
    if hour.observed_kwh >= allowed:
        return {"sky": missing}
    rest: Cause = "other"
    if hour.observed_kwh < 0.01 * allowed:
        rest = "outage"
    elif hour.observed_kwh < 0.6 * allowed:
        rest = "plant"
    parts: dict[Cause, float] = {rest: allowed - hour.observed_kwh}
    if hour.expected_kwh > allowed:
        parts["sky"] = hour.expected_kwh - allowed
    return parts


def sum_of_losses(record: Record, hours: Iterable[Hour]) -> dict[Cause, float]:
    total: dict[Cause, float] = defaultdict(float)
    for hour in hours:
        for cause, kwh in losses(record, hour).items():
            total[cause] += kwh
    return dict(total)


def day_losses(record: Record, day: date) -> dict[Cause, float]:
    return sum_of_losses(record, record.on(day))


def not_delivered(record: Record, day: date) -> float | None:
    """Estimate the energy of the hours of a day without readings, in kWh.

    Of each, the median of what was observed at the same hour of the clock in the 14 days before.
    Hours of which nothing is known then are left out; None if that is all that are missing.
    """
    zone = ZoneInfo(record.plant.time_zone)
    stored = {hour.starts_at for hour in record.on(day)}
    missing = [at for at in calendar_hours(record.plant, day) if at not in stored]
    before = record.between(day - ESTIMATE_DAYS * DAY, day - DAY)
    by_clock = defaultdict(list)
    for hour in before:
        by_clock[hour.starts_at.astimezone(zone).hour].append(hour.observed_kwh)
    clocks = [at.astimezone(zone).hour for at in missing]
    estimates = [median(by_clock[clock]) for clock in clocks if clock in by_clock]
    return fsum(estimates) if estimates or not missing else None


# Ratios


def performance_ratio(hours: Sequence[Hour]) -> float | None:
    return _ratio(fsum(h.observed_kwh for h in hours), fsum(h.expected_kwh for h in hours))


def weather_adjusted_ratio(record: Record, hours: Sequence[Hour]) -> float | None:
    """Return observed by allowed energy, of the hours whose allowed energy is known."""
    known = [(h.observed_kwh, a) for h in hours if (a := allowed_kwh(record, h)) is not None]
    return _ratio(fsum(observed for observed, _ in known), fsum(allowed for _, allowed in known))


def iec_performance_ratio(record: Record, hours: Sequence[Hour]) -> float | None:
    """Return (kWh / kWp) / (kWh/m² / 1 kW/m²) of the hours with a working sensor."""
    working = [h for h in hours if does_sensor_work(h, record.suns.get(h.starts_at))]
    final_yield = specific_yield(record, working)
    reference_yield = fsum(h.observed_irradiation or 0 for h in working)
    return None if final_yield is None else _ratio(final_yield, reference_yield)


def specific_yield(record: Record, hours: Sequence[Hour]) -> float | None:
    """Return kWh / kWp; None without a capacity or without hours."""
    capacity = record.plant.capacity_kwp
    if capacity is None or not hours:
        return None
    return fsum(hour.observed_kwh for hour in hours) / capacity


def data_completeness(record: Record, first: date, last: date) -> float:
    """Return stored by calendar hours of some days, both ends included."""
    days = [first + number * DAY for number in range((last - first).days + 1)]
    calendar = sum(len(calendar_hours(record.plant, day)) for day in days)
    return len(record.between(first, last)) / calendar


def best_hour(record: Record, hour: Hour) -> float:
    """Return the largest expected energy of an hour stored of the same day."""
    day = local_day(record.plant, hour.starts_at)
    return max(other.expected_kwh for other in record.on(day))


def operational_availability(record: Record, hours: Sequence[Hour]) -> float | None:
    """Return the share of hours that the plant used, of those that it could have used.

    It could use an hour in which the sun allowed more than 1 % of the day's best hour; it did if
    it made more than 1 % of what was allowed.
    """
    usable = [
        (hour.observed_kwh, allowed)
        for hour in hours
        if (allowed := allowed_kwh(record, hour)) is not None
        and allowed > 0.01 * best_hour(record, hour)
    ]
    return _ratio(sum(observed > 0.01 * allowed for observed, allowed in usable), len(usable))


def money(plant: Plant, kwh: float) -> float | None:
    return None if plant.tariff_per_kwh is None else kwh * plant.tariff_per_kwh


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
