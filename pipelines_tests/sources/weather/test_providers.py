"""Each provider by its contract: true answers, its errors, its units."""

import dataclasses
import datetime as dt
import json
import re
from http.server import BaseHTTPRequestHandler
from typing import Any

import psycopg
import pytest

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.http.client import HttpClient
from pipelines.sources.weather.observation import (
    PLAUSIBLE,
    Observation,
    implausible,
    without_impossible,
)
from pipelines.sources.weather.providers import Place, Provider
from pipelines.sources.weather.providers.open_meteo import UNITS, OpenMeteo, read_current
from pipelines.sources.weather.providers.openweathermap import OpenWeatherMap
from pipelines.sources.weather.providers.weatherapi import WeatherApi
from pipelines.testing.fake_source import Answer, FakeSource, body, document
from pipelines_tests.clock import FakeClock
from pipelines_tests.sources.weather.site import RECORDED, Theirs

BERLIN = Place(1, 52.52, 13.41, "DE", "10115")
VIENNA = Place(1, 48.2085, 16.3721, "AT", "1010")
PARIS = Place(2, 48.85, 2.35, "FR", "75001")
KEY = "k3y/with+signs"
NOW = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
GOOD = Observation(NOW, 10.0, 9.0, 50.0, 5.0, 180.0, 0.0, 10.0, 1013.0, "x", "1", 1, True)


def providers(http: HttpClient, url: str, clock: FakeClock) -> list[Provider]:
    return [
        OpenMeteo(http, url, clock),
        WeatherApi(http, url, clock, KEY),
        OpenWeatherMap(http, url, clock, KEY),
    ]


def named(theirs: Theirs, name: str) -> Provider:
    (one,) = [p for p in providers(theirs.http, theirs.url, theirs.clock) if p.name == name]
    return one


def test_a_list_of_another_length_is_not_joined(theirs: Theirs) -> None:
    theirs.source.will(document([{}]))
    provider = OpenMeteo(theirs.http, theirs.url, theirs.clock)
    with pytest.raises(TransientFailure, match="2 places were requested and 1 answered"):
        provider.observe([BERLIN, PARIS])


def test_openweathermap_requests_postcode_and_country_where_coordinates_are_missing(
    theirs: Theirs,
) -> None:
    """Without the country it would answer for the US."""
    bare = dataclasses.replace(BERLIN, latitude=None, longitude=None)
    open_meteo, weatherapi, provider = providers(theirs.http, theirs.url, theirs.clock)
    theirs.source.will(_recorded("openweathermap"))
    (answer,) = provider.observe([bare])
    assert isinstance(answer, Observation)
    assert "zip=10115%2Cde" in theirs.source.requests[0][1]
    assert provider.accepts_postcodes
    assert not open_meteo.accepts_postcodes
    assert not weatherapi.accepts_postcodes


def test_keys_go_by_https_only_unless_another_host_is_set(http: HttpClient) -> None:
    """A provider was queried by plain http, with the key in the address."""
    for kind in (WeatherApi, OpenWeatherMap):
        provider = kind(http, None, dt.datetime.now, KEY)
        assert str(vars(provider)["_url"]).startswith("https://")


def test_the_key_is_sent_and_nothing_else_of_us(theirs: Theirs) -> None:
    theirs.source.will(document({}))
    for provider in providers(theirs.http, theirs.url, theirs.clock):
        assert isinstance(provider.observe([BERLIN])[0], str)
    paths = [path.partition("?") for _, path in theirs.source.requests]
    assert [path for path, _, _ in paths] == [
        "/v1/forecast",
        "/v1/current.json",
        "/data/2.5/weather",
    ]
    assert "k3y" not in paths[0][2]
    assert "key=k3y%2Fwith%2Bsigns" in paths[1][2]
    assert "appid=k3y%2Fwith%2Bsigns" in paths[2][2]


def test_weatherapi_responses_for_another_place_are_rejected(theirs: Theirs) -> None:
    """A bare 10115 is a ZIP code of the US, answered with 200."""
    current = {"last_updated_epoch": 1, "temp_c": 3}
    new_york = {"name": "New York", "lat": 40.71, "lon": -74.01}
    theirs.source.will(document({"location": new_york, "current": current}))
    provider = WeatherApi(theirs.http, theirs.url, theirs.clock, KEY)
    assert provider.observe([BERLIN]) == ["it answered for New York, 6,386 km away"]
    theirs.source.will(document({"location": {"name": "New York"}, "current": current}))
    assert provider.observe([BERLIN]) == ["the response does not name its place"]


def test_the_open_meteo_key_header_reaches_no_other_host(theirs: Theirs) -> None:
    seen: list[str | None] = []

    def kept(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["X-Api-Key"])
        document({})(handler)

    with FakeSource() as elsewhere:
        theirs.source.will(kept, body(b"", 302, Location=elsewhere.will(kept).url))
        provider = OpenMeteo(theirs.http, theirs.url, theirs.clock, KEY)
        assert provider.observe([BERLIN]) == ["the response has no current weather"]
        with pytest.raises(PermanentFailure, match="another server"):
            provider.observe([BERLIN])
        assert elsewhere.requests == []
    assert seen == [KEY]
    assert not any("k3y" in path for _, path in theirs.source.requests)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"current_units": {**UNITS, "temperature_2m": "°F"}}, "temperature_2m is in '°F', not"),
        ({"utc_offset_seconds": 7200}, "its times are not in UTC, as requested"),
        ({"current": "x"}, "the response has no current weather"),
    ],
)
def test_other_units_or_missing_data_are_rejected(answer: dict[str, Any], problem: str) -> None:
    current = dict.fromkeys(UNITS, 0) | {"time": "2026-11-20T10:00"}
    good = {"current": current, "current_units": UNITS}
    assert isinstance(read_current(good), Observation)
    assert problem in str(read_current(good | answer))
    assert read_current([]) == "the response has no current weather"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"observed_at": NOW + dt.timedelta(hours=1)}, "in the future"),
        ({"observed_at": NOW - dt.timedelta(hours=4)}, "stale"),
        ({"temperature_celsius": None}, "no temperature"),
        (dict.fromkeys(PLAUSIBLE.keys() & vars(GOOD).keys()), "no plausible value"),
    ],
)
def test_impossible_weather_is_rejected(changes: dict[str, Any], words: str) -> None:
    assert implausible(GOOD, NOW) is None
    assert words in (implausible(dataclasses.replace(GOOD, **changes), NOW) or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature_celsius", 288.0),  # Kelvin
        ("humidity_pct", 101.0),
        ("wind_kmh", -1.0),
        ("wind_kmh", 451.0),
        ("pressure_hpa", 30.0),
    ],
)
def test_an_impossible_value_costs_itself_not_the_observation(name: str, value: float) -> None:
    cleaned = without_impossible(dataclasses.replace(GOOD, **{name: value}))  # type: ignore[arg-type]
    assert cleaned == dataclasses.replace(GOOD, **{name: None}, impossible=(name,))  # type: ignore[arg-type]
    assert implausible(cleaned, NOW) is None


def test_the_rule_of_thumb_for_delays(owner: psycopg.Connection) -> None:
    expected = {
        (95, 5.0, 10.0): "storm",
        (0, 75.0, 10.0): "storm",
        (0, 74.9, 34.9): "none",
        (None, 80.0, None): "storm",
        (57, None, None): "freezing_rain",
        (86, None, 36.0): "snow",
        (66, 5.0, -1.0): "freezing_rain",
        (73, 5.0, -1.0): "snow",
        (0, 5.0, 35.0): "heat",
        (61, 5.0, 10.0): "none",
        (None, None, None): None,
    }
    rule = "SELECT weather.delay_risk(%s, %s, %s)"
    assert {one: owner.execute(rule, one).fetchone() for one in expected} == {
        one: (risk,) for one, risk in expected.items()
    }


@pytest.mark.parametrize(
    ("name", "key"),
    [("open-meteo", "cloud_cover"), ("weatherapi", "cloud"), ("openweathermap", "all")],
)
def test_a_non_numeric_value_is_an_error_unlike_null(theirs: Theirs, name: str, key: str) -> None:
    """It became a null, and the place counted as served."""
    provider = named(theirs, name)
    theirs.source.will(_recorded(name, key, "12"))
    assert 'is not a number: "12"' in str(provider.observe([VIENNA])[0])
    theirs.source.will(_recorded(name, key, None))
    (result,) = provider.observe([VIENNA])
    assert isinstance(result, Observation)
    assert result.cloud_cover_pct is None


def _recorded(name: str, key: str = "", value: str | None = None) -> Answer:
    """The first recorded answer of a provider, with another value under a key."""
    answers = json.loads((RECORDED / f"{name.replace('-', '_')}.json").read_text())
    true = json.dumps(next(iter(answers.values()))["body"])
    return body(re.sub(f'"{key}": [0-9]+', f'"{key}": {json.dumps(value)}', true).encode())


def test_provider_texts_are_storable_in_a_table(theirs: Theirs) -> None:
    odd = [{"id": 800, "description": "cl\x00ear\x1b[31m" + "y" * 999}]
    theirs.source.will(
        document({"main": {"temp": 3}, "dt": theirs.clock().timestamp(), "weather": odd})
    )
    provider = OpenWeatherMap(theirs.http, theirs.url, theirs.clock, KEY)
    (result,) = provider.observe([BERLIN])
    assert isinstance(result, Observation)
    assert (result.conditions or "").startswith("clear[31myyy")
    assert len(result.conditions or "") == 200


def test_the_distance_to_an_unknown_place_is_unknown(owner: psycopg.Connection) -> None:
    """Incident: it was half way round the earth."""
    query = "SELECT weather.distance_km(%s, %s, %s, %s)"
    hamburg_to_vienna = (53.55, 9.97, 48.21, 16.37)
    assert owner.execute(query, hamburg_to_vienna).fetchone() == (pytest.approx(743, abs=2),)
    for missing in range(4):
        place = [None if n == missing else one for n, one in enumerate(hamburg_to_vienna)]
        assert owner.execute(query, place).fetchone() == (None,)
    assert owner.execute(query, (0, 0, 0, 180)).fetchone() == (pytest.approx(20_015, abs=1),)
