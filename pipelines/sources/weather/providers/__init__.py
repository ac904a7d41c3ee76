"""Who is asked how the weather is: one module each.

A provider turns places into observations, in one request or several, and sorts its errors: what may
pass is a `TransientFailure`, what needs a person a `PermanentFailure`, a used-up allowance
`QuotaExhausted`. It writes nothing and keeps nothing.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pipelines.failures import Failure
from pipelines.sources.weather.observation import Observation

Window = Literal["minute", "hour", "day", "month"]
KEY_VARIABLE = "WEATHER_API_KEY"
URL_VARIABLE = "WEATHER_BASE_URL"


@dataclass(frozen=True)
class Place:
    """A place as providers need it; without coordinates some can ask by postcode and country."""

    place_id: int
    latitude: float | None
    longitude: float | None
    country_code: str | None = None
    postcode: str | None = None


@dataclass(frozen=True)
class Quota:
    """How much a provider allows in a window that begins with the full minute, hour, day, month."""

    window: Window
    most: float


class QuotaExhausted(Failure):
    """The allowance is used up: nobody asks before `until`."""

    def __init__(self, source: str, problem: str, *, place: str, until: dt.datetime) -> None:
        super().__init__(
            source,
            f"{problem}. It is not asked before {until:%Y-%m-%d %H:%M} UTC",
            place=place,
            remedy="Nothing: what is known is kept and shows its age. If it is so every day, use"
            " another WEATHER_PROVIDER or a larger plan.",
        )
        self.until = until


class RequestRefused(Failure):
    """The provider refuses a request for what is asked: one place of it is bad."""

    def __init__(self, source: str, problem: str, *, place: str) -> None:
        super().__init__(
            source, problem, place=place, remedy="Correct the place in weather.places."
        )


class Provider(Protocol):
    """What the store of the weather needs of a provider."""

    name: str
    quotas: tuple[Quota, ...]
    most_places: int
    """How many places go into one request."""
    cost_of_place: float
    """What a place takes from the allowance."""

    def can_ask(self, place: Place) -> bool:
        """Whether what is known of the place is enough to ask."""

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        """The weather of each place, in their order, or why there is none for it."""


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
