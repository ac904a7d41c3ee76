"""Simulated weather at the paths of Open-Meteo (forecast, archive, geocoding), with its errors.

The weather is a function of place and hour, so that responses can be verified. The quota of the key
`exhausted` is used up.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.sources.weather.sandbox import gazetteer
from pipelines.sources.weather.sandbox.model import weather_at

Now = Callable[[], dt.datetime]
CURRENT_UNITS = {
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
MAX_LOCATIONS, MAX_RESULTS = 1000, 100


def routes(now: Now) -> list[Route]:
    """Build all paths, whose clock is `now`."""

    def rejection(request: Request) -> Response | None:
        """Return Open-Meteo's error for an exhausted quota."""
        if request.headers.get("X-Api-Key") == "exhausted":
            return _reject("Daily API request limit exceeded. Please try again tomorrow.", 429)
        return None

    def forecast(request: Request) -> Response:
        return rejection(request) or _open_meteo(request, now())

    def search(request: Request) -> Response:
        return rejection(request) or _search(request)

    def archive(request: Request) -> Response:
        if rejected := rejection(request):
            return rejected
        try:
            first = dt.date.fromisoformat(request.query_params["start_date"])
            last = dt.date.fromisoformat(request.query_params["end_date"])
        except (KeyError, ValueError):
            return _reject("Parameter 'start_date' and 'end_date' must be set")
        if first < dt.date(1940, 1, 1) or last < first or last > now().date():
            return _reject("Parameter 'start_date' is out of allowed range")
        return _open_meteo(request, now(), days=(first, last))

    return [
        Route("/v1/forecast", forecast),
        Route("/v1/archive", archive),
        Route("/v1/search", search),
    ]


def _reject(reason: str, status: int = 400) -> Response:
    return JSONResponse({"error": True, "reason": reason}, status)


def _open_meteo(
    request: Request, now: dt.datetime, days: tuple[dt.date, dt.date] | None = None
) -> Response:
    query = request.query_params
    try:
        latitudes = [float(one) for one in query["latitude"].split(",")]
        longitudes = [float(one) for one in query["longitude"].split(",")]
    except (KeyError, ValueError):
        return _reject("Cannot initialize latitude or longitude from invalid String value.")
    if len(latitudes) != len(longitudes):
        return _reject("Parameter 'latitude' and 'longitude' must have the same number of elements")
    if len(latitudes) > MAX_LOCATIONS:
        return _reject(f"Only up to {MAX_LOCATIONS} locations can be requested at once")
    for latitude in latitudes:
        if not -90 <= latitude <= 90:
            return _reject(f"Latitude must be in range of -90 to 90°. Given: {latitude:g}.")
    names = [name for name in query.get("current", "").split(",") if name]
    hourly = [name for name in query.get("hourly", "").split(",") if name]
    if days is None:
        past, coming = int(query.get("past_days", 0)), int(query.get("forecast_days", 7))
        if not (0 <= past <= 92 and 0 <= coming <= 16):
            return _reject("Past or forecast days are out of allowed range")
        days = (
            now.date() - dt.timedelta(days=past),
            now.date() + dt.timedelta(days=coming - 1),
        )
    if unknown := [name for name in [*names, *hourly] if name not in CURRENT_UNITS]:
        return _reject(f"Cannot initialize Current from invalid String value {unknown[0]}.")
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    responses = []
    for latitude, longitude in zip(latitudes, longitudes, strict=True):
        here = weather_at(latitude, longitude, quarter)
        responses.append(
            {
                "latitude": round(latitude, 1),  # the centre of the grid cell
                "longitude": round(longitude, 1),
                "timezone": "GMT",
                **_current(names, here, quarter),
                **_hours(hourly, latitude, longitude, days),
            }
        )
    return JSONResponse(responses[0] if len(responses) == 1 else responses)


def _current(names: list[str], here: dict[str, Any], at: dt.datetime) -> dict[str, Any]:
    if not names:
        return {}
    units = {name: CURRENT_UNITS[name] for name in ("time", "interval", *names)}
    values = {name: here[name] for name in names}
    current = {"time": at.strftime("%Y-%m-%dT%H:%M"), "interval": 900, **values}
    return {"current_units": units, "current": current}


def _hours(
    names: list[str], latitude: float, longitude: float, days: tuple[dt.date, dt.date]
) -> dict[str, Any]:
    if not names:
        return {}
    first = dt.datetime.combine(days[0], dt.time(), dt.UTC)
    count = ((days[1] - days[0]).days + 1) * 24
    hours = [first + dt.timedelta(hours=number) for number in range(count)]
    values = [weather_at(latitude, longitude, hour) for hour in hours]
    return {
        "hourly_units": {name: CURRENT_UNITS[name] for name in ("time", *names)},
        "hourly": {
            "time": [hour.strftime("%Y-%m-%dT%H:%M") for hour in hours],
            **{name: [value[name] for value in values] for name in names},
        },
    }


def _search(request: Request) -> Response:
    query = request.query_params
    try:
        count = int(query.get("count", 10))
    except ValueError:
        count = 0
    if not 1 <= count <= MAX_RESULTS:
        return _reject("Parameter count must be between 1 and 100.")
    found = gazetteer.find(
        query.get("name", ""), query.get("language", "en"), count, query.get("countryCode", "")
    )
    return JSONResponse({"results": found} if found else {})
