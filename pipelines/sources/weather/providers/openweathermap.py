"""OpenWeatherMap: needs a key, one place per request. Contract: https://openweathermap.org/current.

Requests use coordinates, or postcode and country without them; without the country it would assume
the US. `cod` is a number in some responses and a string in others.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from pipelines.failures import Failure, PermanentFailure
from pipelines.sources.weather.observation import (
    Observation,
    check_float,
    from_epoch,
    lost,
    observed,
    parse_code,
    parse_text,
    wmo_code,
)
from pipelines.sources.weather.providers import (
    KEY_VARIABLE,
    Place,
    Provider,
    QuotaExhausted,
    RequestRejected,
)

KMH_PER_M_PER_S = 3.6
#: The range of its codes; every 2xx is a thunderstorm.
CODES = (200, 999)


class OpenWeatherMap(Provider):
    """Present weather by coordinates or by postcode."""

    name = "openweathermap"
    host = "https://api.openweathermap.org"
    path = "/data/2.5/weather"
    calls_per_day = 32_000  # of 1,000,000 a month
    accepts_postcodes = True

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        """Send a request for the place."""
        (place,) = places
        if place.latitude is not None:
            where = {"lat": f"{place.latitude:.5f}", "lon": f"{place.longitude:.5f}"}
        else:
            where = {"zip": f"{place.postcode},{(place.country_code or '').lower()}"}
        parameters = {**where, "appid": self._key, "units": "metric", "lang": "en"}
        return [_read(self._http.get_json(self._url, parameters).document)]

    def explain(
        self,
        status: int,
        document: Any,
        url: str,
        received_at: dt.datetime,  # noqa: ARG002 - for other providers
    ) -> Failure | None:
        """Interpret an error body."""
        if not isinstance(document, dict) or "cod" not in document:
            return None
        code = str(document["cod"])
        problem = f"it answered {status}, code {code}: {document.get('message')}"
        if code == "401":
            remedy = f"Set {KEY_VARIABLE} to a valid key; a new one takes up to two hours."
            return PermanentFailure(self.name, problem, place=url, remedy=remedy)
        if code in ("404", "400"):
            return RequestRejected(self.name, problem, place=url)
        if code == "429":  # "temporarily blocked", without a duration
            return QuotaExhausted(self.name, problem, place=url, until=None)
        return None


def _read(document: Any) -> Observation | str:
    if not isinstance(document, dict) or not isinstance(document.get("main"), dict):
        return "the response has no current weather"
    if str(document.get("cod", 200)) != "200":
        return f"it answered {document.get('cod')}: {document.get('message')}"
    return observed(from_epoch(document.get("dt")), document, _observation)


def _observation(observed_at: dt.datetime, document: dict[str, Any]) -> Observation:
    """Parse an observation; the provider omits what it does not measure."""
    listed = document.get("weather")
    first = listed[0] if isinstance(listed, list) and listed else {}
    first = {"id": None, "description": None} | (first if isinstance(first, dict) else {})
    code = parse_code(first, "id", *CODES)
    icon = first.get("icon")
    speed = _amount(document, "wind", "speed")
    return Observation(
        observed_at=observed_at,
        temperature_celsius=_amount(document, "main", "temp"),
        feels_like_celsius=_amount(document, "main", "feels_like"),
        humidity_pct=_amount(document, "main", "humidity"),
        wind_kmh=None if speed is None else round(speed * KMH_PER_M_PER_S, 2),
        wind_direction_degrees=_amount(document, "wind", "deg"),
        precipitation_mm=_precipitation(document),
        cloud_cover_pct=_amount(document, "clouds", "all"),
        pressure_hpa=_amount(document, "main", "pressure"),
        conditions=parse_text(first, "description"),
        provider_code=None if code is None else str(code),
        wmo_code=95 if code is not None and code < 300 else wmo_code(OpenWeatherMap.name, code),
        is_day=icon.endswith("d") if isinstance(icon, str) else None,
        impossible=lost(first, {"id": code}),
    )


def _precipitation(document: dict[str, Any]) -> float | None:
    """Return rain and snow of the last hour; they are omitted if there is none.

    None if only the amount of three hours is known.
    """
    kinds = [one for one in ("rain", "snow") if document.get(one)]
    fallen = [_amount(document, kind, "1h") for kind in kinds]
    return None if None in fallen else sum(amount for amount in fallen if amount is not None)


def _amount(document: dict[str, Any], part: str, key: str) -> float | None:
    found = document.get(part)
    return check_float(f"{part}.{key}", found.get(key)) if isinstance(found, dict) else None
