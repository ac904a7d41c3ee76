"""Impossible energy and soiling, computed from their definitions; see `oracle.py`.

A plant that gets dirty declines slowly, along a line. One that breaks declines in a step, and
noise declines now and then. The thresholds are those with which the tests of the rule pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import inf, sqrt
from statistics import fmean
from typing import Literal

from pipelines_tests.sources.solar.oracle import (
    Hour,
    Record,
    allowed_kwh,
    best_hour,
    day_losses,
    does_sensor_work,
    local_day,
    performance_ratio,
    weather_adjusted_ratio,
)

Impossible = Literal["above_expected", "above_sun", "watt_hours"]

#: The days looked at, and how many of them must be usable.
WINDOW_DAYS, LEAST_DAYS = 28, 20
#: How surely the line must fall, and by how much from its first day to its last, in percent.
LEAST_T, LEAST_DECLINE = 2.6, 2.5
#: Nothing gets dirty faster than this, in percent of the mean a day.
LARGEST_DAILY_DECLINE = 1.0
#: A step explains a true step far better than a line does, and a true line not much worse. It may
#: explain this share of what the line explains, and this multiple of its residual variance.
SHARE_OF_LINE, OF_VARIANCE = 0.9, 10.0


@dataclass(frozen=True)
class Soiling:
    """The evidence: the first usable day, how many there are, and the line's fall."""

    since: date
    days: int
    decline_percent_per_day: float
    t: float


def impossible_energy(record: Record, hour: Hour) -> Impossible | None:
    """Find energy that cannot be, and say by what; None if the hour is plausible.

    It is above 1.5 times the day's best hour; or it is more than 10 % of that, and above three
    times what a working sensor's sun allows. If all of the day is above 50 times what was
    expected, its hours above the best one are probably Wh, also those of a dark day.
    """
    best, observed = best_hour(record, hour), hour.observed_kwh
    if best > 0 and observed > 1.5 * best:
        of_day = performance_ratio(record.on(local_day(record.plant, hour.starts_at)))
        return "watt_hours" if of_day is not None and of_day > 50 else "above_expected"
    if best > 0 and does_sensor_work(hour, record.suns.get(hour.starts_at)):
        allowed = allowed_kwh(record, hour)
        if allowed is not None and observed > 0.1 * best and observed > 3 * allowed:
            return "above_sun"
    return None


def usable_days(record: Record) -> dict[date, float]:
    """Return the weather-adjusted ratios of the days that can show dirt.

    Outage, plant and sensor together lost at most 1 % of what was expected (an hour of dawn may
    be one of these on any day), and no hour has impossible energy.
    """
    ratios = {}
    for day, hours in record.by_day.items():
        ratio = weather_adjusted_ratio(record, hours)
        lost = day_losses(record, day)
        broken = lost.get("outage", 0) + lost.get("plant", 0) + lost.get("sensor", 0)
        expected = sum(hour.expected_kwh for hour in hours)
        if (
            ratio is not None
            and broken <= 0.01 * expected
            and not any(impossible_energy(record, hour) for hour in hours)
        ):
            ratios[day] = ratio
    return ratios


def soiling(ratios: Mapping[date, float], on: date) -> Soiling | None:
    """Return the evidence that a plant is dirty on a day, from ratios of usable days up to it."""
    first = on - timedelta(days=WINDOW_DAYS - 1)
    window = sorted((day, ratio) for day, ratio in ratios.items() if first <= day <= on)
    n = len(window)
    if n < LEAST_DAYS:
        return None
    days = [float((day - first).days) for day, _ in window]
    mean, mean_day = fmean(ratio for _, ratio in window), fmean(days)
    if mean <= 0:
        return None
    x = [day - mean_day for day in days]
    y = [ratio - mean for _, ratio in window]
    sxx, sxy, syy = _dot(x, x), _dot(x, y), _dot(y, y)
    slope, by_line = sxy / sxx, sxy * sxy / sxx
    residual = (syy - by_line) / (n - 2)
    t = slope / sqrt(residual / sxx) if residual > 0 else slope * inf if slope else 0.0
    per_day = -100 * slope / mean
    # What the best step explains: the sum of squares between the days before it and after it.
    by_step = max(sum(y[:k]) ** 2 * n / (k * (n - k)) for k in range(1, n))
    of_step = (syy - by_step) / (n - 3)
    if (
        t <= -LEAST_T
        and per_day * (days[-1] - days[0]) >= LEAST_DECLINE
        and per_day <= LARGEST_DAILY_DECLINE
        and by_step <= SHARE_OF_LINE * by_line + OF_VARIANCE * of_step
        # Rain or washing ends it: the last three days are still below the mean.
        and sum(y[-3:]) < 0
    ):
        return Soiling(window[0][0], n, per_day, t)
    return None


def _dot(a: list[float], b: list[float]) -> float:
    return sum(p * q for p, q in zip(a, b, strict=True))
