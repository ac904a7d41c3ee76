"""The places of the simulated geocoder, searched like the real one: by language and postcode.

A name matches the beginning of a place's main name or of its name in the requested language.
Postcodes are known only if someone entered them, and are abbreviated where those of addresses are
longer. Responses omit zeros and empty strings. The country filter is applied after the limit, as in
the real one.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pipelines.sources.weather.sandbox.model import places


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
    postcodes: Sequence[str] = ()


#: Postcodes that nobody entered.
MISSING_POSTCODES = {("AT", "1010"), ("DE", "20144"), ("PL", "00-950"), ("SE", "111 51")}
#: Postcodes of two towns far apart.
SHARED_POSTCODES = {("DK", "1050")}
#: The form of postcodes that differ from those of addresses.
SHORT = {
    "CA": r"[A-Z]\d[A-Z]",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]?",
    "IE": r"[A-Z]\d[\dW]",
    "NL": r"\d{4}",
}


def find(name: str, language: str, count: int, country: str) -> list[dict[str, Any]]:
    """Return the results of a lookup, the largest first."""
    if len(name) < 2:
        return []
    known = (Town(**town) for town in places()["towns"])
    towns = [town for town in known if _fits(town, name, language)]
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
    """Return one or two simulated towns for any postcode of a country, unless it is missing."""
    if country not in places()["countries"] or (country, code) in MISSING_POSTCODES:
        return []
    if country in SHORT and not re.fullmatch(SHORT[country], code):
        return []
    north, east = places()["countries"][country]
    seed = sha256(f"{country} {code.lower()}".encode()).digest()
    latitude = round(north + (seed[0] - 128) / 200, 4)
    longitude = round(east + (seed[1] - 128) / 200, 4)
    towns = [Town(country, f"Town {code}", latitude, longitude, 1000 * seed[2], postcodes=(code,))]
    if (country, code) in SHARED_POSTCODES:
        far = Town(country, f"Far {code}", latitude + 1.5, longitude, 500, postcodes=(code,))
        towns.append(far)
    return towns


def _result(town: Town, language: str) -> dict[str, Any]:
    """Return a result with the names of a language, without zero or empty values."""
    whole = {
        "name": town.names.get(language, town.name),
        "latitude": town.latitude,
        "longitude": town.longitude,
        "feature_code": "PPL",
        "country_code": town.country,
        "admin1": town.admin1,
        "population": town.population,
        "postcodes": list(town.postcodes),
    }
    return {key: value for key, value in whole.items() if value}


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c))
