"""Simulated weather at the paths of Open-Meteo (forecast, archive, geocoding), with its errors.

The quota of the key `exhausted` is used up.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.source import Sandbox, SandboxParts

UNITS = {
    "time": "iso8601",
    "interval": "seconds",
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
    "shortwave_radiation": "W/m²",
}
MAX_PAST_DAYS, MAX_FORECAST_DAYS, MAX_RESULTS = 92, 16, 100


def build(sandbox: Sandbox) -> SandboxParts:
    """Build all paths."""

    def forecast(query: QueryParams) -> Any:
        past, coming = int(query.get("past_days", 0)), int(query.get("forecast_days", 7))
        if past > MAX_PAST_DAYS or coming > MAX_FORECAST_DAYS:
            raise ValueError("past or forecast days are out of range")
        today = sandbox.now().date()
        first, last = today - dt.timedelta(days=past), today + dt.timedelta(days=coming - 1)
        return _weather(query, sandbox.now(), first, last)

    def archive(query: QueryParams) -> Any:
        first, last = (dt.date.fromisoformat(query[key]) for key in ("start_date", "end_date"))
        if not dt.date(1940, 1, 1) <= first <= last <= sandbox.now().date():
            raise ValueError("start_date is out of range")
        return _weather(query, sandbox.now(), first, last)

    paths = {"/v1/forecast": forecast, "/v1/archive": archive, "/v1/search": _search}
    return SandboxParts(routes=[Route(path, _endpoint(answer)) for path, answer in paths.items()])


def _endpoint(answer: Callable[[QueryParams], Any]) -> Callable[[Request], Response]:
    """Return an endpoint with Open-Meteo's errors."""

    def endpoint(request: Request) -> Response:
        if request.headers.get("X-Api-Key") == "exhausted":
            reason = "Daily API request limit exceeded. Please try again tomorrow."
            return JSONResponse({"error": True, "reason": reason}, 429)
        try:
            return JSONResponse(answer(request.query_params))
        except (KeyError, ValueError) as error:
            return JSONResponse({"error": True, "reason": f"Invalid parameter: {error}"}, 400)

    return endpoint


def _weather(query: QueryParams, now: dt.datetime, first: dt.date, last: dt.date) -> Any:
    """Return an object for one place, a list for several."""
    import numpy as np  # which takes longer to import than all else of the sandbox

    from pipelines.sources.weather.sandbox.model import weather_at, weather_of

    latitudes, longitudes = (
        [float(one) for one in query[key].split(",")] for key in ("latitude", "longitude")
    )
    current, hourly = (
        [name for name in query.get(key, "").split(",") if name] for key in ("current", "hourly")
    )
    at = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    hours = np.arange(np.datetime64(first, "h"), np.datetime64(last + dt.timedelta(days=1), "h"))
    found = []
    for latitude, longitude in zip(latitudes, longitudes, strict=True):
        # The centre of the grid cell.
        one: dict[str, Any] = {"latitude": round(latitude, 1), "longitude": round(longitude, 1)}
        if current:
            here = weather_at(latitude, longitude, at) | {"time": f"{at:%Y-%m-%dT%H:%M}"}
            names = ("time", "interval", *current)
            one["current_units"] = {name: UNITS[name] for name in names}
            one["current"] = {name: (here | {"interval": 900})[name] for name in names}
        if hourly:
            values = weather_of(latitude, longitude, hours)
            one["hourly_units"] = {name: UNITS[name] for name in ("time", *hourly)}
            one["hourly"] = {name: values[name] for name in hourly}
            one["hourly"]["time"] = np.datetime_as_string(hours, "m").tolist()
        found.append(one | {"timezone": "GMT"})
    return found[0] if len(found) == 1 else found


def _search(query: QueryParams) -> Any:
    from pipelines.sources.weather.sandbox.model import find

    count = int(query.get("count", 10))
    if not 1 <= count <= MAX_RESULTS:
        raise ValueError("count must be between 1 and 100")
    name, language = query.get("name", ""), query.get("language", "en")
    found = find(name, language, count, query.get("countryCode", ""))
    return {"results": found} if found else {}
