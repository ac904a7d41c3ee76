"""Weather providers, one module each.

A provider fetches observations for places, in one request or several, and classifies its errors:
`TransientFailure` for temporary errors, `PermanentFailure` for those that need a person,
`QuotaExhausted` and `RequestRejected`. It writes nothing and keeps no state.
"""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol

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


class Client(Protocol):
    """A service whose requests are counted."""

    name: str
    #: Digest of its key, to which quotas and blocks apply. Empty without a key.
    key_digest: str
    #: What its quota allows in a day (UTC); None without such a limit.
    calls_per_day: int | None


class Provider(Client, Protocol):
    """The interface of a provider of present weather for the request loop."""

    #: Places in one request.
    max_places: int
    #: Quota cost of a place.
    cost_of_place: float

    def can_request(self, place: Place) -> bool:
        """Return whether a place has enough data for a request."""

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        """Return the weather of each place, in order, or why there is none."""


class KeyedProvider(ABC):
    """A provider that needs a key and answers for one place per request."""

    name: str
    #: Default host and path; the host can be overridden.
    host: str
    path: str
    calls_per_day: int | None
    max_places = 1
    cost_of_place = 1.0

    def __init__(self, http: HttpClient, base_url: str | None, key: str, now: Clock) -> None:
        self._url = f"{(base_url or self.host).rstrip('/')}{self.path}"
        self._key = key
        self.key_digest = digest_of_key(key)
        secrets = [*http.secrets, key]
        self._http = replace(http, secrets=secrets, explain=self.explain, clock=now)

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        """Send a request for each place."""
        return [self._observe_one(place) for place in places]

    @abstractmethod
    def can_request(self, place: Place) -> bool:
        """Return whether a place has enough data for a request."""

    @abstractmethod
    def _observe_one(self, place: Place) -> Observation | str: ...

    @abstractmethod
    def explain(
        self, status: int, document: Any, url: str, received_at: dt.datetime
    ) -> Failure | None:
        """Interpret an error body."""


def digest_of_key(key: str | None) -> str:
    """Return a digest that identifies a key without revealing it; empty without a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12] if key else ""


def end_of(window: str, now: dt.datetime) -> dt.datetime:
    """Return when the next minute, hour, day or month begins, in UTC."""
    if window == "month":
        first = now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return (first + dt.timedelta(days=32)).replace(day=1)
    length = {"minute": 60, "hour": 3_600, "day": 86_400}[window]
    return dt.datetime.fromtimestamp((now.timestamp() // length + 1) * length, dt.UTC)
