"""From country, postcode and city to coordinates, by Open-Meteo's geocoding API.

Contract: https://open-meteo.com/en/docs/geocoding-api. It finds names and postcodes, fuzzily; no
match is an answer without results. What fits is chosen here: the country has to be right, then the
postcode, then the name, then the size.
"""

import datetime as dt
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import asin, cos, inf, radians, sin, sqrt
from typing import Any

from pipelines.failures import Failure, TransientFailure
from pipelines.http.client import Explain, HttpClient
from pipelines.ingest.contract import shown
from pipelines.sources.weather.observation import (
    InvalidValue,
    number,
    parse_float,
    parse_text,
    words,
)
from pipelines.sources.weather.providers import Quota, RequestRejected
from pipelines.sources.weather.providers.open_meteo import OpenMeteo, explainer

URL = "https://geocoding-api.open-meteo.com"
MAX_RESULTS = 20
SAME_PLACE_KM = 25.0


@dataclass(frozen=True)
class Located:
    """Where a place is, or why that is not known; `status` as in `weather.places`."""

    status: str
    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None
    problem: str | None = None


class Geocoder:
    """Lookups of names and postcodes, one in a request."""

    provider = "open-meteo-geocoding"
    quotas: tuple[Quota, ...] = OpenMeteo.quotas

    def __init__(
        self, http: HttpClient, base_url: str | None, now: Callable[[], dt.datetime]
    ) -> None:
        self._url = f"{(base_url or URL).rstrip('/')}/v1/search"
        self._http = replace(http, explain=_explainer(now))

    def search(self, name: str, country_code: str) -> list[dict[str, Any]]:
        """What the API finds in a country under a name or postcode; often nothing."""
        parameters = {
            "name": name,
            "count": str(MAX_RESULTS),
            "language": "en",
            "format": "json",
            "countryCode": country_code,
        }
        answer = self._http.get_json(self._url, parameters)
        document = answer.document
        results = document.get("results", []) if isinstance(document, dict) else None
        try:
            return _checked(results)
        except InvalidValue as invalid:
            raise TransientFailure(
                self.provider,
                f"the answer is no list of results: {invalid}",
                place=answer.url,
                remedy="See whether GEOCODING_BASE_URL points at a geocoder.",
            ) from invalid


def _explainer(now: Callable[[], dt.datetime]) -> Explain:
    """What its error bodies mean: a lookup that it rejects is bad by itself, others may be good."""
    explain_as_forecast = explainer(now)

    def explain(status: int, document: Any, url: str) -> Failure | None:
        failure = explain_as_forecast(status, document, url)
        if status == 400 and failure is not None:
            return RequestRejected(Geocoder.provider, failure.problem, place=url)
        return failure

    return explain


def _checked(results: Any) -> list[dict[str, Any]]:
    """Results that all have a name, a country and coordinates; else none is to be chosen from."""
    if not isinstance(results, list):
        raise InvalidValue(f"it is {type(results).__name__}")
    for one in results:
        if not isinstance(one, dict):
            raise InvalidValue(f"a result is {type(one).__name__}")
        for key in ("name", "country_code"):
            if parse_text(one, key) is None:
                raise InvalidValue(f"{key} is empty")
        for key, maximum in (("latitude", 90), ("longitude", 180)):
            degrees = parse_float(one, key)
            if degrees is None or abs(degrees) > maximum:
                raise InvalidValue(f"{key} is {shown(degrees)}")
    return results


def names_to_try(postcode: str | None, city: str | None) -> list[str]:
    """What to look up, in this order, until something fits."""
    return [name for name in (postcode, city) if name]


def choose(
    results: Sequence[dict[str, Any]],
    *,
    country_code: str,
    postcode: str | None,
    city: str | None,
    is_by_city: bool = False,
) -> Located:
    """The result that fits best, `not_found`, or `ambiguous` when several do equally.

    Where the city was looked up, a result of another name will do: it is in English (Munich).
    """
    there = [
        one
        for one in results
        if str(one.get("country_code", "")).upper() == country_code
        and abs(_degrees(one, "latitude")) <= 90
        and abs(_degrees(one, "longitude")) <= 180
    ]
    by_postcode = [one for one in there if postcode and _plain(postcode) in _postcodes(one)]
    by_name = [
        one for one in by_postcode or there if city and _plain(one.get("name")) == _plain(city)
    ]
    fitting = by_name or by_postcode or (there if is_by_city else [])
    if not fitting:
        return Located("not_found", problem=f"none of {len(results)} results fits")
    fitting = sorted(fitting, key=lambda one: -(number(one.get("population")) or 0))
    best, *others = fitting
    as_large = [
        other
        for other in others
        if (number(other.get("population")) or 0) == (number(best.get("population")) or 0)
    ]
    if any(_kilometres(best, other) > SAME_PLACE_KM for other in as_large):
        names = "; ".join(_name(one) for one in (best, *as_large)[:4])
        return Located("ambiguous", problem=f"these fit equally: {names}")
    north, east = _degrees(best, "latitude"), _degrees(best, "longitude")
    return Located("found", north, east, _name(best))


def _degrees(result: dict[str, Any], name: str) -> float:
    """A coordinate; infinite when there is none."""
    found = number(result.get(name))
    return inf if found is None else found


def _postcodes(result: dict[str, Any]) -> set[str]:
    listed = result.get("postcodes")
    return {_plain(code) for code in listed} if isinstance(listed, list) else set()


def _plain(value: Any) -> str:
    """Without case, accents and blanks."""
    letters = unicodedata.normalize("NFKD", str(value or "").casefold())
    return "".join(c for c in letters if not unicodedata.combining(c) and not c.isspace())


def _name(result: dict[str, Any]) -> str:
    parts = (result.get("name"), result.get("admin1"), result.get("country_code"))
    return ", ".join(name for part in parts if (name := words(part)))


def _kilometres(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Great-circle distance by the haversine formula."""
    north = radians(other["latitude"] - one["latitude"])
    east = radians(other["longitude"] - one["longitude"])
    half = (
        sin(north / 2) ** 2
        + cos(radians(one["latitude"])) * cos(radians(other["latitude"])) * sin(east / 2) ** 2
    )
    return 2 * 6371 * asin(sqrt(min(1.0, half)))
