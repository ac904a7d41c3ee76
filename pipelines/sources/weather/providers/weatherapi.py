"""WeatherAPI.com: needs a key, one place per request. Contract: https://www.weatherapi.com/docs.

Requests use coordinates: a bare postcode such as 10115 would be read as a ZIP code of the US. Bulk
requests need a paid plan, and each place in them counts, so places are requested singly.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.great_circle import kilometres
from pipelines.sources.weather.observation import (
    Observation,
    from_epoch,
    lost,
    number,
    observed,
    parse_code,
    parse_float,
    parse_text,
    wmo_code,
    words,
)
from pipelines.sources.weather.providers import (
    KEY_VARIABLE,
    Place,
    Provider,
    QuotaExhausted,
    RequestRejected,
    end_of,
)

#: The range of its codes.
CODES = (1000, 9999)
#: Responses name the nearest known place, which is far away in a desert or at sea.
MAX_AWAY_KM = 100.0


class WeatherApi(Provider):
    """Present weather by coordinates."""

    name = "weatherapi"
    host = "https://api.weatherapi.com"
    path = "/v1/current.json"
    calls_per_day = 3_200  # of 100,000 a month

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        """Send a request for the place."""
        (place,) = places
        coordinates = f"{place.latitude:.5f},{place.longitude:.5f}"
        response = self._http.get_json(self._url, {"key": self._key, "q": coordinates, "aqi": "no"})
        return [_read(response.document, place)]

    def explain(
        self, status: int, document: Any, url: str, received_at: dt.datetime
    ) -> Failure | None:
        """Interpret an error body."""
        error = document.get("error") if isinstance(document, dict) else None
        code = number(error.get("code")) if isinstance(error, dict) else None
        if not isinstance(error, dict) or code is None:
            return None
        problem = f"it answered {status}, code {code:g}: {error.get('message')}"
        if code == 9999:  # a server error, sent as a 400
            return TransientFailure(self.name, problem, place=url, remedy="Try again later.")
        if code == 1006:
            return RequestRejected(self.name, problem, place=url)
        if code == 2007:
            until = end_of("month", received_at)
            return QuotaExhausted(self.name, problem, place=url, until=until)
        if code in (1002, 2006, 2008, 2009):
            remedy = f"Set {KEY_VARIABLE} to a key that is valid there."
            return PermanentFailure(self.name, problem, place=url, remedy=remedy)
        return None


def _read(document: Any, place: Place) -> Observation | str:
    location = document.get("location") if isinstance(document, dict) else None
    current = document.get("current") if isinstance(document, dict) else None
    if not isinstance(location, dict) or not isinstance(current, dict):
        return "the response has no current weather"
    latitude, longitude = number(location.get("lat")), number(location.get("lon"))
    if latitude is None or longitude is None:
        return "the response does not name its place"
    # Not the country: at a border, the nearest town may be in the neighbouring one.
    away = kilometres((place.latitude or 0.0, place.longitude or 0.0), (latitude, longitude))
    if away > MAX_AWAY_KM:
        return f"it answered for {words(location.get('name'))}, {away:,.0f} km away"
    return observed(from_epoch(current.get("last_updated_epoch")), current, _observation)


def _observation(observed_at: dt.datetime, current: dict[str, Any]) -> Observation:
    condition = current.get("condition")
    condition = condition if isinstance(condition, dict) else {}
    code = parse_code(condition, "code", *CODES)
    is_day = parse_code(current, "is_day", 0, 1)
    return Observation(
        observed_at=observed_at,
        temperature_celsius=parse_float(current, "temp_c"),
        feels_like_celsius=parse_float(current, "feelslike_c"),
        humidity_pct=parse_float(current, "humidity"),
        wind_kmh=parse_float(current, "wind_kph"),
        wind_direction_degrees=parse_float(current, "wind_degree"),
        precipitation_mm=parse_float(current, "precip_mm"),
        cloud_cover_pct=parse_float(current, "cloud"),
        pressure_hpa=parse_float(current, "pressure_mb"),
        conditions=parse_text(condition, "text"),
        provider_code=None if code is None else str(code),
        wmo_code=wmo_code(WeatherApi.name, code),
        is_day=None if is_day is None else bool(is_day),
        impossible=lost(condition, {"code": code}) + lost(current, {"is_day": is_day}),
    )
