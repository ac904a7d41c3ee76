"""Clients of the weather services: provider of present weather, hourly weather, geocoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import SecretStr

from pipelines.config.env_validation import misconfigured
from pipelines.http.client import HttpClient
from pipelines.sources.weather.geocoding import Geocoder
from pipelines.sources.weather.providers import KEY_VARIABLE, URL_VARIABLE, Clock, Provider
from pipelines.sources.weather.providers.open_meteo import OpenMeteo, OpenMeteoApi
from pipelines.sources.weather.providers.open_meteo_hours import ArchiveHours, ForecastHours
from pipelines.sources.weather.providers.openweathermap import OpenWeatherMap
from pipelines.sources.weather.providers.weatherapi import WeatherApi

if TYPE_CHECKING:
    from pipelines.sources.weather import Settings

A = TypeVar("A", bound=OpenMeteoApi)
FORECAST_VARIABLE = "OPEN_METEO_FORECAST_URL"
#: Providers that need a key. To add one, add a module in `providers`, and its class here.
KEYED_PROVIDERS: dict[str, type[Provider]] = {one.name: one for one in (WeatherApi, OpenWeatherMap)}


def open_provider(settings: Settings, now: Clock) -> Provider:
    """Return the configured provider. Raises `PermanentFailure` if the settings are invalid."""
    name, key = settings.weather_provider, _revealed(settings.weather_api_key)
    names = (OpenMeteo.name, *KEYED_PROVIDERS)
    if name not in names:
        raise misconfigured(f"WEATHER_PROVIDER is {name!r}", f"Set it to {', '.join(names)}.")
    if name == OpenMeteo.name:
        return _open_meteo(OpenMeteo, settings, now, FORECAST_VARIABLE)
    if key is None:
        raise misconfigured(
            f"{KEY_VARIABLE} is not set, but {name} requires a key",
            f"Set {KEY_VARIABLE}, or WEATHER_PROVIDER to {OpenMeteo.name}, which needs none.",
        )
    provider = KEYED_PROVIDERS[name](_http(URL_VARIABLE), settings.weather_base_url, now, key)
    provider.calls_per_day = calls_per_day(settings)
    return provider


def open_hours(settings: Settings, now: Clock) -> tuple[ForecastHours, ArchiveHours]:
    """Return Open-Meteo's hourly clients, whichever provider is used: the others lack history."""
    return (
        _open_meteo(ForecastHours, settings, now, FORECAST_VARIABLE),
        _open_meteo(ArchiveHours, settings, now, "OPEN_METEO_ARCHIVE_URL"),
    )


def open_geocoder(settings: Settings, now: Clock) -> Geocoder:
    """Return the client of Open-Meteo's geocoder."""
    return _open_meteo(Geocoder, settings, now, "GEOCODING_BASE_URL")


def calls_per_day(settings: Settings) -> int:
    """Return how many calls the provider's quota allows in a day."""
    kind = KEYED_PROVIDERS.get(settings.weather_provider, OpenMeteo)
    return settings.weather_requests_per_day or kind.calls_per_day


def _open_meteo(kind: type[A], settings: Settings, now: Clock, variable: str) -> A:
    """Return one of Open-Meteo's clients; what is set for the provider applies if it is that."""
    is_provider = settings.weather_provider == OpenMeteo.name
    url: str | None = getattr(settings, variable.lower())
    if is_provider and url is None and kind is not Geocoder:
        url, variable = settings.weather_base_url, URL_VARIABLE
    client = kind(_http(variable), url, now, _revealed(settings.open_meteo_api_key))
    if is_provider:
        client.calls_per_day = calls_per_day(settings)
    return client


def _http(variable: str) -> HttpClient:
    """Return a client that tries once, because each request is logged."""
    return HttpClient("weather", variable, attempts=1, read_seconds=15.0, attempt_seconds=30.0)


def _revealed(key: SecretStr | None) -> str | None:
    return None if key is None else key.get_secret_value()
