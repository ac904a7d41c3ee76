"""The sandbox's weather, a function of place and hour, and its places, searched by language."""

import datetime as dt
import json
import math
import unicodedata
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.sandbox.sky import MIN_CLEARNESS, Hours, clearness_of, day_and_hour, irradiation

#: Radiation is the mean of the hour before.
HOUR = np.timedelta64(1, "h")
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
    place = sha256(f"{latitude:.2f} {longitude:.2f}".encode()).digest()[:8]
    noise = _noise(int.from_bytes(place), hours)
    days, of_day = day_and_hour(hours)
    sun = np.sin((of_day - 6) / 24 * 2 * math.pi)
    winter = np.cos((days - 14) / 365 * 2 * math.pi) * latitude / 50
    mean = 27 - abs(latitude) / 2.6 - 9 * winter
    temperature = mean + 4 * sun + noise[0] % 40 / 10 - 2
    if latitude > WINTRY:
        temperature = np.minimum(temperature, -1 - noise[0] % 40 / 10)
    temperature = temperature.round(1)
    cold = SNOW_CODES if latitude > WINTRY else COLD_CODES
    is_cold = temperature <= 2
    code = np.where(is_cold, _one_of(cold, noise[3]), _one_of(CODES, noise[3]))
    code = np.where(~is_cold & (noise[4] % STORM[1] == 0), STORM[0], code)
    cloudiness = (1 - clearness_of(latitude, longitude, hours)) / (1 - MIN_CLEARNESS)
    clouds = (100 * cloudiness).round().astype(int)
    clouds = np.where(code > FOG, np.maximum(clouds, WET_CLOUDS), clouds)
    # Clear, mainly clear, partly cloudy, overcast.
    code = np.where(code < FOG, np.minimum(clouds // 25, 3), code)
    columns = {
        "temperature_2m": temperature,
        "relative_humidity_2m": 40 + noise[1] % 60,
        "apparent_temperature": (temperature - 1.5).round(1),
        "is_day": (irradiation(latitude, longitude, hours) > 0).astype(int),
        "precipitation": np.where(code > FOG, (1 + noise[2] % 20) / 10, 0.0),
        "weather_code": code,
        "cloud_cover": clouds,
        "pressure_msl": 990 + noise[5] % 45,
        "wind_speed_10m": noise[6] % 500 / 10,
        "wind_direction_10m": noise[7] * 360 // 256,
        "shortwave_radiation": irradiation(latitude, longitude, hours - HOUR).round(1),
    }
    return {name: column.tolist() for name, column in columns.items()}


def _one_of(codes: Sequence[int], noise: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.asarray(codes)[noise % len(codes)])


def _noise(seed: int, hours: Hours) -> NDArray[np.int64]:
    """Return eight made-up bytes of each hour, by Steele's SplitMix64 (2014) of seed and hour."""
    mixed = hours.astype("M8[h]").astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(seed)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed.view(np.uint8).reshape(-1, 8).T.astype(np.int64))


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
