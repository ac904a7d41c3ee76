"""Answers of the real shape, with the keys, types and oddities of public recordings.

They are our own: `docs/sources/weather.md` says where each shape was seen. All go over HTTP,
through the clients as a run uses them.
"""

import json
from typing import Any

import pandas as pd
import pytest

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.sources.weather.geocoding import Geocoder, choose
from pipelines.sources.weather.observation import Observation, implausible, without_impossible
from pipelines.sources.weather.place_names import Lookup
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
from pipelines.testing.fake_clock import FakeClock
from pipelines.testing.fake_source import FakeSource, body
from pipelines_tests.sources.weather.site import RECORDED, Theirs

VIENNA = Place(1, 48.2085, 16.3721, "AT", "1010")
MEANINGS: dict[str, type[Failure]] = {
    one.__name__: one
    for one in (KeyRejected, PermanentFailure, QuotaExhausted, RequestRejected, TransientFailure)
}


def read(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


def recorded(source: FakeSource, name: str, title: str) -> str:
    """Have the source answer as recorded; its address."""
    return replay(source, read(name)[title])


def replay(source: FakeSource, answer: dict[str, Any]) -> str:
    source.will(body(json.dumps(answer["body"]).encode(), status=answer["status"]))
    return source.url.removesuffix("/document.json")


def observe(provider: Provider, clock: FakeClock, count: int = 1) -> list[Observation]:
    """Observations that are accepted."""
    observed = provider.observe([VIENNA] * count)
    found = [without_impossible(one) for one in observed if isinstance(one, Observation)]
    assert len(found) == count, observed
    for one in found:
        assert implausible(one, clock()) is None
        assert one.impossible == ()
    return found


def test_open_meteo(theirs: Theirs) -> None:
    provider = OpenMeteo(
        theirs.http, recorded(theirs.source, "open_meteo", "one place"), theirs.clock
    )
    (snow,) = observe(provider, theirs.clock)
    assert (snow.temperature_celsius, snow.conditions, snow.is_day) == (
        -0.7,
        "slight snowfall",
        True,
    )
    recorded(theirs.source, "open_meteo", "two places")
    first, second = observe(provider, theirs.clock, 2)
    assert (first.wmo_code, second.wmo_code, second.is_day) == (61, 0, False)
    recorded(theirs.source, "open_meteo", "a model without some variables")
    (poor,) = observe(provider, theirs.clock)
    assert (poor.temperature_celsius, poor.wmo_code, poor.pressure_hpa) == (-38.2, None, None)


def test_open_meteo_by_hours(theirs: Theirs) -> None:
    def hours(title: str) -> pd.DataFrame:
        url = recorded(theirs.source, "open_meteo_hours", title)
        (answer,) = ForecastHours(theirs.http, url, theirs.clock).hours([VIENNA])
        assert isinstance(answer, Hours), answer
        assert not answer.impossible
        return answer.rows

    night = hours("forecast, with noise at night")
    assert [*night.shortwave_radiation_w_per_m2] == [0.0, 0.0, 31.0]
    end = hours("forecast, whose end is not known")
    assert [*end.temperature_celsius] == [1.4]
    storm = hours("archive")
    assert [*storm.wind_kmh] == [61.9, 66.2]
    assert hours("archive, of two days that are not there yet").empty
    assert len(hours("archive, at the pole")) == 2


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
    lookup = Lookup("Wien", "de", ("AT",))
    results = Geocoder(
        theirs.http, recorded(theirs.source, "geocoding", title), theirs.clock
    ).search(lookup)
    located = choose(results, lookup, postcode="1010", city="Wien")
    assert (located.status, located.latitude) == (status, latitude)


def test_weatherapi(theirs: Theirs) -> None:
    def observed(title: str) -> Observation:
        (one,) = observe(
            WeatherApi(
                theirs.http, recorded(theirs.source, "weatherapi", title), theirs.clock, "key"
            ),
            theirs.clock,
        )
        return one

    day, odd, night = (observed(title) for title in read("weatherapi"))
    assert (day.temperature_celsius, day.wmo_code, day.is_day) == (-0.7, 71, True)
    assert (odd.temperature_celsius, odd.conditions) == (8.0, "Partly Cloudy")
    assert (night.is_day, night.provider_code) == (False, "1000")


def test_openweathermap(theirs: Theirs) -> None:
    def observed(title: str) -> Observation:
        url = recorded(theirs.source, "openweathermap", title)
        (one,) = observe(OpenWeatherMap(theirs.http, url, theirs.clock, "key"), theirs.clock)
        return one

    dry, rain, snow = (observed(title) for title in read("openweathermap"))
    assert (dry.precipitation_mm, dry.wind_kmh, dry.conditions) == (0, 14.83, "overcast clouds")
    assert (rain.precipitation_mm, rain.wmo_code, rain.is_day) == (5.37, 65, False)
    assert (snow.precipitation_mm, snow.wind_direction_degrees, snow.wmo_code) == (1.2, None, 73)
    assert openweathermap._precipitation({"rain": {"3h": 3.0}}) is None, (
        "that of an hour is unknown"
    )


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answer) for name, answers in read("errors").items() for answer in answers],
)
def test_errors(theirs: Theirs, name: str, answer: dict[str, Any]) -> None:
    url = replay(theirs.source, answer)
    with pytest.raises(Failure) as caught:
        if name == "geocoding":
            Geocoder(theirs.http, url, theirs.clock).search(Lookup("Wien", "de", ("AT",)))
        elif name == "open_meteo":
            ForecastHours(theirs.http, url, theirs.clock).hours([VIENNA])
        elif name == "weatherapi":
            WeatherApi(theirs.http, url, theirs.clock, "key").observe([VIENNA])
        else:
            OpenWeatherMap(theirs.http, url, theirs.clock, "key").observe([VIENNA])
    assert type(caught.value) is MEANINGS[answer["means"]]
