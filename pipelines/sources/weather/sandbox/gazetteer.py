"""The places of the imitated geocoder, found as by the real one: by language, by some postcodes.

A name finds the place if it is the beginning of its main name or of its name in the language that
is asked for. Postcodes are only known where somebody entered them, and short where addresses have
more. Zeros and empty texts are left out of answers; the country is sifted out after the limit.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pipelines.sources.weather.sandbox.model import COUNTRIES


@dataclass(frozen=True)
class Town:
    """A place; `names` are those by language that differ from the main one."""

    country: str
    name: str
    latitude: float
    longitude: float
    population: int
    names: Mapping[str, str] = field(default_factory=dict)
    admin1: str = ""
    postcodes: tuple[str, ...] = ()


TOWNS = (
    Town("AT", "Vienna", 48.2085, 16.3721, 1_691_000, {"de": "Wien", "hu": "Bécs", "sl": "Dunaj"}),
    Town("AT", "Wiener Neustadt", 47.8049, 16.2317, 42_000, admin1="Lower Austria"),
    Town("BE", "Brussels", 50.8505, 4.3488, 1_020_000, {"fr": "Bruxelles", "nl": "Brussel"}),
    Town("DE", "Berlin", 52.5244, 13.4105, 3_427_000),
    Town("DE", "Frankfurt am Main", 50.1155, 8.6842, 650_000, admin1="Hesse"),
    Town("DE", "Frankfurt (Oder)", 52.3471, 14.5506, 51_700, admin1="Brandenburg"),
    Town("DE", "Hamburg", 53.5507, 9.993, 1_845_000),
    Town("DE", "Munich", 48.1374, 11.5755, 1_260_000, {"de": "München", "it": "Monaco"}),
    Town("DK", "Copenhagen", 55.6759, 12.5655, 1_154_000, {"da": "København"}),
    Town("ES", "Madrid", 40.4165, -3.7026, 3_256_000),
    Town("FR", "Paris", 48.8534, 2.3488, 2_138_000),
    Town("GB", "London", 51.5085, -0.1257, 8_962_000, {"cy": "Llundain", "fr": "Londres"}),
    Town("IR", "Mashhad", 36.2981, 59.6057, 2_307_000, {"fa": "مشهد"}),
    Town("IT", "Rome", 41.8919, 12.5113, 2_319_000, {"it": "Roma"}),
    Town("NL", "Amsterdam", 52.374, 4.8897, 742_000),
    Town("PL", "Warsaw", 52.2298, 21.0118, 1_702_000, {"pl": "Warszawa"}),
    Town("PR", "San Juan", 18.4663, -66.1057, 418_000, postcodes=("00901",)),
    Town("PT", "Lisbon", 38.7169, -9.1399, 518_000, {"pt": "Lisboa"}),
    Town("SE", "Stockholm", 59.3294, 18.0687, 1_515_000),
    Town("US", "Springfield", 39.8017, -89.6437, 114_000, admin1="Illinois"),
    Town("US", "Springfield", 37.2153, -93.2982, 114_000, admin1="Missouri"),
)
#: Postcodes that nobody entered.
MISSING_POSTCODES = {("AT", "1010"), ("DE", "20144"), ("PL", "00-950"), ("SE", "111 51")}
#: Postcodes of two towns far apart.
SHARED_POSTCODES = {("DK", "1050")}
#: The form of postcodes where it is not that of addresses.
SHORT = {
    "CA": r"[A-Z]\d[A-Z]",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]?",
    "IE": r"[A-Z]\d[\dW]",
    "NL": r"\d{4}",
}


def find(name: str, language: str, count: int, country: str) -> list[dict[str, Any]]:
    """The results of a lookup, the largest first."""
    if len(name) < 2:
        return []
    towns = [town for town in TOWNS if _fits(town, name, language)]
    if not towns and any(c.isdigit() for c in name):
        towns = _by_postcode(name, country)
    towns.sort(key=lambda town: -town.population)
    found = [_result(town, language) for town in towns[:count]]
    return [one for one in found if not country or one["country_code"] == country]


def _fits(town: Town, name: str, language: str) -> bool:
    known = [town.name, *town.postcodes, town.names.get(language, town.name)]
    wanted = _folded(name)
    if len(name) == 2:
        return wanted in map(_folded, known)
    return any(_folded(one).startswith(wanted) for one in known)


def _by_postcode(code: str, country: str) -> list[Town]:
    """A made-up town, or two, for any postcode of a country that is not a missing one."""
    if country not in COUNTRIES or (country, code) in MISSING_POSTCODES:
        return []
    if country in SHORT and not re.fullmatch(SHORT[country], code):
        return []
    north, east = COUNTRIES[country]
    seed = sha256(f"{country} {code.lower()}".encode()).digest()
    latitude = round(north + (seed[0] - 128) / 200, 4)
    longitude = round(east + (seed[1] - 128) / 200, 4)
    towns = [Town(country, f"Town {code}", latitude, longitude, 1000 * seed[2], postcodes=(code,))]
    if (country, code) in SHARED_POSTCODES:
        far = Town(country, f"Far {code}", latitude + 1.5, longitude, 500, postcodes=(code,))
        towns.append(far)
    return towns


def _result(town: Town, language: str) -> dict[str, Any]:
    """A result with the names of a language, without what is zero or empty."""
    seed = sha256(f"{town.country} {town.name} {town.latitude}".encode()).digest()
    whole = {
        "id": int.from_bytes(seed[:3], "big"),
        "name": town.names.get(language, town.name),
        "latitude": town.latitude,
        "longitude": town.longitude,
        "feature_code": "PPL",
        "country_code": town.country,
        "admin1": town.admin1,
        "timezone": "UTC",
        "population": town.population,
        "postcodes": list(town.postcodes),
        "country": town.country,
    }
    return {key: value for key, value in whole.items() if value}


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c))
