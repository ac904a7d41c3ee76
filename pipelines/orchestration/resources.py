"""Dagster's resources: shells that give plain clients, which know nothing of Dagster."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from pipelines.config import Settings
from pipelines.env_validation import misconfigured
from pipelines.http.client import HttpClient, Patience
from pipelines.ingest.inbox import Inbox
from pipelines.postgres.server import LOADER
from pipelines.sources.bookings.client import EventsClient
from pipelines.sources.bookings.load import Reading
from pipelines.sources.flights.client import FlightsClient
from pipelines.sources.solar.client import MonitoringClient
from pipelines.sources.solar.windows import Depth
from pipelines.sources.weather.geocoding import Geocoder
from pipelines.sources.weather.providers import KEY_VARIABLE, URL_VARIABLE, Provider
from pipelines.sources.weather.providers.open_meteo import OpenMeteo
from pipelines.sources.weather.providers.open_meteo_hours import OpenMeteoHours
from pipelines.sources.weather.providers.openweathermap import OpenWeatherMap
from pipelines.sources.weather.providers.weatherapi import WeatherApi
from pipelines.warehouse.connection import Warehouse

KEYED_PROVIDERS: dict[str, type[WeatherApi | OpenWeatherMap]] = {
    WeatherApi.name: WeatherApi,
    OpenWeatherMap.name: OpenWeatherMap,
}
"""Providers that want a key; another one is a module in `weather.providers` and a line here."""
LIVE_FLIGHTS_URL = (
    "https://raw.githubusercontent.com/Skyscanner/full-stack-recruitment-test"
    "/main/public/flights.json"
)


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """The warehouse as the loader."""

    url: str | None = None

    @contextmanager
    def open(self) -> Iterator[Warehouse]:
        """A `Warehouse`, the one of the environment unless `url` is given; closed afterwards."""
        warehouse = Warehouse(self.url or Settings.from_environment().warehouse_url(LOADER))
        try:
            yield warehouse
        finally:
            warehouse.dispose()


class FlightsResource(dg.ConfigurableResource[FlightsClient]):
    """The source of flights."""

    url: str | None = None

    def open(self) -> FlightsClient:
        """A client for `url`, else for what the environment says."""
        settings = Settings.from_environment()
        own = self.url or settings.flights_url
        url = settings.source_url(own, "/flights.json", LIVE_FLIGHTS_URL)
        assert url is not None
        return FlightsClient(url, HttpClient(source="flights", variable="FLIGHTS_URL"))

    def country_of_prices(self) -> str | None:
        """Whose currency an ambiguous sign such as kr is; ISO 3166 alpha-2."""
        return Settings.from_environment().flights_country


class BookingsResource(dg.ConfigurableResource[Inbox]):
    """The inbox of hotel bookings, and the events API of the hotel system."""

    folder: str | None = None
    url: str | None = None

    def open_inbox(self) -> Inbox | None:
        """The inbox in `folder`, else where the environment says; None when it is off."""
        settings = Settings.from_environment()
        own = Path(self.folder) if self.folder else settings.bookings_inbox
        folder = settings.inbox("bookings", own)
        if folder is None:
            return None
        reading = repr(settings.bookings_reading)
        return Inbox("bookings", folder, "BOOKINGS_INBOX", reading, suffixes=(".csv", ".csv.gz"))

    def open_api(self, *, attempts: int = 5) -> EventsClient | None:
        """A client for `url`, else for what the environment says; None when it is off."""
        settings = Settings.from_environment()
        url = settings.source_url(self.url or settings.bookings_events_url, "/events", None)
        if url is None:
            return None
        http = HttpClient("bookings", "BOOKINGS_EVENTS_URL", attempts=attempts)
        return EventsClient(url, http)

    def reading(self) -> Reading:
        """How events are read."""
        return Settings.from_environment().bookings_reading


class ShipmentsResource(dg.ConfigurableResource[Inbox]):
    """The inbox of shipments."""

    folder: str | None = None

    def open_inbox(self) -> Inbox | None:
        """The inbox in `folder`, else where the environment says; None when it is off."""
        settings = Settings.from_environment()
        own = Path(self.folder) if self.folder else settings.shipments_inbox
        folder = settings.inbox("shipments", own)
        if folder is None:
            return None
        return Inbox("shipments", folder, "SHIPMENTS_INBOX", reading=settings.shipments_encoding)

    def encoding(self) -> str:
        """How the files are encoded."""
        return Settings.from_environment().shipments_encoding


class SolarResource(dg.ConfigurableResource[MonitoringClient]):
    """The monitoring service of solar plants."""

    url: str | None = None

    def open(self) -> MonitoringClient | None:
        """A client for `url`, else for what the environment says; None when it is off.

        It asks seven times, evenly; all its requests together may try again a hundred times.
        """
        settings = Settings.from_environment()
        url = settings.source_url(self.url or settings.monitoring_url, "/solar", None)
        if url is None:
            return None
        http = HttpClient(
            "solar",
            "MONITORING_URL",
            attempts=7,
            first_wait_seconds=2.0,
            growth=1.0,
            max_bytes=16 * 1024 * 1024,  # a year is little more than one
            patience=Patience(tries=100),
        )
        return MonitoringClient(url, http)

    def depth(self) -> Depth:
        """How far back history goes."""
        return Settings.from_environment().sync_depth


class WeatherResource(dg.ConfigurableResource[Provider]):
    """The provider of the weather, and the geocoder."""

    base_url: str | None = None

    def open(self) -> Provider:
        """The provider that the environment names, at `base_url` if given."""
        settings = Settings.from_environment()
        base_url = settings.source_url(self.base_url or settings.weather_base_url, "", None)
        _check_weather(settings.weather_provider, settings.weather_api_key)
        http = _weather_http(URL_VARIABLE)
        if settings.weather_provider == OpenMeteo.name:
            return OpenMeteo(http, base_url, utc_now)
        assert settings.weather_api_key is not None
        kind = KEYED_PROVIDERS[settings.weather_provider]
        return kind(http, base_url, settings.weather_api_key, utc_now)

    def hours(self) -> OpenMeteoHours:
        """Open-Meteo's hours, whoever tells the present weather: the others have no history."""
        settings = Settings.from_environment()
        own = self.base_url or settings.weather_base_url
        http = _weather_http(URL_VARIABLE)
        return OpenMeteoHours(http, settings.source_url(own, "", None), utc_now)

    def geocoder(self) -> Geocoder:
        """Open-Meteo's geocoder, at `base_url` if given, else where the environment says."""
        settings = Settings.from_environment()
        http = _weather_http("GEOCODING_BASE_URL")
        own = self.base_url or settings.geocoding_base_url
        return Geocoder(http, settings.source_url(own, "", None), utc_now)


def _weather_http(variable: str) -> HttpClient:
    """A client that tries once, as each call is booked, and is done well within a claim."""
    return HttpClient("weather", variable, attempts=1, read_seconds=15.0, attempt_seconds=30.0)


def utc_now() -> dt.datetime:
    """The present instant."""
    return dt.datetime.now(dt.UTC)


def _check_weather(provider: str, key: str | None) -> None:
    names = (OpenMeteo.name, *KEYED_PROVIDERS)
    if provider not in names:
        problem, remedy = f"WEATHER_PROVIDER is {provider!r}", f"Set it to {', '.join(names)}."
    elif provider in KEYED_PROVIDERS and key is None:
        problem = f"{KEY_VARIABLE} is not set, and {provider} wants a key"
        remedy = f"Set {KEY_VARIABLE}, or WEATHER_PROVIDER to {OpenMeteo.name}, which needs none."
    else:
        return
    raise misconfigured(problem, remedy)
