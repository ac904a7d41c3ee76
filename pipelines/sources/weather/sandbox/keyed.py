"""Simulated WeatherAPI.com and OpenWeatherMap: the same weather in their own formats.

Responses contain only the fields that a client may need.
"""

import datetime as dt

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pipelines.sources.weather.sandbox.model import places, weather_at


def weatherapi(request: Request, now: dt.datetime) -> Response:
    """Respond like `/v1/current.json`."""
    query = request.query_params

    def reject(status: int, code: int, message: str) -> Response:
        return JSONResponse({"error": {"code": code, "message": message}}, status)

    key = query.get("key")
    if not key:
        return reject(401, 1002, "API key is invalid or not provided.")
    if key == "bad":
        return reject(401, 2006, "API key is invalid.")
    if key == "exhausted":
        return reject(403, 2007, "API key has exceeded calls per month quota.")
    if not query.get("q"):
        return reject(400, 1003, "Parameter q is missing.")
    try:
        latitude, longitude = (float(one) for one in query["q"].split(","))
    except ValueError:
        return reject(400, 1006, "No matching location found.")
    here = weather_at(latitude, longitude, now)
    updated = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    return JSONResponse(
        {
            "location": {"name": "Somewhere", "lat": latitude, "lon": longitude},
            "current": {
                "last_updated_epoch": int(updated.timestamp()),
                "temp_c": here["temperature_2m"],
                "is_day": here["is_day"],
                "condition": {"text": "Overcast ", "code": 1009},
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


def openweathermap(request: Request, now: dt.datetime) -> Response:
    """Respond like `/data/2.5/weather`."""
    query = request.query_params

    def reject(status: int, code: int | str, message: str) -> Response:
        return JSONResponse({"cod": code, "message": message}, status)

    key = query.get("appid")
    if not key or key == "bad":
        return reject(
            401, 401, "Invalid API key. Please see https://openweathermap.org/faq#error401"
        )
    if key == "exhausted":
        return reject(429, 429, "Your account is temporary blocked due to exceeding of requests.")
    if "zip" in query:
        country = query["zip"].partition(",")[2].upper() or "US"
        if country not in places()["countries"]:
            return reject(404, "404", "city not found")
        latitude, longitude = places()["countries"][country]
    else:
        try:
            latitude, longitude = float(query["lat"]), float(query["lon"])
        except (KeyError, ValueError):
            return reject(400, "400", "Nothing to geocode")
        if not -90 <= latitude <= 90:
            return reject(400, "400", "wrong latitude")
    here = weather_at(latitude, longitude, now)
    kelvin = 0.0 if query.get("units") == "metric" else 273.15
    return JSONResponse(
        {
            "weather": [{"id": 802, "description": "scattered clouds", "icon": "03d"}],
            "main": {
                "temp": here["temperature_2m"] + kelvin,
                "feels_like": here["apparent_temperature"] + kelvin,
                "pressure": here["pressure_msl"],
                "humidity": here["relative_humidity_2m"],
            },
            "wind": {"speed": here["wind_speed_10m"] / 3.6, "deg": here["wind_direction_10m"]},
            "clouds": {"all": here["cloud_cover"]},
            "dt": int(now.timestamp()),
            "cod": 200,
        }
    )
