"""Observations in a common form: units, conditions, plausibility. Pure.

Temperatures are in °C, wind in km/h, pressure in hPa, precipitation in mm, instants in UTC.
Condition codes are WMO 4677 as published by Open-Meteo. `conditions.json` has their descriptions,
and the nearest WMO code for other providers' codes: sleet is snow, a tornado a storm.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from pipelines.ingest.contract import shown
from pipelines.ingest.data_files import read_json

if TYPE_CHECKING:
    import pandas as pd

PLAUSIBLE = {
    "temperature_celsius": (-90.0, 60.0),
    "feels_like_celsius": (-110.0, 80.0),
    "humidity_pct": (0.0, 100.0),
    "wind_kmh": (0.0, 450.0),
    "wind_direction_degrees": (0.0, 360.0),
    "precipitation_mm": (0.0, 500.0),
    "cloud_cover_pct": (0.0, 100.0),
    "pressure_hpa": (870.0, 1085.0),
    "shortwave_radiation_w_per_m2": (0.0, 1500.0),
}
#: Model noise around zero, such as -0.2 W/m² at night: values down to minus this are zero.
MAX_NOISE = 1.0
MAX_AHEAD = dt.timedelta(minutes=15)
MAX_AGE = dt.timedelta(hours=3)


@dataclass(frozen=True)
class Observation:
    """The present weather of a place; None for what the provider does not report."""

    observed_at: dt.datetime
    temperature_celsius: float | None
    feels_like_celsius: float | None
    humidity_pct: float | None
    wind_kmh: float | None
    wind_direction_degrees: float | None
    precipitation_mm: float | None
    cloud_cover_pct: float | None
    pressure_hpa: float | None
    conditions: str | None
    provider_code: str | None
    wmo_code: int | None
    is_day: bool | None
    #: Names of impossible values that were sent; they are None.
    impossible: tuple[str, ...] = ()


#: The values of an observation that have a range.
_VALUES = PLAUSIBLE.keys() & {one.name for one in fields(Observation)}


def words_for(code: int | None) -> str | None:
    """Describe a WMO code; an unknown one is named, never an error."""
    return None if code is None else _conditions("wmo").get(str(code), f"unknown ({code})")


def wmo_code(provider: str, code: int | None) -> int | None:
    """Return the WMO code nearest to a provider's code, or None."""
    found: int | None = _conditions(provider).get(str(code))
    return found


def _conditions(of: str) -> dict[str, Any]:
    found: dict[str, Any] = read_json("pipelines.sources.weather", "conditions")[of]
    return found


def number(value: Any) -> float | None:
    """Return a JSON value as a number, or None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with suppress(OverflowError):  # an integer of hundreds of digits
        return float(value) if math.isfinite(value) else None
    return None


class InvalidValue(Exception):
    """A value of a response has the wrong type: the response is rejected and requested again."""


def parse_float(record: Mapping[str, Any], key: str) -> float | None:
    """Parse a number of a response; None for null. Raises `InvalidValue`."""
    if key not in record:
        raise InvalidValue(f"{key} is missing")
    return check_float(key, record[key])


def check_float(name: str, value: Any) -> float | None:
    """Return a JSON value as a number; None for null. Raises `InvalidValue`."""
    found = number(value)
    if found is None and value is not None:
        raise InvalidValue(f"{name} is not a number: {shown(value)}")
    return found


def observed(
    observed_at: dt.datetime | None,
    response: dict[str, Any],
    read: Callable[[dt.datetime, dict[str, Any]], Observation],
) -> Observation | str:
    """Return the observation that `read` makes of a response, or why there is none."""
    if observed_at is None:
        return "the response has no time"
    try:
        return read(observed_at, response)
    except InvalidValue as invalid:
        return str(invalid)


def parse_code(record: Mapping[str, Any], key: str, minimum: int, maximum: int) -> int | None:
    """Parse an integer within bounds; None for others and null. Raises `InvalidValue`."""
    value = parse_float(record, key)
    is_code = value is not None and value.is_integer() and minimum <= value <= maximum
    return int(value) if value is not None and is_code else None


def lost(record: Mapping[str, Any], parsed: Mapping[str, object]) -> tuple[str, ...]:
    """Return the keys of values that were sent but could not be used."""
    return tuple(
        key for key, value in parsed.items() if value is None and record.get(key) is not None
    )


def parse_text(record: Mapping[str, Any], key: str) -> str | None:
    """Parse a string; None for null or an empty one. Raises `InvalidValue`."""
    if key not in record:
        raise InvalidValue(f"{key} is missing")
    value = record[key]
    if value is not None and not isinstance(value, str):
        raise InvalidValue(f"{key} is not a string: {shown(value)}")
    return words(value)


def within_range(name: str, value: float | None) -> float | None:
    """Return a plausible value: noise below zero becomes zero, an impossible value None."""
    minimum, maximum = PLAUSIBLE[name]
    if value is None or minimum <= value <= maximum:
        return value
    return 0.0 if minimum == 0 and -MAX_NOISE < value < 0 else None


def all_within_range(values: pd.Series) -> pd.Series:
    """Do the same with a column, whose name is that of the value; None is NaN."""
    minimum, maximum = PLAUSIBLE[str(values.name)]
    noise = values.between(-MAX_NOISE, 0, inclusive="neither") & (minimum == 0)
    return values.mask(noise, 0.0).where(lambda kept: kept.between(minimum, maximum))


def without_impossible(observation: Observation) -> Observation:
    """Remove impossible values from an observation; the other values are kept."""
    sent = {name: getattr(observation, name) for name in sorted(_VALUES)}
    kept: dict[str, Any] = {name: within_range(name, value) for name, value in sent.items()}
    return replace(observation, **kept, impossible=(*observation.impossible, *lost(sent, kept)))


def words(value: Any) -> str | None:
    """Return a JSON value as text that any table can store, or None if it is not a string."""
    if not isinstance(value, str):
        return None
    return "".join(c for c in value if c.isprintable()).strip()[:200] or None


def from_epoch(value: Any) -> dt.datetime | None:
    """Convert seconds since 1970 to an instant, or None if they are not valid."""
    seconds = number(value)
    if seconds is None or not 0 <= seconds < 32_503_680_000:  # the year 3000
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def implausible(observation: Observation, fetched_at: dt.datetime) -> str | None:
    """Return why an observation that passed `without_impossible` is not accepted, or None."""
    if all(getattr(observation, name) is None for name in _VALUES):
        return "it has no plausible value"
    if (
        observation.temperature_celsius is None
        and "temperature_celsius" not in observation.impossible
    ):
        return "it has no temperature"
    if observation.observed_at > fetched_at + MAX_AHEAD:
        return f"it is in the future: {observation.observed_at.isoformat()}"
    if observation.observed_at < fetched_at - MAX_AGE:
        return f"it is stale: {observation.observed_at.isoformat()}"
    return None
