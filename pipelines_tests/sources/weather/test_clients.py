"""Hosts, keys and quotas by the settings."""

from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.sources.weather import Settings, source
from pipelines.sources.weather.clients import open_geocoder, open_hours, open_provider
from pipelines.testing.fake_clock import FakeClock

OTHER = {"weather_provider": "weatherapi", "weather_api_key": "its key"}


def urls(**values: Any) -> dict[str, str]:
    return hosts(Settings(**values))


def hosts(settings: Settings) -> dict[str, str]:
    """The hosts of present weather, coming hours, older hours and places."""
    clock = FakeClock()
    hours = vars(open_hours(settings, clock))
    found = {
        "present": vars(open_provider(settings, clock))["_url"],
        "forecast": hours["_forecast_url"],
        "archive": hours["_archive_url"],
        "places": vars(open_geocoder(settings, clock))["_url"],
    }
    return {name: url.split("/")[2] for name, url in found.items()}


def test_without_a_key_it_is_the_free_service() -> None:
    assert urls() == {
        "present": "api.open-meteo.com",
        "forecast": "api.open-meteo.com",
        "archive": "archive-api.open-meteo.com",
        "places": "geocoding-api.open-meteo.com",
    }


def test_a_customers_key_selects_the_customer_hosts() -> None:
    assert urls(open_meteo_api_key="mine") == {
        "present": "customer-api.open-meteo.com",
        "forecast": "customer-api.open-meteo.com",
        "archive": "customer-archive-api.open-meteo.com",
        "places": "customer-geocoding-api.open-meteo.com",
    }


def test_the_host_of_another_provider_does_not_move_the_hours() -> None:
    """They were requested from WeatherAPI's proxy, which does not know the path."""
    assert urls(**OTHER, weather_base_url="http://proxy") == {
        "present": "proxy",
        "forecast": "api.open-meteo.com",
        "archive": "archive-api.open-meteo.com",
        "places": "geocoding-api.open-meteo.com",
    }
    assert urls(**OTHER, open_meteo_api_key="mine")["archive"] == (
        "customer-archive-api.open-meteo.com"
    )


def test_the_quota_is_that_of_the_plan() -> None:
    clock = FakeClock()

    def quotas(settings: Settings) -> tuple[int | None, ...]:
        clients = (open_provider, open_hours, open_geocoder)
        return tuple(one(settings, clock).calls_per_day for one in clients)

    assert quotas(Settings()) == (10_000, 10_000, 10_000)
    assert quotas(Settings(weather_requests_per_day=5)) == (5, 5, 5)
    other = Settings(**OTHER, weather_requests_per_day=600)  # type: ignore[arg-type]
    assert quotas(other) == (600, 10_000, 10_000)


@pytest.mark.parametrize("provider", ["open-meteo", "weatherapi"])
def test_in_the_sandbox_nothing_leaves_it(monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    """Hours are Open-Meteo's, whoever has the present weather."""
    monkeypatch.setenv("ISOBAR_SOURCES", "sandbox")
    monkeypatch.setenv("ISOBAR_SANDBOX_URL", "http://sandbox")
    monkeypatch.setenv("WEATHER_PROVIDER", provider)
    monkeypatch.setenv("WEATHER_API_KEY", "any")
    assert set(hosts(source.load_settings()).values()) == {"sandbox"}
    monkeypatch.setenv("WEATHER_BASE_URL", "http://there")
    moved = {name for name, host in hosts(source.load_settings()).items() if host == "there"}
    hours = {"forecast", "archive"} if provider == "open-meteo" else set()
    assert moved == {"present"} | hours


def test_a_key_is_distinguishable_without_disclosing_it() -> None:
    first, second = (
        open_provider(Settings(open_meteo_api_key=SecretStr(key)), FakeClock()).key_digest
        for key in ("a", "b")
    )
    assert first != second
    assert len(first) == len(second) == 12
    assert open_provider(Settings(), FakeClock()).key_digest == ""
