"""Weather providers, one module each.

A provider fetches observations for places, and classifies its errors: `TransientFailure`,
`PermanentFailure` for those that need a person, `QuotaExhausted` and `RequestRejected`.
"""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from pipelines.failures import Failure, PermanentFailure
from pipelines.http.client import HttpClient
from pipelines.sources.weather.observation import Observation

KEY_VARIABLE = "WEATHER_API_KEY"
OPEN_METEO_KEY_VARIABLE = "OPEN_METEO_API_KEY"
URL_VARIABLE = "WEATHER_BASE_URL"
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Place:
    """A place as providers need it; without coordinates, some accept postcode and country."""

    place_id: int
    latitude: float | None
    longitude: float | None
    country_code: str | None = None
    postcode: str | None = None


class QuotaExhausted(Failure):
    """The quota is used up: no request before `until`.

    None if the provider does not say for how long; the block then gets longer each time.
    """

    def __init__(self, source: str, problem: str, *, place: str, until: dt.datetime | None) -> None:
        pause = f"before {until:%Y-%m-%d %H:%M} UTC" if until else "for some minutes at least"
        super().__init__(
            source,
            f"{problem}. No request {pause}",
            place=place,
            remedy="Nothing: the last weather is kept and shows its age. If it happens daily, use"
            " another WEATHER_PROVIDER or a larger plan.",
        )
        self.until = until


class RequestRejected(Failure):
    """The provider rejects a request because of one of its places."""

    def __init__(self, source: str, problem: str, *, place: str) -> None:
        super().__init__(
            source, problem, place=place, remedy="Correct the place in weather.places."
        )


class KeyRejected(PermanentFailure):
    """The provider rejects the key, or its plan lacks what was requested."""


class Service(ABC):
    """A service whose requests are counted: its address, its key and its error bodies."""

    name: str
    #: Default host and path; the host can be overridden.
    host: str
    path: str
    #: What its quota allows in a day (UTC).
    calls_per_day: int

    def __init__(
        self, http: HttpClient, base_url: str | None, now: Clock, key: str | None = None
    ) -> None:
        self._url = f"{(base_url or self.host).rstrip('/')}{self.path}"
        self._key = key or ""
        #: Digest of the key, to which quotas and blocks apply. Empty without a key.
        digest = sha256(self._key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self.key_digest = digest if key else ""
        secrets = [*http.secrets, self._key]
        self._http = replace(http, secrets=secrets, explain=self.explain, clock=now)

    @abstractmethod
    def explain(
        self, status: int, document: Any, url: str, received_at: dt.datetime
    ) -> Failure | None:
        """Interpret an error body."""


class Provider(Service):
    """A provider of present weather."""

    #: Places in one request.
    max_places = 1
    #: Whether places without coordinates can be requested by postcode and country.
    accepts_postcodes = False

    @abstractmethod
    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        """Return the weather of each place, in order, or why there is none."""


def end_of(window: str, now: dt.datetime) -> dt.datetime:
    """Return when the next minute, hour, day or month begins, in UTC."""
    if window == "month":
        first = now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return (first + dt.timedelta(days=32)).replace(day=1)
    length = {"minute": 60, "hour": 3_600, "day": 86_400}[window]
    return dt.datetime.fromtimestamp((now.timestamp() // length + 1) * length, dt.UTC)
