"""The weather of the sandbox: a function of place and hour, and where its countries are."""

import datetime as dt
import math
from hashlib import sha256
from typing import Any

from pipelines.sandbox.sky import cloudiness, irradiation

#: Radiation is the mean of the hour before.
HOUR = dt.timedelta(hours=1)
CODES = (0, 1, 2, 3, 3, 45, 51, 61, 63, 80, 95)
COLD_CODES = (0, 1, 2, 3, 3, 45, 56, 66, 71, 73, 85)
COUNTRIES = {
    "AT": (48.2, 16.4),
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
    "PR": (18.4, -66.1),
    "PT": (38.7, -9.1),
    "SE": (59.3, 18.1),
    "US": (40.7, -74.0),
}


def weather_at(latitude: float, longitude: float, at: dt.datetime) -> dict[str, Any]:
    """The weather of a place at an hour, by Open-Meteo's names and units."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    seed = sha256(f"{latitude:.2f} {longitude:.2f} {hour.isoformat()}".encode()).digest()
    sun = math.sin((hour.hour - 6) / 24 * 2 * math.pi)
    temperature = round(25 - abs(latitude) / 3 + 6 * sun + (seed[0] % 40) / 10 - 2, 1)
    codes = COLD_CODES if temperature <= 2 else CODES
    code = codes[seed[3] % len(codes)]
    return {
        "temperature_2m": temperature,
        "relative_humidity_2m": 40 + seed[1] % 60,
        "apparent_temperature": round(temperature - 1.5, 1),
        "is_day": int(irradiation(latitude, longitude, hour) > 0),
        "precipitation": (seed[2] % 20) / 10,
        "weather_code": code,
        "cloud_cover": round(100 * cloudiness(latitude, longitude, hour)),
        "pressure_msl": 990 + seed[5] % 45,
        "wind_speed_10m": (seed[6] % 500) / 10,
        "wind_direction_10m": seed[7] * 360 // 256,
        "shortwave_radiation": round(irradiation(latitude, longitude, hour - HOUR), 1),
    }
