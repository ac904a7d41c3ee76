"""True answers with anything in any place: each record is a row or rejected, and none is lost."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.http.json_documents import parse_json
from pipelines.sources.weather.geocoding import Located, Lookup, checked, choose
from pipelines.sources.weather.observation import (
    PLAUSIBLE,
    InvalidValue,
    Observation,
    implausible,
    without_impossible,
)
from pipelines.sources.weather.providers import Place, openweathermap, weatherapi
from pipelines.sources.weather.providers.open_meteo import UNITS, read_current
from pipelines.sources.weather.providers.open_meteo_hours import VARIABLES, read_hours
from pipelines_tests.drills.fuzz import changed, json_values, often, sent, texts
from pipelines_tests.sources.weather.site import RECORDED

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)


OPEN_METEO = {
    "current_units": UNITS,
    "current": {"time": "2026-11-01T11:45"} | dict.fromkeys(UNITS, 1),
}


def recorded(name: str) -> Any:
    """The first answer that was recorded of a provider."""
    answers = json.loads((RECORDED / f"{name}.json").read_text())
    return next(iter(answers.values()))["body"]


READERS: dict[str, tuple[Any, Callable[[Any], Observation | str]]] = {
    "open-meteo": (OPEN_METEO, read_current),
    "weatherapi": (
        recorded("weatherapi"),
        lambda one: weatherapi._read(one, Place(1, 52.5, 13.4, "DE")),
    ),
    "openweathermap": (recorded("openweathermap"), openweathermap._read),
}


@often()
@given(
    st.sampled_from(sorted(READERS)).flatmap(
        lambda name: st.tuples(st.just(name), changed(READERS[name][0]) | json_values)
    )
)
def test_weather_is_plausible_or_an_error_is_reported(drawn: tuple[str, Any]) -> None:
    name, document = drawn
    parsed = READERS[name][1](parse_json(sent(document)))
    if isinstance(parsed, str):
        return
    assert parsed.observed_at.tzinfo is dt.UTC
    parsed = without_impossible(parsed)
    if implausible(parsed, NOW) is None:
        for column, (least, most) in PLAUSIBLE.items():
            value = getattr(parsed, column, None)
            assert value is None or least <= value <= most
        f"{parsed.conditions}{parsed.provider_code}".encode()


HOURS: Mapping[str, Any] = {
    "hourly_units": VARIABLES,
    "hourly": {"time": ["2026-11-01T00:00", "2026-11-01T01:00"]}
    | {name: [1, 2] for name in VARIABLES},
}


@often()
@given(changed(HOURS) | json_values)
def test_hours_are_returned_or_their_absence_is_explained(document: Any) -> None:
    parsed = read_hours(parse_json(sent(document)))
    if isinstance(parsed, str):
        return
    rows = parsed.rows
    assert len(rows)
    assert rows.hour_at.is_unique
    for name, (least, most) in PLAUSIBLE.items():
        if name in rows:
            assert rows[name].dropna().between(least, most).all()


RESULTS = [
    {"name": "Paris", "country_code": "FR", "latitude": 48.9, "longitude": 2.3, "population": 9}
    | {"postcodes": ["75001"], "admin1": "Île-de-France"},
    {"name": "Paris", "country_code": "FR", "latitude": 45, "longitude": -2, "population": 9},
]


@often()
@given(
    changed(RESULTS), st.sampled_from([None, "75001", "x"]), st.none() | texts | st.just("Paris")
)
def test_a_place_is_found_on_earth_or_not(
    document: Any, postcode: str | None, city: str | None
) -> None:
    try:
        results = checked(parse_json(sent(document)))
    except InvalidValue:
        return  # which `search` rejects
    chosen = choose(results, Lookup("x", "fr", ("FR",)), postcode=postcode, city=city)
    assert isinstance(chosen, Located)
    assert (chosen.status == "found") == (chosen.latitude is not None)
    if chosen.latitude is not None and chosen.longitude is not None:
        assert abs(chosen.latitude) <= 90
        assert abs(chosen.longitude) <= 180
    f"{chosen.name}{chosen.problem}".encode()
