"""The sandbox's weather, a function of place and hour, and its places, searched by language."""

import datetime as dt
import json
import math
import unicodedata
from collections.abc import Sequence
from functools import cache, partial
from hashlib import sha256
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.sandbox.sky import Hours, cloudiness, day_and_hour, field, irradiation

#: Radiation is the mean of the hour before.
HOUR = np.timedelta64(1, "h")
RAIN_CODES = (51, 61, 63, 80)
#: North of `WINTRY` there is always snow, so that a risk can be seen at any date. Cold and clouds
#: increase from `MILD` on: neighbours on both sides of a single line would not share a sky.
MILD, WINTRY = 56.0, 59.0
#: WMO code of a thunderstorm, and the share of warm wet hours that have one; code of fog, and the
#: share of dry hours that have it: the calmest.
STORM, FOG = (95, 1 / 12), (45, 0.1)
SNOW_CODES = (71, 73)
COLD_CODES = (56, 66, 71, 73, 85)
#: The share of the sky from which on clouds bring rain or snow.
WET_CLOUDS = 0.7
#: Postcodes that nobody entered.
MISSING_POSTCODES = {
    *(("AT", "1010"), ("DE", "20144"), ("DK", "1050"), ("PL", "00-950"), ("SE", "111 51"))
}


@cache
def places() -> dict[str, Any]:
    """Return `places.json`: `countries`, the centre of each by its code, and `towns`."""
    found: dict[str, Any] = json.loads(
        resources.files(__package__).joinpath("places.json").read_text(encoding="utf-8")
    )
    return found


def weather_at(latitude: float, longitude: float, at: dt.datetime) -> dict[str, Any]:
    """Return the weather of a place at an hour, with Open-Meteo's names and units."""
    hours = np.array([at.astimezone(dt.UTC).replace(tzinfo=None)], "M8[h]")
    return {name: one[0] for name, one in weather_of(latitude, longitude, hours).items()}


def weather_of(latitude: float, longitude: float, hours: Hours) -> dict[str, list[Any]]:
    """Return the weather of a place in hours, with Open-Meteo's names and units."""
    drawn = partial(field, latitude=latitude, longitude=longitude, hours=hours)
    days, of_day = day_and_hour(hours)
    sun = np.sin((of_day - 6) / 24 * 2 * math.pi)
    winter = np.cos((days - 14) / 365 * 2 * math.pi) * latitude / 50
    warmth = drawn("warmth", step_hours=24)
    temperature = 27 - abs(latitude) / 2.6 - 9 * winter + 4 * sun + 12 * warmth - 6
    wintry = min(max((latitude - MILD) / (WINTRY - MILD), 0.0), 1.0)
    temperature += wintry * np.minimum(-1 - 4 * warmth - temperature, 0)
    clouds = np.maximum(cloudiness(latitude, longitude, hours), wintry * WET_CLOUDS)
    wind = drawn("wind", step_hours=6)
    amount, storm = drawn("rain", step_hours=6), drawn("storm", step_hours=6)
    is_wet = clouds >= WET_CLOUDS
    is_cold = temperature <= 2
    cold = SNOW_CODES if latitude >= WINTRY else COLD_CODES
    code = np.where(is_cold, _one_of(cold, amount), _one_of(RAIN_CODES, amount))
    code = np.where(~is_cold & (storm < STORM[1]), STORM[0], code)
    # Clear, mainly clear, partly cloudy, overcast.
    dry = np.where(wind < FOG[1], FOG[0], np.minimum(4 * clouds / WET_CLOUDS, 3).astype(int))
    columns = {
        "temperature_2m": temperature.round(1),
        "relative_humidity_2m": (40 + 60 * drawn("humidity", step_hours=6)).astype(int),
        "apparent_temperature": (temperature - 1.5).round(1),
        "is_day": (irradiation(latitude, longitude, hours) > 0).astype(int),
        "precipitation": np.where(is_wet, (0.1 + 1.9 * amount).round(1), 0.0),
        "weather_code": np.where(is_wet, code, dry),
        "cloud_cover": (100 * clouds).round().astype(int),
        "pressure_msl": (990 + 45 * drawn("pressure", step_hours=24)).round(1),
        "wind_speed_10m": (50 * wind).round(1),
        "wind_direction_10m": (360 * drawn("direction", step_hours=12)).astype(int),
        "shortwave_radiation": irradiation(latitude, longitude, hours - HOUR).round(1),
    }
    return {name: column.tolist() for name, column in columns.items()}


def _one_of(codes: Sequence[int], shares: NDArray[np.float64]) -> NDArray[Any]:
    return np.asarray(np.asarray(codes)[(shares * len(codes)).astype(int)])


def find(name: str, language: str, count: int, country: str) -> list[dict[str, Any]]:
    """Return the results of a lookup, the largest first, as the real geocoder does.

    A name matches the beginning of a main name, or of that in the requested language. Zeros and
    empty strings are omitted. The country filter is applied after the limit.
    """
    if len(name) < 2:
        return []
    towns = [town for town in places()["towns"] if _fits(town, name, language)]
    if not towns and any(c.isdigit() for c in name):
        towns = _by_postcode(name, country)
    towns.sort(key=lambda town: -town["population"])
    found = []
    for town in towns[:count]:
        one = town | {"name": _name(town, language), "names": None, "feature_code": "PPL"}
        found.append({key: value for key, value in one.items() if value})
    return [one for one in found if not country or one["country_code"] == country]


def _name(town: dict[str, Any], language: str) -> str:
    return str(town.get("names", {}).get(language, town["name"]))


def _fits(town: dict[str, Any], name: str, language: str) -> bool:
    names = [town["name"], _name(town, language), *town.get("postcodes", [])]
    known, wanted = [_folded(one) for one in names], _folded(name)
    return wanted in known if len(name) == 2 else any(one.startswith(wanted) for one in known)


def _by_postcode(code: str, country: str) -> list[dict[str, Any]]:
    """Return a simulated town for any postcode of a country, unless it is missing."""
    if country not in places()["countries"] or (country, code) in MISSING_POSTCODES:
        return []
    north, east = places()["countries"][country]
    seed = sha256(f"{country} {code.lower()}".encode()).digest()
    town = {
        "country_code": country,
        "name": f"Town {code}",
        "latitude": round(north + (seed[0] - 128) / 200, 4),
        "longitude": round(east + (seed[1] - 128) / 200, 4),
        "population": 1000 * seed[2],
        "postcodes": [code],
    }
    return [town]


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c))
