"""Open-Meteo: many places in one request. Contract: https://open-meteo.com/en/docs.

Free without a key for non-commercial use. With a key, requests go to the customers' hosts, with the
key in a header, so that it appears in no URL and no log. Responses are matched by position: their
coordinates are those of the grid cell. Batches save round trips, not quota. Data are CC BY 4.0.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.http.client import HttpClient
from pipelines.sources.weather.observation import (
    Observation,
    lost,
    observed,
    parse_code,
    parse_float,
    words_for,
)
from pipelines.sources.weather.providers import (
    OPEN_METEO_KEY_VARIABLE,
    Clock,
    KeyRejected,
    Place,
    Provider,
    QuotaExhausted,
    RequestRejected,
    Service,
    end_of,
)

FORECAST_URL = "https://api.open-meteo.com"
ARCHIVE_URL = "https://archive-api.open-meteo.com"
KEY_HEADER = "X-Api-Key"
#: The requested variables with their units; at most ten for a weight of one.
UNITS = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "apparent_temperature": "°C",
    "is_day": "",
    "precipitation": "mm",
    "weather_code": "wmo code",
    "cloud_cover": "%",
    "pressure_msl": "hPa",
    "wind_speed_10m": "km/h",
    "wind_direction_10m": "°",
}
#: How its messages about exceeded limits begin.
EXCEEDED = {"Minutely": "minute", "Hourly": "hour", "Daily": "day"}


class OpenMeteoApi(Service):
    """One of Open-Meteo's APIs."""

    name = "open-meteo"
    path = "/v1/forecast"
    #: Of the free service; its limits of a minute and an hour are met by a pause after a 429.
    calls_per_day = 10_000

    def __init__(
        self, http: HttpClient, base_url: str | None, now: Clock, key: str | None = None
    ) -> None:
        usual = self.host.replace("https://", "https://customer-") if key else self.host
        http = replace(http, headers={**http.headers, KEY_HEADER: key}) if key else http
        super().__init__(http, base_url or usual, now, key)

    def explain(
        self, status: int, document: Any, url: str, received_at: dt.datetime
    ) -> Failure | None:
        """Interpret an error body."""
        reason = document.get("reason") if isinstance(document, dict) else None
        if not isinstance(reason, str):
            return None
        if status in (400, 429):  # both occur
            for sign, window in EXCEEDED.items():
                if reason.startswith(sign):
                    until = end_of(window, received_at)
                    return QuotaExhausted(OpenMeteoApi.name, reason, place=url, until=until)
        if status in (400, 401, 403) and ("API key" in reason or " plan" in reason):
            remedy = f"Set {OPEN_METEO_KEY_VARIABLE} to the key of a plan that includes this API."
            return KeyRejected(OpenMeteoApi.name, reason, place=url, remedy=remedy)
        if status == 400:
            if "atitude" in reason or "ongitude" in reason or "location" in reason.lower():
                return RequestRejected(OpenMeteoApi.name, reason, place=url)
            if "arameter" in reason or "nvalid" in reason:
                return PermanentFailure(
                    OpenMeteoApi.name, reason, place=url, remedy="This is a bug in open_meteo.py."
                )
            return TransientFailure(  # it answers so when it is overloaded
                OpenMeteoApi.name,
                reason,
                place=url,
                remedy="If it does not pass, see its status page.",
            )
        return None

    def at_places(self, places: Sequence[Place], **parameters: str) -> list[Any]:
        """Send one request for all places, which answers with an object for one, else a list."""
        coordinates = {
            "latitude": ",".join(f"{place.latitude:.5f}" for place in places),
            "longitude": ",".join(f"{place.longitude:.5f}" for place in places),
        }
        response = self._http.get_json(self._url, coordinates | parameters | {"timezone": "GMT"})
        document = response.document
        responses = document if isinstance(document, list) else [document]
        if len(responses) != len(places):
            problem = f"{len(places)} places were requested and {len(responses)} answered"
            remedy = "Try again later."
            raise TransientFailure(self.name, problem, place=response.url, remedy=remedy)
        return responses


class OpenMeteo(OpenMeteoApi, Provider):
    """Present weather from the forecast API."""

    host = FORECAST_URL
    max_places = 200

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        """Send one request for all places."""
        responses = self.at_places(places, current=",".join(UNITS), forecast_days="1")
        return [read_current(one) for one in responses]


def read_current(response: Any) -> Observation | str:
    """Return the observation in one response, or why there is none."""
    if not isinstance(response, dict) or not isinstance(current := response.get("current"), dict):
        return "the response has no current weather"
    if response.get("utc_offset_seconds") not in (0, None):
        return "its times are not in UTC, as requested"
    if problem := wrong_unit(response.get("current_units"), UNITS):
        return problem
    return observed(instant(current.get("time")), current, _observation)


def wrong_unit(sent: Any, expected: Mapping[str, str]) -> str | None:
    """Return why the units of a response are not as expected, or None."""
    units = sent if isinstance(sent, dict) else {}
    wrong = (name for name, unit in expected.items() if units.get(name) != unit)
    for name in wrong:
        return f"{name} is in {units.get(name)!r}, not in {expected[name]!r}"
    return None


def _observation(observed_at: dt.datetime, current: dict[str, Any]) -> Observation:
    code = parse_code(current, "weather_code", 0, 99)
    is_day = parse_code(current, "is_day", 0, 1)
    return Observation(
        observed_at=observed_at,
        temperature_celsius=parse_float(current, "temperature_2m"),
        feels_like_celsius=parse_float(current, "apparent_temperature"),
        humidity_pct=parse_float(current, "relative_humidity_2m"),
        wind_kmh=parse_float(current, "wind_speed_10m"),
        wind_direction_degrees=parse_float(current, "wind_direction_10m"),
        precipitation_mm=parse_float(current, "precipitation"),
        cloud_cover_pct=parse_float(current, "cloud_cover"),
        pressure_hpa=parse_float(current, "pressure_msl"),
        conditions=words_for(code),
        provider_code=None if code is None else str(code),
        wmo_code=code,
        is_day=None if is_day is None else bool(is_day),
        impossible=lost(current, {"weather_code": code, "is_day": is_day}),
    )


def instant(value: Any) -> dt.datetime | None:
    """Parse a time without offset, which is GMT as requested; None for any other."""
    try:
        at = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else None
