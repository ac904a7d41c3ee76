"""Where the weather is tried: its tables, a clock, and services, simulated or made up."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.failures import Failure
from pipelines.http.client import HttpClient
from pipelines.sources.weather.fetch import FetchResult, Kind, fetch
from pipelines.sources.weather.geocode_places import Geocoding, put_places
from pipelines.sources.weather.geocoding import Geocoder, Located
from pipelines.sources.weather.kinds import Archive, Forecast, PresentWeather
from pipelines.sources.weather.observation import Observation
from pipelines.sources.weather.providers import Place
from pipelines.sources.weather.providers.open_meteo_hours import ArchiveHours, ForecastHours
from pipelines.testing.fake_source import FakeSource
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.clock import FakeClock
from pipelines_tests.sources.flights.made_up import deliver, flights_document, itinerary, leg
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.stored import Stored

#: Responses of the real providers.
RECORDED = Path(__file__).parent / "recorded"
#: Requests by kind and outcome: of how many places, and how many they were.
CALLS = (
    "SELECT kind, outcome, count(*), count(DISTINCT request_id) FROM weather.api_requests"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)


@dataclass
class Site(Stored):
    """The database, a clock, and the sandbox's services with a client of them."""

    clock: FakeClock
    http: HttpClient
    sandbox: str
    folder: Path

    def send(self, lines: list[dict[str, str]]) -> None:
        """Load shipments, and make their ends places."""
        shipments.deliver(self.warehouse, self.folder, lines)
        put_places(self.warehouse)

    def locate(
        self, geocoder: Geocoder | None = None, *, is_by_hand: bool = False
    ) -> tuple[list[Located], Failure | None]:
        """Look up what is pending; what was located, and the last failure."""
        kind = Geocoding(geocoder or Geocoder(self.http, self.sandbox, self.clock), self.clock)
        return kind.located, fetch(self.warehouse, [kind], is_by_hand=is_by_hand).failure

    def fly(self, *days: int) -> None:
        """Load legs from BUD to LTN at 15:35 local time, so many days from now."""
        legs = []
        for number, ahead in enumerate(days, start=1):
            on = self.clock().date() + dt.timedelta(days=ahead)
            times = {"departure_time": f"{on}T15:35", "arrival_time": f"{on}T17:00"}
            legs.append(leg(number, **times))
        itineraries = [itinerary(number, [number]) for number in range(1, len(days) + 1)]
        deliver(self.warehouse, self.clock().date(), flights_document(itineraries, legs))
        put_places(self.warehouse)

    def due(self) -> int:
        """Return how many places want hours, from the forecast and from the archive."""
        with self.warehouse.engine.connect() as connection:
            return sum(len(kind.due(connection)) for kind in self.hours(self.sandbox))

    def lacking(self) -> list[tuple[str, int]]:
        """Return the places that lack hours, and how many, by the check of hours."""
        query = read_sql("pipelines.sources.weather", "checks/filled_hours")
        return [(row[0], row[1]) for row in self.rows(query)]

    def hours(self, url: str) -> list[Kind[Any, Any]]:
        """Return the kinds of hours, requested at a URL."""
        forecast, archive = (
            client(self.http, url, self.clock) for client in (ForecastHours, ArchiveHours)
        )
        return [Forecast(forecast, self.clock), Archive(archive, self.clock)]

    def fill(self, url: str | None = None, **how: Any) -> FetchResult:
        """Request the hours that are due, from the sandbox or from another provider."""
        return fetch(self.warehouse, self.hours(url or self.sandbox), **how)


@dataclass
class Theirs:
    """A service that the test controls, with a client of it and a clock."""

    http: HttpClient
    source: FakeSource
    clock: FakeClock

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return self.source.url.removesuffix("/document.json")


class MadeUp:
    """A provider in the test's hand: it answers, or does what it is instructed to do first."""

    name = "made-up"
    key_digest = ""
    calls_per_day = 1_000_000
    max_places = 200
    accepts_postcodes = False

    def __init__(self, clock: FakeClock, *first: Exception | None) -> None:
        self.clock, self.first, self.requested = clock, list(first), list[list[int]]()
        #: What is answered instead of good observations.
        self.change: Callable[[list[Observation]], Sequence[Observation | str]] = lambda good: good

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        self.requested.append([place.place_id for place in places])
        if self.first and (failure := self.first.pop(0)):
            raise failure
        return list(self.change([observed(self.clock()) for _ in places]))


def observed(at: dt.datetime, **changes: Any) -> Observation:
    values: dict[str, Any] = {
        "temperature_celsius": 10.0, "feels_like_celsius": 9.0, "humidity_pct": 50.0,
        "wind_kmh": 5.0, "wind_direction_degrees": 180.0, "precipitation_mm": 0.0,
        "cloud_cover_pct": 10.0, "pressure_hpa": 1013.0, "conditions": "overcast",
        "provider_code": "3", "wmo_code": 3, "is_day": True,
    }  # fmt: skip
    return Observation(observed_at=at, **(values | changes))


@dataclass
class Present(Stored):
    """The weather's tables and a clock, for requests of the present weather."""

    clock: FakeClock

    def provider(self, *first: Exception | None) -> MadeUp:
        return MadeUp(self.clock, *first)

    def add_places(self, count: int) -> None:
        self.owner.execute(
            "INSERT INTO weather.places"
            " (place_key, latitude, longitude, geocoding_status, is_observed)"
            " SELECT 'XX ' || n, 50, n %% 180, 'found', TRUE FROM generate_series(1, %s) AS n",
            [count],
        )

    def fetch(self, provider: Any = None) -> FetchResult:
        client: Any = provider or self.provider()
        return fetch(self.warehouse, [PresentWeather(client, self.clock)])

    def due(self) -> int:
        provider: Any = self.provider()
        with self.warehouse.engine.connect() as connection:
            return len(PresentWeather(provider, self.clock).due(connection))
