"""Open-Meteo's hours: forecast and recent past from one API, older ones from the archive.

Contracts: https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/historical-weather-api.
A request is weighted by its variables and days. Data are CC BY 4.0.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pipelines.http.client import HttpClient
from pipelines.ingest.contract import shown
from pipelines.sources.weather.observation import (
    Hour,
    InvalidValue,
    check_float,
    lost,
    parse_code,
    within_range,
    words_for,
)
from pipelines.sources.weather.providers import Place, digest_of_key
from pipelines.sources.weather.providers.open_meteo import (
    ARCHIVE_URL,
    FORECAST_URL,
    OpenMeteo,
    base_of,
    coordinates,
    explainer,
    instant,
    one_for_each,
    with_key,
)

VARIABLES = {
    "temperature_2m": "°C",
    "wind_speed_10m": "km/h",
    "precipitation": "mm",
    "cloud_cover": "%",
    "shortwave_radiation": "W/m²",
    "weather_code": "wmo code",
}
#: What `Hour` calls them, but for the code.
VALUES = (
    "temperature_celsius",
    "wind_kmh",
    "precipitation_mm",
    "cloud_cover_pct",
    "shortwave_radiation_w_per_m2",
)
FORECAST_DAYS = 16
MAX_PAST_DAYS = 92
MAX_PLACES = 50


class OpenMeteoHours:
    """Weather by hours, for any provider of the present weather: the others have no history."""

    name = OpenMeteo.name
    quotas = OpenMeteo.quotas

    def __init__(
        self,
        http: HttpClient,
        base_url: str | None,
        now: Callable[[], dt.datetime],
        key: str | None = None,
        *,
        forecast_url: str | None = None,
        archive_url: str | None = None,
    ) -> None:
        self._forecast_url = f"{base_of(forecast_url or base_url, FORECAST_URL, key)}/v1/forecast"
        self._archive_url = f"{base_of(archive_url or base_url, ARCHIVE_URL, key)}/v1/archive"
        self._http = replace(with_key(http, key), explain=explainer(now))
        self.key_digest = digest_of_key(key)

    def forecast(self, places: Sequence[Place], past_days: int) -> list[list[Hour] | str]:
        """Each place's hours from `past_days` ago to the end of the forecast, in one request."""
        parameters = {
            **coordinates(places),
            "hourly": ",".join(VARIABLES),
            "past_days": str(past_days),
            "forecast_days": str(FORECAST_DAYS),
            "timezone": "GMT",
        }
        answer = self._http.get_json(self._forecast_url, parameters)
        return [read_hours(one) for one in one_for_each(answer.document, len(places), answer.url)]

    def archive(self, place: Place, first: dt.date, last: dt.date) -> list[Hour] | str:
        """A place's hours of all days from `first` to `last`."""
        parameters = {
            **coordinates([place]),
            "hourly": ",".join(VARIABLES),
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
            "timezone": "GMT",
        }
        answer = self._http.get_json(self._archive_url, parameters)
        return read_hours(one_for_each(answer.document, 1, answer.url)[0])


def weight(days: int) -> float:
    """What a place counts against the quota when so many days are requested."""
    variables = len(VARIABLES) / 10
    return max(1.0, variables, days / 14 * variables)


def read_hours(answer: Any) -> list[Hour] | str:
    """The hours, with null for a value that is missing or cannot be; or why none is accepted."""
    hourly = answer.get("hourly") if isinstance(answer, dict) else None
    units = answer.get("hourly_units") if isinstance(answer, dict) else None
    if not isinstance(hourly, dict) or not isinstance(units, dict):
        return "the answer has no hours"
    for name, unit in VARIABLES.items():
        if units.get(name) != unit:
            return f"{name} comes in {units.get(name)!r}, not in {unit!r}"
    columns: list[Any] = [hourly.get(name) for name in ("time", *VARIABLES)]
    lengths = {len(column) if isinstance(column, list) else -1 for column in columns}
    if len(lengths) > 1 or -1 in lengths:
        return "the lists of hours and values are not equally long"
    hours: dict[dt.datetime, Hour] = {}
    for row in zip(*columns, strict=True):
        try:
            hour = _hour(*row)
        except InvalidValue as invalid:
            return f"the hour {shown(row[0])} of the answer makes no sense: {invalid}"
        hours[hour.hour_at] = hour
    if not hours:
        return "the answer has no hours"
    if max(hours) - min(hours) != (len(hours) - 1) * dt.timedelta(hours=1):
        return f"the hours from {min(hours)} to {max(hours)} do not follow one another"
    return list(hours.values())


def _hour(at: Any, temperature: Any, wind: Any, rain: Any, cloud: Any, sun: Any, code: Any) -> Hour:
    hour_at = instant(at)
    if hour_at is None:
        raise InvalidValue("it is no time")
    numbers = (temperature, wind, rain, cloud, sun)
    sent = {name: check_float(name, value) for name, value in zip(VALUES, numbers, strict=True)}
    kept = {name: within_range(name, value) for name, value in sent.items()}
    codes = {"weather_code": code}
    wmo_code = parse_code(codes, "weather_code", 0, 99)
    impossible = lost(sent, kept) + lost(codes, {"weather_code": wmo_code})
    return Hour(
        hour_at=hour_at,
        conditions=words_for(wmo_code),
        wmo_code=wmo_code,
        impossible=impossible,
        **kept,
    )
