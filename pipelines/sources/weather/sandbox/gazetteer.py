"""The places of the simulated geocoder, searched like the real one: by language and postcode.

A name matches the beginning of a place's main name or of its name in the requested language.
Postcodes are known only if someone entered them, and are abbreviated where those of addresses are
longer. Responses omit zeros and empty strings. The country filter is applied after the limit, as in
the real one.
"""

import re
import unicodedata
from hashlib import sha256
from typing import Any

from pipelines.sources.weather.sandbox.model import places

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
    """Return one or two simulated towns for any postcode of a country, unless it is missing."""
    if country not in places()["countries"] or (country, code) in MISSING_POSTCODES:
        return []
    if country in SHORT and not re.fullmatch(SHORT[country], code):
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
    if (country, code) not in SHARED_POSTCODES:
        return [town]
    far = {"name": f"Far {code}", "latitude": town["latitude"] + 1.5, "population": 500}
    return [town, town | far]


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c))
