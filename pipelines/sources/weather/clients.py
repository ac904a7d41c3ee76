"""Clients of the weather services: provider of present weather, hourly weather, geocoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from pipelines.config.env_validation import misconfigured
from pipelines.http.client import HttpClient
from pipelines.sources.weather.geocoding import Geocoder
from pipelines.sources.weather.providers import (
    KEY_VARIABLE,
    URL_VARIABLE,
    Clock,
    KeyedProvider,
    Provider,
)
from pipelines.sources.weather.providers.open_meteo import OpenMeteo
from pipelines.sources.weather.providers.open_meteo_hours import OpenMeteoHours
from pipelines.sources.weather.providers.openweathermap import OpenWeatherMap
from pipelines.sources.weather.providers.weatherapi import WeatherApi

if TYPE_CHECKING:
    from pipelines.sources.weather import Settings

FORECAST_VARIABLE, ARCHIVE_VARIABLE = "OPEN_METEO_FORECAST_URL", "OPEN_METEO_ARCHIVE_URL"
#: Providers that need a key. To add one, add a module in `providers` and a line here.
KEYED_PROVIDERS: dict[str, type[KeyedProvider]] = {
    WeatherApi.name: WeatherApi,
    OpenWeatherMap.name: OpenWeatherMap,
}


def open_provider(settings: Settings, now: Clock) -> Provider:
    """Return the configured provider. Raises `PermanentFailure` if the settings are invalid."""
    _check(settings.weather_provider, settings.weather_api_key)
    if _is_open_meteo(settings):
        url = settings.open_meteo_forecast_url or settings.weather_base_url
        http = _http(_variable(settings, FORECAST_VARIABLE, settings.open_meteo_forecast_url))
        open_meteo = OpenMeteo(http, url, now, _revealed(settings.open_meteo_api_key))
        open_meteo.calls_per_day = calls_per_day(settings)
        return open_meteo
    kind, key = KEYED_PROVIDERS[settings.weather_provider], _revealed(settings.weather_api_key)
    assert key is not None
    keyed = kind(_http(URL_VARIABLE), settings.weather_base_url, key, now)
    keyed.calls_per_day = calls_per_day(settings)
    return keyed


def open_hours(settings: Settings, now: Clock) -> OpenMeteoHours:
    """Return Open-Meteo's hourly client, whichever provider is used: the others lack history."""
    base = settings.weather_base_url if _is_open_meteo(settings) else None
    forecast, archive = settings.open_meteo_forecast_url, settings.open_meteo_archive_url
    hours = OpenMeteoHours(
        _http(_variable(settings, FORECAST_VARIABLE, forecast)),
        base,
        now,
        _revealed(settings.open_meteo_api_key),
        forecast_url=forecast,
        archive_url=archive,
        archive_variable=_variable(settings, ARCHIVE_VARIABLE, archive),
    )
    hours.calls_per_day = _of_open_meteo(settings)
    return hours


def open_geocoder(settings: Settings, now: Clock) -> Geocoder:
    """Return the client of Open-Meteo's geocoder."""
    http = _http("GEOCODING_BASE_URL")
    key = _revealed(settings.open_meteo_api_key)
    geocoder = Geocoder(http, settings.geocoding_base_url, now, key)
    geocoder.calls_per_day = _of_open_meteo(settings)
    return geocoder


def calls_per_day(settings: Settings) -> int | None:
    """Return how many calls the provider's quota allows in a day; None if it has no such limit."""
    kind = KEYED_PROVIDERS.get(settings.weather_provider, OpenMeteo)
    return settings.weather_requests_per_day or kind.calls_per_day


def _is_open_meteo(settings: Settings) -> bool:
    return settings.weather_provider == OpenMeteo.name


def _variable(settings: Settings, own: str, url: str | None) -> str:
    """Return the variable that decides one of Open-Meteo's hosts."""
    return URL_VARIABLE if _is_open_meteo(settings) and url is None else own


def _of_open_meteo(settings: Settings) -> int | None:
    """Return how many calls Open-Meteo allows; the setting is about the provider."""
    return calls_per_day(settings) if _is_open_meteo(settings) else OpenMeteo.calls_per_day


def _http(variable: str) -> HttpClient:
    """Return a client that tries once, because each request is logged."""
    return HttpClient("weather", variable, attempts=1, read_seconds=15.0, attempt_seconds=30.0)


def _revealed(key: SecretStr | None) -> str | None:
    return None if key is None else key.get_secret_value()


def _check(provider: str, key: SecretStr | None) -> None:
    names = (OpenMeteo.name, *KEYED_PROVIDERS)
    if provider not in names:
        problem, remedy = f"WEATHER_PROVIDER is {provider!r}", f"Set it to {', '.join(names)}."
    elif provider in KEYED_PROVIDERS and key is None:
        problem = f"{KEY_VARIABLE} is not set, but {provider} requires a key"
        remedy = f"Set {KEY_VARIABLE}, or WEATHER_PROVIDER to {OpenMeteo.name}, which needs none."
    else:
        return
    raise misconfigured(problem, remedy)
