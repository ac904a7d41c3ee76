"""Hosts, keys and quotas by the settings."""

from typing import Any

import pytest

from pipelines.sources.weather import Settings, source
from pipelines.sources.weather.clients import open_geocoder, open_hours, open_provider
from pipelines_tests.clock import FakeClock

OTHER: dict[str, Any] = {"weather_provider": "weatherapi", "weather_api_key": "its key"}


def hosts(settings: Settings) -> dict[str, str]:
    """The hosts of present weather, coming hours, older hours and places."""
    clock = FakeClock()
    forecast, archive = open_hours(settings, clock)
    found = {
        "present": open_provider(settings, clock),
        "forecast": forecast,
        "archive": archive,
        "places": open_geocoder(settings, clock),
    }
    return {name: vars(one)["_url"].split("/")[2] for name, one in found.items()}


@pytest.mark.parametrize("prefix", ["", "customer-"])
def test_a_customers_key_alone_selects_the_customer_hosts(prefix: str) -> None:
    """Hours of another provider's customers were requested from its proxy, which has none."""
    key: dict[str, Any] = {"open_meteo_api_key": "mine"} if prefix else {}
    expected = {
        "present": f"{prefix}api.open-meteo.com",
        "forecast": f"{prefix}api.open-meteo.com",
        "archive": f"{prefix}archive-api.open-meteo.com",
        "places": f"{prefix}geocoding-api.open-meteo.com",
    }
    assert hosts(Settings(**key)) == expected
    other = Settings(**OTHER, **key, weather_base_url="http://proxy")
    assert hosts(other) == expected | {"present": "proxy"}


def test_the_quota_is_that_of_the_plan() -> None:
    clock = FakeClock()

    def quotas(settings: Settings) -> list[int]:
        present, places = open_provider(settings, clock), open_geocoder(settings, clock)
        clients = (present, *open_hours(settings, clock), places)
        return [one.calls_per_day for one in clients]

    assert open_provider(Settings(), clock).key_digest == ""
    assert quotas(Settings()) == [10_000] * 4
    assert quotas(Settings(weather_requests_per_day=5)) == [5] * 4
    other = Settings(**OTHER, weather_requests_per_day=600)
    assert quotas(other) == [600, 10_000, 10_000, 10_000]


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
