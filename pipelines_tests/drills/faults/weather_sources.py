"""The weather's sources: providers of observations, of hours and of the coordinates of places."""

import datetime as dt
from typing import Any, LiteralString

import requests

from pipelines.sources.weather.geocode_places import put_places
from pipelines.sources.weather.providers.open_meteo import UNITS
from pipelines.sources.weather.providers.open_meteo_hours import VARIABLES
from pipelines_tests.drills.faults.faults import Spot
from pipelines_tests.drills.faults.sources import Bench, Service
from pipelines_tests.sources.shipments.made_up import BERLIN, deliver, line
from pipelines_tests.sources.solar.made_up import register

PLACES = 26
NOON = 12
OBSERVED: LiteralString = "SELECT to_jsonb(observations) - 'fetched_at' FROM weather.observations"
NOT_OBSERVED: LiteralString = (
    "SELECT problem FROM weather.fetch_state WHERE kind = 'observation' AND problem IS NOT NULL"
    " ORDER BY place_id"
)
HOURS: LiteralString = (
    "SELECT place_id || ' ' || jsonb_agg(to_jsonb(hourly) - 'fetched_at' ORDER BY hour_at)::text"
    " FROM weather.hourly WHERE hour_at::date IN (SELECT day FROM solar.days) GROUP BY place_id"
)
NO_HOURS: LiteralString = (
    "SELECT problem FROM weather.fetch_state WHERE kind IN ('forecast', 'archive')"
    " AND problem IS NOT NULL ORDER BY place_id"
)
LOCATED: LiteralString = (
    "SELECT concat_ws(' ', place_key, latitude, longitude, geocoded_name) FROM weather.places"
    " WHERE latitude IS NOT NULL"
)
NOT_LOCATED: LiteralString = (
    "SELECT coalesce(geocoding_problem, problem, geocoding_status) FROM weather.places"
    " LEFT JOIN weather.fetch_state"
    " ON places.place_id = fetch_state.place_id AND kind = 'geocoding'"
    " WHERE is_observed AND latitude IS NULL"
    " ORDER BY coalesce(geocoding_problem, problem) IS NULL, 1, place_key"
)


def _true(bench: Bench, path: str) -> Any:
    return requests.get(bench.sandbox_url + path, timeout=60).json()


def _add_observed_places(bench: Bench) -> None:
    bench.owner.execute(
        "INSERT INTO weather.places"
        " (place_key, country_code, latitude, longitude, geocoding_status, is_observed)"
        " SELECT 'DE ' || n, 'DE', 52, 12 + n * 0.01, 'found', TRUE"
        " FROM generate_series(1, %s) AS n",
        [PLACES],
    )


def _add_shipments(bench: Bench) -> None:
    """Parcels to places of which nobody knows yet where they are."""
    lines = [
        line(n, sender_address=BERLIN, receiver_address=f"Street 1, {10115 + n} Town, Germany")
        for n in range(8)
    ]
    deliver(bench.warehouse, bench.folder, lines)


def _add_plants(bench: Bench, days_ago: int) -> None:
    """Plants with a day of readings, of which the weather is wanted."""
    day = bench.clock().date() - dt.timedelta(days=days_ago)
    for number in range(2 * len(VARIABLES) + 3):
        plant = register(bench.owner, f"plant {number}", latitude=50 + number, longitude=10)
        bench.owner.execute(
            "INSERT INTO solar.days"
            " (plant_id, day, status, hours_expected, hours_present, requested_at)"
            " VALUES (%s, %s, 'complete', 24, 24, now())",
            (plant.plant_id, day),
        )
    put_places(bench.warehouse)


NEVER_NULL = ("time", "temperature_2m", "temp_c", "last_updated_epoch", "temp", "dt")


def _spots(record: dict[str, Any], kinds: dict[str, str], *may_be: str) -> list[Spot]:
    """Providers have null for what they do not know."""
    return [
        Spot(record, key, kind, may_be=() if key in NEVER_NULL else ("null", *may_be))
        for key, kind in kinds.items()
    ]


CURRENT_KINDS = {"time": "time", **dict.fromkeys(UNITS, "number")}


def _current_spots(answers: Any, number: int) -> list[Spot]:
    places = zip(answers, CURRENT_KINDS.items(), strict=False)
    return [spot for answer, kind in places for spot in _spots(answer["current"], dict([kind]))]


def _one_spot(spots: list[Spot], number: int) -> list[Spot]:
    """Return one place for a fault in every other answer, a new one each time."""
    return [spots[number // 2]] if number % 2 and number // 2 < len(spots) else []


def _weatherapi_spots(answer: Any, number: int) -> list[Spot]:
    current = answer["current"]
    kinds = dict.fromkeys(
        ("temp_c", "is_day", "wind_kph", "wind_degree", "pressure_mb", "precip_mm", "humidity",
         "cloud", "feelslike_c"), "number",
    )  # fmt: skip
    spots = [*_spots(current, {"last_updated_epoch": "epoch", **kinds})]
    spots += _spots(current["condition"], {"code": "number", "text": "text"})
    return _one_spot(spots, number)


def _openweathermap_spots(answer: Any, number: int) -> list[Spot]:
    main = dict.fromkeys(("temp", "feels_like", "pressure", "humidity"), "number")
    spots = _spots(answer, {"dt": "epoch"}) + _spots(answer["main"], main, "missing")
    spots += _spots(answer["wind"], {"speed": "number", "deg": "number"}, "missing")
    spots += _spots(answer["clouds"], {"all": "number"}, "missing")
    spots += _spots(answer["weather"][0], {"id": "number", "description": "text"}, "missing")
    return _one_spot(spots, number)


def _hour_spot(columns: dict[str, Any], number: int) -> list[Spot]:
    kinds = [("time", "time"), *((name, "number") for name in VARIABLES)]
    if number >= len(kinds):
        return []
    key, kind = kinds[number]
    may_be = () if key == "time" else ("null",)
    return [Spot(columns, key, kind, place=NOON, may_be=may_be)]


def _forecast_spots(answers: Any, number: int) -> list[Spot]:
    return [
        spot
        for place, answer in enumerate(answers if isinstance(answers, list) else [])
        for spot in _hour_spot(answer["hourly"], place)
    ]


def _archive_spots(answer: Any, number: int) -> list[Spot]:
    return _hour_spot(answer["hourly"], number // 2) if number % 2 else []


def _search_spots(answer: Any, number: int) -> list[Spot]:
    kinds = {"name": "text", "country_code": "text", "latitude": "number", "longitude": "number"}
    spots = [
        # protobuf leaves out zeros, and the country of what is in none
        Spot(result, key, kind, may_be=() if key == "name" else ("missing",))
        for result in answer.get("results", [])
        for key, kind in kinds.items()
    ]
    return _one_spot(spots, number)


#: Faults that lose no record and cannot be seen by counting rows.
SPARED = {"out of range": "such a value is null and counted, and the others of its response land"}


def _observer(title: str, provider: str, spots: Any) -> Service:
    return Service(
        title=title,
        variable="WEATHER_BASE_URL",
        job="weather",
        assets=("weather.observations",),
        settings={"WEATHER_PROVIDER": provider, "WEATHER_API_KEY": "key"},
        prepare=_add_observed_places,
        stored=OBSERVED,
        reported=NOT_OBSERVED,
        truth=_true,
        spots=spots,
        spared=SPARED,
        later=dt.timedelta(minutes=10),
    )


def _by_hours(title: str, days_ago: int, spots: Any) -> Service:
    return Service(
        title=title,
        variable="WEATHER_BASE_URL",
        job="weather",
        assets=("weather.hourly",),
        prepare=lambda bench: _add_plants(bench, days_ago),
        stored=HOURS,
        reported=NO_HOURS,
        truth=_true,
        spots=spots,
        spared=SPARED,
        later=dt.timedelta(minutes=10),
    )


open_meteo = _observer("Weather, Open-Meteo", "open-meteo", _current_spots)
weatherapi = _observer("Weather, WeatherAPI.com", "weatherapi", _weatherapi_spots)
openweathermap = _observer("Weather, OpenWeatherMap", "openweathermap", _openweathermap_spots)
forecast = _by_hours("Weather by hours, forecast", 3, _forecast_spots)
archive = _by_hours("Weather by hours, archive", 200, _archive_spots)
geocoder = Service(
    title="Geocoder",
    variable="GEOCODING_BASE_URL",
    job="weather",
    assets=("weather.places",),
    prepare=_add_shipments,
    stored=LOCATED,
    reported=NOT_LOCATED,
    truth=_true,
    spots=_search_spots,
    spared={"far future": "it has no times"},
    later=dt.timedelta(minutes=15),
)
