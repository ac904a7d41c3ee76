"""Parse postal addresses into their parts: a pure function of text.

The country is found first, then street, postcode and city by a list of small rules (`places`), of
which the first match wins. Nothing is looked up: this cannot know whether a postcode
or a city exists. Therefore `parsed` is only what has a single reading; an address for which another
one is as good is `partly_parsed`.
"""

import html
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from pipelines.ingest.countries import code_of_country
from pipelines.ingest.identifiers import NOTHING
from pipelines.sources.shipments.addresses import words
from pipelines.sources.shipments.addresses.places import Parts, Place, find_country, find_place

#: To be raised with every change here or of `countries`: the next run reads again.
PARSER_VERSION = 7
SEPARATORS = re.compile(r"[,;\n\r،؛，、；|]| [•·] ")
#: As web shops export letters: `M&uuml;nchen`.
ENTITY = re.compile(r"&#?[0-9A-Za-z]+;")
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
PLAIN_STREET = re.compile(r"[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ.' -]* \d{1,5}")
#: Countries with a city of the same name.
CITY_STATES = frozenset(
    ("DJ", "GI", "GT", "HK", "KW", "LU", "MC", "MO", "MX", "PA", "SG", "SM", "TN", "VA")
)
#: Stands for such a street, so that addresses that differ in it are parsed once.
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
    text = ENTITY.sub(lambda one: html.unescape(one[0]), INVISIBLE.sub("", text))
    written = (" ".join(part.split()) for part in SEPARATORS.split(text))
    texts = tuple(part for part in written if part.strip(" .-") and not _is_nothing(part))
    is_plain = len(texts) > 2 and PLAIN_STREET.fullmatch(texts[0])
    parts, place, status = _read((ANY_STREET, *texts[1:]) if is_plain else texts)
    street = ", ".join(filter(None, place.street)) or None
    found = (one and one.replace(ANY_STREET, texts[0]) for one in (street, place.city))
    street, city = found if is_plain else (street, place.city)
    return Address(street, place.postcode, city, parts.country, parts.code, status)


@lru_cache(maxsize=20_000)
def _read(texts: tuple[str, ...]) -> tuple[Parts, Place, str]:
    parts = find_country(texts)
    place = find_place(parts)
    if not place.city or _is_code(place.city, parts.code):
        return parts, replace(place, city=None), "unparsed"
    if parts.code is None:
        return parts, place, "unknown_country"
    if place.is_odd:
        return parts, place, "odd_postcode"
    before = place.street[-1] if place.street else ""
    is_doubtful = parts.is_doubtful or place.is_doubtful or _is_odd(place.city, parts.code)
    if place.postcode is None:  # Ndola, Copperbelt, Zambia: the city may be a province
        is_doubtful |= words.may_be_city(before) and len(before.split()) < 3
    fine = "parsed" if place.postcode else "no_postcode"
    return parts, place, "partly_parsed" if is_doubtful else fine


def _is_nothing(part: str) -> bool:
    """Return whether a part is what programs write for a missing value."""
    return all(word in NOTHING for word in part.split())


def _is_code(city: str, code: str | None) -> bool:
    """Return whether a city is the code of a country or state: GBR, MN."""
    states = (words.states(one)[0] for one in ((code,) if code else ("AU", "BR", "CA", "US")))
    is_short = re.fullmatch("[A-Z]{2,3}", city) is not None
    return is_short and (code_of_country(city) is not None or any(city in one for one in states))


def _is_odd(city: str, code: str) -> bool:
    """Return whether a city may be something else, or has a state or a country behind it."""
    said = city.split()
    is_name = words.may_be_city(re.sub(r" \d{1,2}$", "", city))  # Dublin 2
    has_street = re.search("[\u3040-\ud7af].*(?: |.{6})", city)
    is_code = city.upper() in {code, *words.states(code)[0]}
    if not is_name or has_street or is_code or len(city) < 2 or len(said) > 5:
        return True
    if words.is_region(city, code):
        return not words.is_city_too(city, code)
    ends = [" ".join(said[number:]) for number in range(len(said))]
    ends = [end for end in ends if city == end or not words.follows_link(city, end)]
    meant = {words.code_of(end) for end in ends if len(end) > 3} - {None}
    is_other = bool(meant) and not (meant == {code} and code in CITY_STATES)
    return is_other or any(words.is_region(end, code) for end in ends)  # Erfurt Thüringen
