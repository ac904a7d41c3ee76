"""The sandbox's weather, a function of place and hour, and its places."""

import datetime as dt
import json
import math
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from pipelines.sandbox.sky import cloudiness, irradiation

#: Radiation is the mean of the hour before.
HOUR = dt.timedelta(hours=1)
CODES = (0, 1, 2, 3, 3, 45, 51, 61, 63, 80)
#: North of this latitude there is always snow, so that a risk can be seen at any date.
WINTRY = 59.0
#: WMO code of a thunderstorm, and one in how many hours has one.
STORM = 95, 40
SNOW_CODES = (71, 73)
COLD_CODES = (0, 1, 2, 3, 3, 45, 56, 66, 71, 73, 85)
#: Codes up to it have no precipitation, and those below fog are of the cloud cover.
FOG = 45
#: Minimum cloud cover in percent of an hour with precipitation.
WET_CLOUDS = 70


@cache
def places() -> dict[str, Any]:
    """Return `places.json`: `countries`, the centre of each by its code, and `towns`."""
    found: dict[str, Any] = json.loads(
        resources.files(__package__).joinpath("places.json").read_text(encoding="utf-8")
    )
    return found


def weather_at(latitude: float, longitude: float, at: dt.datetime) -> dict[str, Any]:
    """Return the weather of a place at an hour, with Open-Meteo's names and units."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    seed = sha256(f"{latitude:.2f} {longitude:.2f} {hour.isoformat()}".encode()).digest()
    sun = math.sin((hour.hour - 6) / 24 * 2 * math.pi)
    winter = math.cos((hour.timetuple().tm_yday - 15) / 365 * 2 * math.pi) * latitude / 50
    mean = 27 - abs(latitude) / 2.6 - 9 * winter
    temperature = round(mean + 4 * sun + (seed[0] % 40) / 10 - 2, 1)
    if latitude > WINTRY:
        temperature = min(temperature, round(-1 - (seed[0] % 40) / 10, 1))
    codes = SNOW_CODES if latitude > WINTRY else COLD_CODES if temperature <= 2 else CODES
    code = codes[seed[3] % len(codes)]
    if temperature > 2 and seed[4] % STORM[1] == 0:
        code = STORM[0]
    clouds = round(100 * cloudiness(latitude, longitude, hour))
    if code > FOG:
        clouds = max(clouds, WET_CLOUDS)
    elif code < FOG:
        code = min(clouds // 25, 3)  # clear, mainly clear, partly cloudy, overcast
    return {
        "temperature_2m": temperature,
        "relative_humidity_2m": 40 + seed[1] % 60,
        "apparent_temperature": round(temperature - 1.5, 1),
        "is_day": int(irradiation(latitude, longitude, hour) > 0),
        "precipitation": (1 + seed[2] % 20) / 10 if code > FOG else 0.0,
        "weather_code": code,
        "cloud_cover": clouds,
        "pressure_msl": 990 + seed[5] % 45,
        "wind_speed_10m": (seed[6] % 500) / 10,
        "wind_direction_10m": seed[7] * 360 // 256,
        "shortwave_radiation": round(irradiation(latitude, longitude, hour - HOUR), 1),
    }
