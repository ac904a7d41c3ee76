"""Made-up weather at the addresses of the real providers, with their errors and allowances.

Open-Meteo (forecast, archive, geocoding), WeatherAPI.com and OpenWeatherMap on their true paths.
The weather is a function of place and hour, so that answers can be checked. The key `bad` is not
known, `exhausted` has used its allowance up.
"""

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

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
CODES = (0, 1, 2, 3, 45, 51, 61, 63, 71, 80, 95)
COUNTRIES = {
    "BE": (50.8, 4.4),
    "DE": (52.0, 12.0),
    "DK": (55.7, 12.6),
    "ES": (40.4, -3.7),
    "FR": (48.9, 2.4),
    "GB": (51.5, -0.1),
    "IR": (36.3, 59.6),
    "IT": (41.9, 12.5),
    "NL": (52.4, 4.9),
    "PL": (52.2, 21.0),
    "PT": (38.7, -9.1),
    "SE": (59.3, 18.1),
}
MOST_LOCATIONS = 1000
PER_MINUTE = 600


def routes(now: Now) -> list[Route]:
    """All paths of the imitated providers, whose clock is `now`."""

    spent: Counter[dt.datetime] = Counter()

    def forecast(request: Request) -> Response:
        minute = now().replace(second=0, microsecond=0)
        spent[minute] += request.query_params.get("latitude", "").count(",") + 1
        if spent[minute] > PER_MINUTE:
            return _refuse(
                "Minutely API request limit exceeded. Please try again in one minute.", 429
            )
        return _open_meteo(request, now())

    def archive(request: Request) -> Response:
        try:
            first = dt.date.fromisoformat(request.query_params["start_date"])
            last = dt.date.fromisoformat(request.query_params["end_date"])
        except (KeyError, ValueError):
            return _refuse("Parameter 'start_date' and 'end_date' must be set")
        if first < dt.date(1940, 1, 1) or last < first or last > now().date():
            return _refuse("Parameter 'start_date' is out of allowed range")
        return _open_meteo(request, now(), days=(first, last))

    def current_json(request: Request) -> Response:
        return _weatherapi(request, now())

    def weather(request: Request) -> Response:
        return _openweathermap(request, now())

    return [
        Route("/v1/forecast", forecast),
        Route("/v1/archive", archive),
        Route("/v1/search", _search),
        Route("/v1/current.json", current_json),
        Route("/data/2.5/weather", weather),
    ]


def weather_at(latitude: float, longitude: float, at: dt.datetime) -> dict[str, Any]:
    """The weather of a place at an hour, by Open-Meteo's names and units."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    seed = sha256(f"{latitude:.2f} {longitude:.2f} {hour.isoformat()}".encode()).digest()
    sun = math.sin((hour.hour - 6) / 24 * 2 * math.pi)
    temperature = round(25 - abs(latitude) / 3 + 6 * sun + (seed[0] % 40) / 10 - 2, 1)
    return {
        "temperature_2m": temperature,
        "relative_humidity_2m": 40 + seed[1] % 60,
        "apparent_temperature": round(temperature - 1.5, 1),
        "is_day": int(6 <= hour.hour < 18),
        "precipitation": (seed[2] % 20) / 10,
        "weather_code": CODES[seed[3] % len(CODES)],
        "cloud_cover": seed[4] % 101,
        "pressure_msl": 990 + seed[5] % 45,
        "wind_speed_10m": (seed[6] % 500) / 10,
        "wind_direction_10m": seed[7] * 360 // 256,
        "shortwave_radiation": max(0.0, round(700 * sun)),
    }


def _refuse(reason: str, status: int = 400) -> Response:
    return JSONResponse({"error": True, "reason": reason}, status)


def _open_meteo(
    request: Request, now: dt.datetime, days: tuple[dt.date, dt.date] | None = None
) -> Response:
    asked = request.query_params
    try:
        latitudes = [float(one) for one in asked["latitude"].split(",")]
        longitudes = [float(one) for one in asked["longitude"].split(",")]
    except (KeyError, ValueError):
        return _refuse("Cannot initialize latitude or longitude from invalid String value.")
    if len(latitudes) != len(longitudes):
        return _refuse("Parameter 'latitude' and 'longitude' must have the same number of elements")
    if len(latitudes) > MOST_LOCATIONS:
        return _refuse(f"Only up to {MOST_LOCATIONS} locations can be requested at once")
    for latitude in latitudes:
        if not -90 <= latitude <= 90:
            return _refuse(f"Latitude must be in range of -90 to 90°. Given: {latitude:g}.")
    names = [name for name in asked.get("current", "").split(",") if name]
    hourly = [name for name in asked.get("hourly", "").split(",") if name]
    if days is None:
        past, coming = int(asked.get("past_days", 0)), int(asked.get("forecast_days", 7))
        if not (0 <= past <= 92 and 0 <= coming <= 16):
            return _refuse("Past or forecast days are out of allowed range")
        days = (
            now.date() - dt.timedelta(days=past),
            now.date() + dt.timedelta(days=coming - 1),
        )
    if unknown := [name for name in [*names, *hourly] if name not in CURRENT_UNITS]:
        return _refuse(f"Cannot initialize Current from invalid String value {unknown[0]}.")
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    answers = []
    for latitude, longitude in zip(latitudes, longitudes, strict=True):
        here = weather_at(latitude, longitude, quarter)
        answers.append(
            {
                "latitude": round(latitude, 1),  # the middle of the grid cell
                "longitude": round(longitude, 1),
                "generationtime_ms": 0.02,
                "utc_offset_seconds": 0,
                "timezone": "GMT",
                "timezone_abbreviation": "GMT",
                "elevation": 30.0,
                **_current(names, here, quarter),
                **_hours(hourly, latitude, longitude, days),
            }
        )
    return JSONResponse(answers[0] if len(answers) == 1 else answers)


def _current(names: list[str], here: dict[str, Any], at: dt.datetime) -> dict[str, Any]:
    if not names:
        return {}
    units = {name: CURRENT_UNITS[name] for name in ("time", "interval", *names)}
    values = {name: here[name] for name in names}
    told = {"time": at.strftime("%Y-%m-%dT%H:%M"), "interval": 900, **values}
    return {"current_units": units, "current": told}


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
    """Any name in a country it knows is a place there, but those of a Nowhere or Somewhere."""
    name = request.query_params.get("name", "")
    country = request.query_params.get("countryCode", "").upper()
    if len(name) < 2 or country not in COUNTRIES or "where" in name.lower():
        return JSONResponse({"generationtime_ms": 0.3})
    north, east = COUNTRIES[country]
    seed = sha256(f"{country} {name.lower()}".encode()).digest()
    is_postcode = any(c.isdigit() for c in name)
    place = {
        "id": int.from_bytes(seed[:4], "big"),
        "name": f"Town {name}" if is_postcode else name,
        "latitude": round(north + (seed[0] - 128) / 200, 4),
        "longitude": round(east + (seed[1] - 128) / 200, 4),
        "feature_code": "PPL",
        "country_code": country,
        "population": 1000 * seed[2],
        "country": country,
    }
    if is_postcode:
        place["postcodes"] = [name]
    return JSONResponse({"results": [place], "generationtime_ms": 0.5})


def _weatherapi(request: Request, now: dt.datetime) -> Response:
    asked = request.query_params

    def refuse(status: int, code: int, message: str) -> Response:
        return JSONResponse({"error": {"code": code, "message": message}}, status)

    key = asked.get("key")
    if not key:
        return refuse(401, 1002, "API key is invalid or not provided.")
    if key == "bad":
        return refuse(401, 2006, "API key is invalid.")
    if key == "exhausted":
        return refuse(403, 2007, "API key has exceeded calls per month quota.")
    if not asked.get("q"):
        return refuse(400, 1003, "Parameter q is missing.")
    try:
        latitude, longitude = (float(one) for one in asked["q"].split(","))
    except ValueError:
        return refuse(400, 1006, "No matching location found.")
    here = weather_at(latitude, longitude, now)
    updated = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    return JSONResponse(
        {
            "location": {
                "name": "Somewhere",
                "country": _country_near(latitude, longitude),
                "lat": latitude,
                "lon": longitude,
                "tz_id": "UTC",
                "localtime": now.strftime("%Y-%m-%d %H:%M"),
            },
            "current": {
                "last_updated_epoch": int(updated.timestamp()),
                "last_updated": updated.strftime("%Y-%m-%d %H:%M"),
                "temp_c": here["temperature_2m"],
                "is_day": here["is_day"],
                "condition": {"text": "Overcast ", "icon": "//cdn/122.png", "code": 1009},
                "wind_kph": here["wind_speed_10m"],
                "wind_degree": here["wind_direction_10m"],
                "pressure_mb": here["pressure_msl"],
                "precip_mm": here["precipitation"],
                "humidity": here["relative_humidity_2m"],
                "cloud": here["cloud_cover"],
                "feelslike_c": here["apparent_temperature"],
            },
        }
    )


def _openweathermap(request: Request, now: dt.datetime) -> Response:
    asked = request.query_params

    def refuse(status: int, code: int | str, message: str) -> Response:
        return JSONResponse({"cod": code, "message": message}, status)

    key = asked.get("appid")
    if not key or key == "bad":
        return refuse(
            401, 401, "Invalid API key. Please see https://openweathermap.org/faq#error401"
        )
    if key == "exhausted":
        return refuse(429, 429, "Your account is temporary blocked due to exceeding of requests.")
    if "zip" in asked:
        country = asked["zip"].partition(",")[2].upper() or "US"
        if country not in COUNTRIES:
            return refuse(404, "404", "city not found")
        latitude, longitude = COUNTRIES[country]
    else:
        try:
            latitude, longitude = float(asked["lat"]), float(asked["lon"])
        except (KeyError, ValueError):
            return refuse(400, "400", "Nothing to geocode")
        if not -90 <= latitude <= 90:
            return refuse(400, "400", "wrong latitude")
    here = weather_at(latitude, longitude, now)
    kelvin = 0.0 if asked.get("units") == "metric" else 273.15
    return JSONResponse(
        {
            "coord": {"lon": longitude, "lat": latitude},
            "weather": [
                {"id": 802, "main": "Clouds", "description": "scattered clouds", "icon": "03d"}
            ],
            "main": {
                "temp": here["temperature_2m"] + kelvin,
                "feels_like": here["apparent_temperature"] + kelvin,
                "pressure": here["pressure_msl"],
                "humidity": here["relative_humidity_2m"],
            },
            "visibility": 10000,
            "wind": {"speed": here["wind_speed_10m"] / 3.6, "deg": here["wind_direction_10m"]},
            "clouds": {"all": here["cloud_cover"]},
            "dt": int(now.timestamp()),
            "sys": {"country": "XX"},
            "timezone": 0,
            "id": 0,
            "name": "Somewhere",
            "cod": 200,
        }
    )


def _country_near(latitude: float, longitude: float) -> str:
    """The code of the country whose middle is nearest."""
    return min(
        COUNTRIES,
        key=lambda code: (
            (COUNTRIES[code][0] - latitude) ** 2 + (COUNTRIES[code][1] - longitude) ** 2
        ),
    )
