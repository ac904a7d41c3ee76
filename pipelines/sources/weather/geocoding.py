"""Geocode country, postcode and city with Open-Meteo's geocoding API (GeoNames).

Contract: https://open-meteo.com/en/docs/geocoding-api and docs/sources/weather.md. A lookup matches
the main name, a postcode, or the name in one language, fuzzily. The result is selected here: the
country has to be right, then the postcode, then the name, then the size. A result with another name
is never accepted: "Wien" in English finds Wiener Neustadt.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.great_circle import kilometres
from pipelines.ingest import countries
from pipelines.ingest.contract import shown
from pipelines.sources.weather.observation import (
    InvalidValue,
    number,
    parse_float,
    parse_text,
    words,
)
from pipelines.sources.weather.providers import RequestRejected
from pipelines.sources.weather.providers.open_meteo import OpenMeteoApi

URL = "https://geocoding-api.open-meteo.com"
#: The API's maximum. It may filter by country after the limit, so a lower one could hide the place.
MAX_RESULTS = 100
#: Candidates that are stored for a person.
MAX_CANDIDATES = 10
SAME_PLACE_KM = 25.0
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


@dataclass(frozen=True)
class Candidate:
    """A possible match, as in `weather.places.geocoding_candidates`."""

    name: str
    latitude: float
    longitude: float
    population: int


@dataclass(frozen=True)
class Located:
    """A place's location, or why it is unknown; `status` as in `weather.places`."""

    status: str
    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None
    problem: str | None = None
    #: For a person to choose from, if no result was accepted.
    candidates: tuple[Candidate, ...] = ()
    #: False if another lookup may find it.
    is_final: bool = True


class Geocoder(OpenMeteoApi):
    """Lookups of names and postcodes, one per request."""

    name = "open-meteo-geocoding"
    host = URL
    path = "/v1/search"

    def explain(
        self, status: int, document: Any, url: str, received_at: dt.datetime
    ) -> Failure | None:
        """Interpret an error body: a rejected lookup is bad itself, other lookups may be fine."""
        failure = super().explain(status, document, url, received_at)
        if isinstance(failure, RequestRejected) or type(failure) is PermanentFailure:
            return RequestRejected(self.name, failure.problem, place=url)
        return failure

    def search(self, lookup: Lookup) -> list[dict[str, Any]]:
        """Return results, often none, that have name, country_code, latitude and longitude."""
        parameters = {
            "name": lookup.name,
            "count": str(MAX_RESULTS),
            "language": lookup.language,
            "format": "json",
        }
        if len(lookup.countries) == 1:
            (parameters["countryCode"],) = lookup.countries
        response = self._http.get_json(self._url, parameters)
        document = response.document
        results = document.get("results", []) if isinstance(document, dict) else None
        try:
            return checked(results)
        except InvalidValue as invalid:
            raise TransientFailure(
                self.name,
                f"the response is not a list of results: {invalid}",
                place=response.url,
                remedy="See whether GEOCODING_BASE_URL points at a geocoder.",
            ) from invalid


def checked(results: Any) -> list[dict[str, Any]]:
    """Validate results: all need a name, a country and coordinates, else none is usable.

    The response is generated from protobuf, which omits zeros and empty strings: a place on the
    equator has no latitude, a seamount no country.
    """
    if not isinstance(results, list):
        raise InvalidValue(f"it is {type(results).__name__}")
    found = []
    for one in results:
        if not isinstance(one, dict):
            raise InvalidValue(f"a result is {type(one).__name__}")
        if not one.keys() & {"latitude", "longitude"}:
            raise InvalidValue("a result has no coordinates")
        whole = {"latitude": 0.0, "longitude": 0.0, **one}
        for key in ("name", "country_code"):
            if (key == "name" or key in whole) and parse_text(whole, key) is None:
                raise InvalidValue(f"{key} is empty")
        for key, maximum in (("latitude", 90), ("longitude", 180)):
            degrees = parse_float(whole, key)
            if degrees is None or abs(degrees) > maximum:
                raise InvalidValue(f"{key} is {shown(degrees)}")
        if "country_code" in whole:
            found.append(whole)
    return found


def choose(
    results: Sequence[dict[str, Any]], lookup: Lookup, *, postcode: str | None, city: str | None
) -> Located:
    """Return the matching result, or candidates for a person.

    By postcode: its results lie close together, or one has the city's name. By city: a result has
    its name; towns come before areas, then the largest one, unless several are equally large.
    """
    there = [one for one in results if str(one["country_code"]).upper() in lookup.countries]
    by_postcode = [one for one in there if postcode and _has_postcode(one, postcode)]
    by_name = [one for one in there if city and is_same_name(str(one["name"]), city)]
    by_both = [one for one in by_postcode if one in by_name]
    if lookup.is_postcode:
        fitting = by_both or by_postcode
        if fitting and _is_one_place(fitting):
            return _found(_largest(fitting))
        return _undecided(fitting)
    if not by_name:
        is_decided = bool(by_postcode) and _is_one_place(by_postcode)
        return _found(_largest(by_postcode)) if is_decided else _undecided(there)
    fitting = by_both or by_name  # of which towns come first: "Panama" is a country and a city
    fitting = [one for one in fitting if str(one.get("feature_code"))[:3] == "PPL"] or fitting
    best = _largest(fitting)
    as_large = [one for one in fitting if _population(one) == _population(best)]
    if _is_one_place(as_large):
        return _found(best)
    return replace(_undecided(as_large), is_final=True)


def unlocated(candidates: Iterable[Candidate]) -> Located:
    """Return the result for a place that no lookup found, with its candidates."""
    by_spot: dict[tuple[float, float], Candidate] = {}
    for one in candidates:
        by_spot.setdefault((one.latitude, one.longitude), one)
    found = sorted(by_spot.values(), key=lambda one: -one.population)[:MAX_CANDIDATES]
    if not found:
        return Located("not_found", problem="the geocoder found nothing under this name")
    names = "; ".join(one.name for one in found[:4])
    problem = f"no result is certain; candidates: {names}"
    return Located("ambiguous", problem=problem, candidates=tuple(found))


def _undecided(results: Iterable[dict[str, Any]]) -> Located:
    """Return that no result was accepted, but another lookup may find one."""
    found = (
        Candidate(_name(one), one["latitude"], one["longitude"], int(_population(one)))
        for one in results
    )
    return replace(unlocated(found), is_final=False)


def _found(result: dict[str, Any]) -> Located:
    return Located("found", result["latitude"], result["longitude"], _name(result))


def _has_postcode(result: dict[str, Any], postcode: str) -> bool:
    listed = result.get("postcodes")
    country = str(result["country_code"]).upper()
    return isinstance(listed, list) and any(
        is_same_postcode(country, postcode, str(one)) for one in listed
    )


def _largest(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return max(results, key=_population)


def _population(result: dict[str, Any]) -> float:
    """Return the population; 0 if the response omits it."""
    return number(result.get("population")) or 0.0


def _is_one_place(results: Sequence[dict[str, Any]]) -> bool:
    """Return whether all results lie around the largest one."""
    here, *there = ((one["latitude"], one["longitude"]) for one in (_largest(results), *results))
    return all(kilometres(here, one) <= SAME_PLACE_KM for one in there)


def _name(result: dict[str, Any]) -> str:
    parts = (result.get("name"), result.get("admin1"), result.get("country_code"))
    return ", ".join(name for part in parts if (name := words(part)))


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
