"""Open-Meteo's hourly weather: forecast and recent past from one API, older hours from the archive.

Contracts: https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/historical-weather-api.
Requests are weighted by variables and days. Data are CC BY 4.0.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from pipelines.ingest.contract import shown
from pipelines.sources.weather.observation import all_within_range, words_for
from pipelines.sources.weather.providers import Place
from pipelines.sources.weather.providers.open_meteo import (
    ARCHIVE_URL,
    FORECAST_URL,
    OpenMeteoApi,
    instant,
    wrong_unit,
)

if TYPE_CHECKING:
    import pandas as pd

VARIABLES = {
    "temperature_2m": "°C",
    "wind_speed_10m": "km/h",
    "precipitation": "mm",
    "cloud_cover": "%",
    "shortwave_radiation": "W/m²",
    "weather_code": "wmo code",
}
FORECAST_DAYS = 16
MAX_PAST_DAYS = 92

Numbers = list[Annotated[float | None, Field(allow_inf_nan=False)]]


class HourlyRecord(BaseModel, strict=True, loc_by_alias=False):
    """The values of a response: a list per variable with an item per hour."""

    temperature_celsius: Numbers = Field(alias="temperature_2m")
    wind_kmh: Numbers = Field(alias="wind_speed_10m")
    precipitation_mm: Numbers = Field(alias="precipitation")
    cloud_cover_pct: Numbers = Field(alias="cloud_cover")
    shortwave_radiation_w_per_m2: Numbers = Field(alias="shortwave_radiation")
    weather_code: Numbers


@dataclass(frozen=True)
class Hours:
    """Hours of a place: rows of `weather.hourly`; sums and means are of the hour before."""

    rows: pd.DataFrame
    #: How many impossible values were left out, by name.
    impossible: Counter[str]


class ForecastHours(OpenMeteoApi):
    """Hours of the forecast API."""

    host = FORECAST_URL

    def hours(self, places: Sequence[Place], **days: str) -> list[Hours | str]:
        """Return each place's hours of the days that the parameters select."""
        responses = self.at_places(places, hourly=",".join(VARIABLES), **days)
        return [read_hours(one) for one in responses]


class ArchiveHours(ForecastHours):
    """Hours of the archive."""

    host = ARCHIVE_URL
    path = "/v1/archive"


def weight(days: int) -> float:
    """Return the quota cost of a place for a number of days."""
    variables = len(VARIABLES) / 10
    return max(1.0, variables, days / 14 * variables)


def read_hours(response: Any) -> Hours | str:
    """Return the hours, with null for missing or impossible values; or why none is accepted.

    Hours without any value are left out: they are missing, and requested again.
    """
    hourly = response.get("hourly") if isinstance(response, dict) else None
    units = response.get("hourly_units") if isinstance(response, dict) else None
    if not isinstance(hourly, dict) or not isinstance(units, dict):
        return "the response has no hours"
    if response.get("utc_offset_seconds") not in (0, None):
        return "its times are not in UTC, as requested"
    if problem := wrong_unit(units, VARIABLES):
        return problem
    columns: list[Any] = [hourly.get(name) for name in ("time", *VARIABLES)]
    lengths = {len(column) if isinstance(column, list) else -1 for column in columns}
    if len(lengths) > 1 or -1 in lengths:
        return "the lists of hours and values differ in length"
    try:
        values = dict(HourlyRecord.model_validate(hourly))
    except ValidationError as error:
        (name, row), given = error.errors()[0]["loc"], shown(error.errors()[0]["input"])
        return _invalid(columns[0][row], f"{name} is not a number: {given}")
    times: dict[dt.datetime, int] = {}  # of an hour that comes twice, the last one counts
    for row, sent in enumerate(hourly["time"]):
        if (at := instant(sent)) is None:
            return _invalid(sent, "it is not a time")
        times[at] = row
    if not times:
        return "the response has no hours"
    first, last = min(times), max(times)
    if last - first != (len(times) - 1) * dt.timedelta(hours=1):
        return f"the hours from {first} to {last} do not follow one another"
    return _hours(times, values)


def _invalid(at: Any, problem: str) -> str:
    return f"the hour {shown(at)} of the response is invalid: {problem}"


def _hours(times: dict[dt.datetime, int], values: dict[str, list[float | None]]) -> Hours:
    import pandas as pd

    sent = pd.DataFrame(values, dtype="float64").iloc[[*times.values()]]
    codes = sent["weather_code"].where(lambda code: code.isin(range(100)))
    kept = sent.drop(columns="weather_code").apply(all_within_range)
    lost = (sent.notna() & kept.assign(weather_code=codes).isna()).sum()
    codes = codes.astype("Int16")
    texts = {code: words_for(code) for code in codes.dropna().unique()}
    hours = kept.assign(
        wmo_code=codes,
        conditions=codes.map(texts).astype("str"),
        hour_at=pd.Series([*times], kept.index, dtype="datetime64[us, UTC]"),
    )
    impossible = Counter({str(name): int(count) for name, count in lost[lost > 0].items()})
    return Hours(hours[sent.notna().any(axis=1)], impossible)
