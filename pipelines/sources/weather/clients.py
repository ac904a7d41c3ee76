"""Clients of the weather's services: the provider of the present weather, hours, the geocoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.config.env_validation import misconfigured
from pipelines.http.client import HttpClient
from pipelines.sources.weather.geocoding import Geocoder
from pipelines.sources.weather.providers import KEY_VARIABLE, URL_VARIABLE, Clock, Provider
from pipelines.sources.weather.providers.open_meteo import OpenMeteo
from pipelines.sources.weather.providers.open_meteo_hours import OpenMeteoHours
from pipelines.sources.weather.providers.openweathermap import OpenWeatherMap
from pipelines.sources.weather.providers.weatherapi import WeatherApi

if TYPE_CHECKING:
    from pipelines.sources.weather import Settings

#: Providers that want a key; another one is a module in `providers` and a line here.
KEYED_PROVIDERS: dict[str, type[WeatherApi | OpenWeatherMap]] = {
    WeatherApi.name: WeatherApi,
    OpenWeatherMap.name: OpenWeatherMap,
}


def open_provider(settings: Settings, now: Clock) -> Provider:
    """The provider that the settings name. Raises `PermanentFailure` when they make no sense."""
    _check(settings.weather_provider, settings.weather_api_key)
    http = _http(URL_VARIABLE)
    if settings.weather_provider == OpenMeteo.name:
        return OpenMeteo(http, settings.weather_base_url, now)
    assert settings.weather_api_key is not None
    kind = KEYED_PROVIDERS[settings.weather_provider]
    return kind(http, settings.weather_base_url, settings.weather_api_key, now)


def open_hours(settings: Settings, now: Clock) -> OpenMeteoHours:
    """Open-Meteo's hours, whoever has the present weather: the other providers have no history."""
    return OpenMeteoHours(_http(URL_VARIABLE), settings.weather_base_url, now)


def open_geocoder(settings: Settings, now: Clock) -> Geocoder:
    """Open-Meteo's geocoder."""
    return Geocoder(_http("GEOCODING_BASE_URL"), settings.geocoding_base_url, now)


def _http(variable: str) -> HttpClient:
    """A client that tries once, as each request is logged."""
    return HttpClient("weather", variable, attempts=1, read_seconds=15.0, attempt_seconds=30.0)


def _check(provider: str, key: str | None) -> None:
    names = (OpenMeteo.name, *KEYED_PROVIDERS)
    if provider not in names:
        problem, remedy = f"WEATHER_PROVIDER is {provider!r}", f"Set it to {', '.join(names)}."
    elif provider in KEYED_PROVIDERS and key is None:
        problem = f"{KEY_VARIABLE} is not set, and {provider} wants a key"
        remedy = f"Set {KEY_VARIABLE}, or WEATHER_PROVIDER to {OpenMeteo.name}, which needs none."
    else:
        return
    raise misconfigured(problem, remedy)
