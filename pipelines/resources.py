"""Configuration: the only reader of the environment besides `cli`, and Dagster's resources.

A resource is a shell: it gives a plain client that knows nothing of Dagster.
"""

import codecs
import datetime as dt
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from pipelines.bookings.client import EventsClient
from pipelines.bookings.load import Reading
from pipelines.core.embedded_postgres import (
    DAGSTER,
    LOADER,
    SUPERUSER,
    WAREHOUSE,
    EmbeddedPostgres,
)
from pipelines.core.failures import PermanentFailure
from pipelines.core.http import HttpClient
from pipelines.core.inbox import Inbox
from pipelines.core.warehouse import Warehouse
from pipelines.flights.client import FlightsClient
from pipelines.weather.geocoding import Geocoder
from pipelines.weather.providers import KEY_VARIABLE, URL_VARIABLE, Provider
from pipelines.weather.providers.open_meteo import OpenMeteo
from pipelines.weather.providers.open_meteo_hours import OpenMeteoHours
from pipelines.weather.providers.openweathermap import OpenWeatherMap
from pipelines.weather.providers.weatherapi import WeatherApi

KEYED_PROVIDERS: dict[str, type[WeatherApi | OpenWeatherMap]] = {
    WeatherApi.name: WeatherApi,
    OpenWeatherMap.name: OpenWeatherMap,
}
"""Providers that want a key; another one is a module in `weather.providers` and a line here."""
PROJECT = Path(__file__).parent.parent
LIVE_FLIGHTS_URL = (
    "https://raw.githubusercontent.com/Skyscanner/full-stack-recruitment-test"
    "/main/public/flights.json"
)


@dataclass(frozen=True)
class Settings:
    """What the environment says, with defaults; .env.example lists the variables."""

    state: Path
    dagster_home: Path
    database_url: str | None
    dagster_postgres_url: str | None
    sources: str
    sandbox_url: str | None
    flights_url: str | None
    flights_country: str | None
    bookings_inbox: Path | None
    bookings_events_url: str | None
    bookings_reading: Reading
    shipments_inbox: Path | None
    shipments_encoding: str
    weather_provider: str
    weather_api_key: str | None
    weather_base_url: str | None
    geocoding_base_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables; one that is empty counts as unset. Raises `PermanentFailure`."""

        def value(name: str) -> str | None:
            return environment.get(name, "").strip() or None

        state = Path(value("ISOBAR_HOME") or PROJECT / ".isobar").expanduser().absolute()
        sources = value("ISOBAR_SOURCES") or "sandbox"
        if sources not in ("sandbox", "live"):
            raise _misconfigured(f"ISOBAR_SOURCES is {sources!r}", "Set it to sandbox or live.")
        if re.search(r"[\"$`\\\n]", str(state)):
            raise PermanentFailure(
                "configuration",
                "the folder's path has a character that PostgreSQL's start would trip over",
                place=f"ISOBAR_HOME, {state}",
                remedy="Set ISOBAR_HOME to a path without quotation marks, $, ` and backslashes.",
            )
        for name in ("DATABASE_URL", "DAGSTER_POSTGRES_URL"):
            _check_postgres_url(name, value(name))

        def folder(name: str) -> Path | None:
            path = value(name)
            return Path(path).expanduser().absolute() if path else None

        encoding = value("SHIPMENTS_ENCODING") or "utf-8"
        _check_encoding("SHIPMENTS_ENCODING", encoding)
        return cls(
            state=state,
            dagster_home=Path(value("DAGSTER_HOME") or state / "dagster").expanduser().absolute(),
            database_url=value("DATABASE_URL"),
            dagster_postgres_url=value("DAGSTER_POSTGRES_URL"),
            sources=sources,
            sandbox_url=value("ISOBAR_SANDBOX_URL"),
            flights_url=value("FLIGHTS_URL"),
            flights_country=value("FLIGHTS_COUNTRY"),
            bookings_inbox=folder("BOOKINGS_INBOX"),
            bookings_events_url=value("BOOKINGS_EVENTS_URL"),
            bookings_reading=Reading(
                zone=_zone("BOOKINGS_TIME_ZONE", value("BOOKINGS_TIME_ZONE") or "UTC"),
                most_bad=_share("BOOKINGS_MOST_BAD", value("BOOKINGS_MOST_BAD") or "0.1"),
            ),
            shipments_inbox=folder("SHIPMENTS_INBOX"),
            shipments_encoding=encoding,
            weather_provider=value("WEATHER_PROVIDER") or OpenMeteo.name,
            weather_api_key=value("WEATHER_API_KEY"),
            weather_base_url=value("WEATHER_BASE_URL"),
            geocoding_base_url=value("GEOCODING_BASE_URL"),
        )

    @property
    def has_builtin_server(self) -> bool:
        """Whether the warehouse is on the built-in server."""
        return self.database_url is None

    def builtin_server(self, tell: Callable[[str], None] = lambda _: None) -> EmbeddedPostgres:
        """The server that is used when DATABASE_URL is unset."""
        return EmbeddedPostgres(self.state, tell)

    def warehouse_url(self, role: str = SUPERUSER) -> str:
        """The warehouse as a role of the built-in server sees it, or DATABASE_URL as it is."""
        return self.database_url or self._builtin_url(role, WAREHOUSE)

    def dagster_url(self) -> str:
        """Dagster's own storage, for its driver psycopg2.

        Beside an external warehouse it is the database `<warehouse>_dagster` of that server.
        """
        if self.dagster_postgres_url:
            url = make_url(self.dagster_postgres_url)
        elif self.database_url:
            url = make_url(self.database_url)
            url = url.set(database=f"{url.database}_dagster")
        else:
            url = make_url(self._builtin_url(DAGSTER, DAGSTER))
        return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)

    def source_url(self, own: str | None, sandbox_path: str, live: str | None) -> str | None:
        """Where a source is: its own variable, else the sandbox, else the public service."""
        if own is not None or self.sources == "live":
            return own or live
        if self.sandbox_url is None:
            raise PermanentFailure(
                "configuration",
                "the sources are the sandbox, and no sandbox is running",
                place="ISOBAR_SANDBOX_URL",
                remedy="Start with isobar run or isobar ui, which bring one up, or set"
                " ISOBAR_SOURCES=live.",
            )
        return f"{self.sandbox_url}{sandbox_path}"

    def inbox(self, source: str, own: Path | None) -> Path | None:
        """Where a source's files come: its own folder, else the sandbox's; None when it is off."""
        if own is not None or self.sources == "live":
            return own
        folder = self.state / "inbox" / source
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _builtin_url(self, role: str, database: str) -> str:
        url = self.builtin_server().start().url(role, database)
        return f"{url}?sslmode=disable"  # whatever PGSSLMODE says: it has no TLS, nor needs it


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


def _zone(name: str, value: str) -> str:
    """The name of a time zone that there is."""
    try:
        return ZoneInfo(value).key
    except (ValueError, OSError) as error:
        raise _misconfigured(
            f"{name} is {value!r}, which is no time zone", "Set it to UTC, Asia/Tashkent or alike."
        ) from error


def _share(name: str, value: str) -> float:
    """A share from 0 to 1."""
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise _misconfigured(
            f"{name} is {value!r}, which is no share",
            "Set it to a number from 0 to 1, such as 0.1.",
        )
    return share


def _misconfigured(problem: str, remedy: str) -> PermanentFailure:
    return PermanentFailure(
        "configuration", problem, place="the environment or .env", remedy=remedy
    )


def _check_weather(provider: str, key: str | None) -> None:
    names = (OpenMeteo.name, *KEYED_PROVIDERS)
    if provider not in names:
        problem, remedy = f"WEATHER_PROVIDER is {provider!r}", f"Set it to {', '.join(names)}."
    elif provider in KEYED_PROVIDERS and key is None:
        problem = f"{KEY_VARIABLE} is not set, and {provider} wants a key"
        remedy = f"Set {KEY_VARIABLE}, or WEATHER_PROVIDER to {OpenMeteo.name}, which needs none."
    else:
        return
    raise _misconfigured(problem, remedy)


def _check_postgres_url(name: str, value: str | None) -> None:
    if value is None:
        return
    try:
        url = make_url(value)
        problem = None if url.database else "names no database"
        if "@" in (url.host or ""):
            problem = "has an @ in its password, which has to be written as %40"
        if url.get_backend_name() not in ("postgresql", "postgres"):
            problem = f"is not a PostgreSQL address but one of {url.get_backend_name()}"
    except (ArgumentError, ValueError):
        problem = "is not a PostgreSQL address"
    if problem is not None:
        raise _misconfigured(
            f"{name} {problem}", "Write postgresql://user:password@host:port/database."
        )


def _check_encoding(name: str, encoding: str) -> None:
    """Refuse an encoding that nobody knows, or in which lines and commas are other bytes."""
    try:
        is_fit = codecs.encode('a,;"\n', encoding) == b'a,;"\n'
    except (LookupError, TypeError, ValueError):
        is_fit = False
    if not is_fit:
        raise _misconfigured(
            f"{name} is {encoding!r}, which is no encoding that extends ASCII",
            "Set it to utf-8, cp1252, latin-1 or the like.",
        )
