"""Answers of the real shape, with the keys, types and oddities of public recordings.

They are our own: `docs/sources/weather.md` says where each shape was seen. All go over HTTP,
through the clients as a run uses them.
"""

import json
from typing import Any

import pytest

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.sources.weather.geocoding import Geocoder, Lookup, choose
from pipelines.sources.weather.observation import Observation, implausible, without_impossible
from pipelines.sources.weather.providers import (
    KeyRejected,
    Place,
    Provider,
    QuotaExhausted,
    RequestRejected,
    openweathermap,
)
from pipelines.sources.weather.providers.open_meteo import OpenMeteo
from pipelines.sources.weather.providers.open_meteo_hours import ForecastHours, Hours
from pipelines.sources.weather.providers.openweathermap import OpenWeatherMap
from pipelines.sources.weather.providers.weatherapi import WeatherApi
from pipelines.testing.fake_source import body
from pipelines_tests.sources.weather.site import RECORDED, Theirs

VIENNA = Place(1, 48.2085, 16.3721, "AT", "1010")
WIEN = Lookup("Wien", "de", ("AT",))
MEANINGS: dict[str, type[Failure]] = {
    one.__name__: one
    for one in (KeyRejected, PermanentFailure, QuotaExhausted, RequestRejected, TransientFailure)
}
PROVIDERS: dict[str, type[Provider]] = {
    "open_meteo": OpenMeteo,
    "weatherapi": WeatherApi,
    "openweathermap": OpenWeatherMap,
}


def read(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


def replayed(theirs: Theirs, client: Any, answer: dict[str, Any], key: str | None = None) -> Any:
    """Return a client of a service that answers so."""
    theirs.source.will(body(json.dumps(answer["body"]).encode(), status=answer["status"]))
    return client(theirs.http, theirs.url, theirs.clock, key)


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        (
            "open_meteo",
            ("temperature_celsius", "wmo_code", "conditions", "is_day", "pressure_hpa"),
            [
                (-0.7, 71, "slight snowfall", True, 1019.4),
                (4.1, 61, "slight rain", True, 1008.0),
                (20.6, 0, "clear sky", False, 1014.7),
                (-38.2, None, None, True, None),
            ],
        ),
        (
            "weatherapi",
            ("temperature_celsius", "wmo_code", "conditions", "is_day", "provider_code"),
            [
                (-0.7, 71, "Light snow", True, "1213"),
                (8.0, 2, "Partly Cloudy", True, "1003"),
                (-38.2, 0, "Clear", False, "1000"),
            ],
        ),
        (
            "openweathermap",
            ("precipitation_mm", "wind_kmh", "wind_direction_degrees", "wmo_code", "is_day"),
            [(0, 14.83, 290, 3, True), (5.37, 35.28, 20, 65, False), (1.2, 1.84, None, 73, True)],
        ),
    ],
)
def test_present_weather(
    theirs: Theirs, name: str, columns: tuple[str, ...], expected: list[tuple[Any, ...]]
) -> None:
    found = []
    for title, answer in read(name).items():
        provider = replayed(theirs, PROVIDERS[name], answer, "k3y")
        for one in provider.observe([VIENNA] * (2 if title == "two places" else 1)):
            assert isinstance(one, Observation), one
            assert implausible(without_impossible(one), theirs.clock()) is None
            assert without_impossible(one).impossible == ()
            found.append(tuple(getattr(one, column) for column in columns))
    assert found == expected


def test_a_rain_of_three_hours_is_not_that_of_one() -> None:
    assert openweathermap._precipitation({"rain": {"3h": 3.0}}) is None


def test_open_meteo_by_hours(theirs: Theirs) -> None:
    found = {}
    for title, answer in read("open_meteo_hours").items():
        (hours,) = replayed(theirs, ForecastHours, answer).hours([VIENNA])
        assert isinstance(hours, Hours), hours
        assert not hours.impossible
        found[title] = hours.rows
    night = found["forecast, with noise at night"]
    assert [*night.shortwave_radiation_w_per_m2] == [0.0, 0.0, 31.0]
    assert [*found["forecast, whose end is not known"].temperature_celsius] == [1.4]
    assert [*found["archive"].wind_kmh] == [61.9, 66.2]
    assert found["archive, of two days that are not there yet"].empty
    assert len(found["archive, at the pole"]) == 2


@pytest.mark.parametrize(
    ("title", "status", "latitude"),
    [
        ("in German", "found", 48.20849),
        ("in English", "ambiguous", None),
        ("nothing", "not_found", None),
        ("zeros and empty texts are left out", "found", 0.0),
        ("a mountain of the name", "found", 48.20849),
    ],
)
def test_geocoding(theirs: Theirs, title: str, status: str, latitude: float | None) -> None:
    results = replayed(theirs, Geocoder, read("geocoding")[title]).search(WIEN)
    located = choose(results, WIEN, postcode="1010", city="Wien")
    assert (located.status, located.latitude) == (status, latitude)


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answer) for name, answers in read("errors").items() for answer in answers],
)
def test_error_responses_map_to_the_right_failure(
    theirs: Theirs, name: str, answer: dict[str, Any]
) -> None:
    client = replayed(theirs, PROVIDERS.get(name, Geocoder), answer, "k3y")
    with pytest.raises(Failure) as caught:
        client.search(WIEN) if name == "geocoding" else client.observe([VIENNA])
    assert type(caught.value) is MEANINGS[answer["means"]]
    assert answer.get("says", "") in str(caught.value)
