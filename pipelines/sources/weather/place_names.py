"""Geocoder lookups of a place, and the comparison of place names. Pure.

A lookup matches the main name, a postcode, or the name in the one requested language; its results
have the names in that language. docs/sources/weather.md shows where this was verified.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from pipelines.ingest import countries

#: National languages tried per country: South Africa has eleven.
MAX_LANGUAGES = 4
#: Maximum requests per place: a postcode, the country's languages, English, the territories.
MAX_LOOKUPS = 1 + MAX_LANGUAGES + 1 + 1
ENGLISH = "en"
#: Languages with another code than in CLDR. Serbian in Latin script has no names of its own.
GEONAMES_LANGUAGES = {"gsw": "de", "nb": "no", "nn": "no", "sr_Latn": "hr"}
#: Letters that are not an accented form of another letter, and their plain spelling.
PLAIN_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)
#: How umlauts and similar letters are spelled out: Koeln, Aarhus.
SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


@dataclass(frozen=True)
class Lookup:
    """One request to the geocoder: a postcode or a city, and the language of the names."""

    name: str
    language: str
    #: Codes of the countries whose places are accepted.
    countries: tuple[str, ...]
    is_postcode: bool = False


def lookups(country_code: str, postcode: str | None, city: str | None) -> tuple[Lookup, ...]:
    """Return the lookups of a place, in order, until one response is accepted."""
    country = lookup_country(country_code, postcode)
    lookups = []
    if postcode:
        short = short_postcode(country, postcode)
        lookups.append(Lookup(short, ENGLISH, (country,), is_postcode=True))
    if city:
        lookups += [Lookup(city, language, (country,)) for language in languages(country)]
        if territories := countries.territories(country):
            lookups.append(Lookup(city, ENGLISH, tuple(territories)))
    return tuple(lookups)


def lookup_country(country_code: str, postcode: str | None) -> str:
    """Return the country code of a place in GeoNames: the territory's where its postcode shows it.

    >>> lookup_country("US", "00901")
    'PR'
    """
    compact = _compact(postcode or "")
    beginnings = {
        beginning: territory
        for territory, listed in countries.territories(country_code).items()
        for beginning in listed
        if compact.startswith(beginning)
    }
    return beginnings[max(beginnings, key=len)] if beginnings else country_code


def short_postcode(country_code: str, postcode: str) -> str:
    """A postcode as GeoNames has it: without the letters of a Dutch one, half of a British one.

    >>> short_postcode("NL", "1016 BZ"), short_postcode("GB", "SW1A 2AA")
    ('1016', 'SW1A')
    """
    compact = _compact(postcode)
    if country_code == "CA" and compact[1:2] == "0":
        return postcode  # rural: many places share its short form
    state = "US" if country_code in countries.territories("US") else country_code
    short, rest = countries.short_postcode(state) or ("", "")
    found = re.fullmatch(f"({short}){rest}", compact)
    return found[1] if found else postcode


def is_same_postcode(country_code: str, one: str, other: str) -> bool:
    """Return whether two postcodes are the same in the form that GeoNames uses."""
    first, second = (_compact(short_postcode(country_code, code)) for code in (one, other))
    return first == second


@cache
def languages(country_code: str) -> tuple[str, ...]:
    """Return the languages in which to look up a name in a country: its own, then English."""
    from babel.languages import get_official_languages

    own = get_official_languages(country_code, de_facto=True)[:MAX_LANGUAGES]
    named = (GEONAMES_LANGUAGES.get(code, code.split("_")[0]) for code in own)
    return tuple(dict.fromkeys([*named, ENGLISH]))


def is_same_name(one: str, other: str) -> bool:
    """Return whether two names are equal, ignoring case, accents, blanks, hyphens and punctuation.

    A name may consist of several, "Biel/Bienne". Umlauts may be spelled out.
    """
    return bool(_forms(one) & _forms(other))


def _forms(name: str) -> set[str]:
    found = set()
    for part in (name, *name.split("/")):
        folded = unicodedata.normalize("NFC", part.casefold())
        found |= {_plain(folded), _plain(folded.translate(SPELLED_OUT))}
    return found - {""}


def _plain(folded: str) -> str:
    """Remove accents, blanks and marks such as hyphens and apostrophes."""
    letters = unicodedata.normalize("NFKD", folded.translate(PLAIN_LETTERS))
    kept = (c for c in letters if unicodedata.category(c)[0] not in "ZPSC")
    return "".join(c for c in kept if not unicodedata.combining(c))


def _compact(postcode: str) -> str:
    return "".join(postcode.split()).upper()
