"""Weather providers, one module each.

A provider turns places into observations, in one request or several, and classifies its errors:
`TransientFailure` for what may pass, `PermanentFailure` for what needs a person, `QuotaExhausted`,
`RequestRejected`. It writes nothing and keeps no state.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pipelines.failures import Failure
from pipelines.sources.weather.observation import Observation

Window = Literal["minute", "hour", "day", "month"]
KEY_VARIABLE = "WEATHER_API_KEY"
URL_VARIABLE = "WEATHER_BASE_URL"
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Place:
    """A place as providers need it; without coordinates some accept postcode and country."""

    place_id: int
    latitude: float | None
    longitude: float | None
    country_code: str | None = None
    postcode: str | None = None


@dataclass(frozen=True)
class Quota:
    """What a provider allows in a window that begins with the full minute, hour, day or month."""

    window: Window
    limit: float


class QuotaExhausted(Failure):
    """The quota is used up: no request before `until`."""

    def __init__(self, source: str, problem: str, *, place: str, until: dt.datetime) -> None:
        super().__init__(
            source,
            f"{problem}. No request before {until:%Y-%m-%d %H:%M} UTC",
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


class Provider(Protocol):
    """What the request loop needs of a provider."""

    name: str
    quotas: tuple[Quota, ...]
    #: Places in one request.
    max_places: int
    #: What a place counts against the quota.
    cost_of_place: float

    def can_request(self, place: Place) -> bool:
        """Whether what is known of the place is enough for a request."""

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        """The weather of each place, in order, or why there is none."""


def start_of(window: Window, now: dt.datetime) -> dt.datetime:
    """When the present window began, in UTC."""
    minute = now.astimezone(dt.UTC).replace(second=0, microsecond=0)
    if window == "minute":
        return minute
    hour = minute.replace(minute=0)
    if window == "hour":
        return hour
    day = hour.replace(hour=0)
    return day if window == "day" else day.replace(day=1)


def end_of(window: Window, now: dt.datetime) -> dt.datetime:
    """When the next window begins, in UTC."""
    start = start_of(window, now)
    if window == "month":
        return (start + dt.timedelta(days=32)).replace(day=1)
    lengths = {"minute": 60, "hour": 3_600, "day": 86_400}
    return start + dt.timedelta(seconds=lengths[window])
