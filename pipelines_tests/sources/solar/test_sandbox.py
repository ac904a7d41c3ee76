"""The simulated solar monitoring service: its responses over HTTP, its clock, its errors."""

import datetime as dt
import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, get_args

import psycopg
import pytest
import requests

from pipelines.sandbox.faults import Fault
from pipelines.sources.solar.demo import seed_sandbox
from pipelines.sources.solar.sandbox import service
from pipelines.sources.solar.sandbox.sun import (
    CLIMATE,
    DEAD_SENSOR_PLANT,
    DEMO_PLANTS,
    EXPECTED_PERFORMANCE,
    SOILED_PLANT,
    SOILING,
    Plant,
    Reading,
    plant,
    readings,
)
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sandbox_server import sandbox_server

NOON = dt.datetime(2026, 9, 15, 12, 0, 30, tzinfo=dt.UTC)
TODAY = NOON.date()
DIRT = 0.1
VALUES = [(side, of) for side in ("expected", "observed") for of in ("energy", "irradiation")]
Item = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with sandbox_server(now=lambda: NOON) as url:
        yield url


@pytest.fixture(scope="module")
def dirty() -> Iterator[str]:
    with sandbox_server(now=lambda: NOON, solar_error_rate=DIRT) as url:
        yield url


def request(url: str, plant_id: object, first: object, end: object) -> requests.Response:
    parameters = {"plant-id": str(plant_id), "from": str(first), "to": str(end)}
    return requests.get(url, params=parameters, timeout=10)


def get(url: str, plant_id: object, first: object, end: object) -> list[Item]:
    answer = request(url, plant_id, first, end)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return items_of(answer)


def items_of(answer: requests.Response) -> list[Item]:
    """Not by `answer.json()`: with simplejson installed that rejects NaN."""
    items: list[Item] = json.loads(answer.content)
    return items


def as_item(reading: Reading) -> Item:
    return {
        "datetime": reading.at.strftime("%Y-%m-%dT%H:%M:%S"),
        "expected": {
            "energy": reading.expected_energy_kwh,
            "irradiation": reading.expected_irradiation_wh_per_m2,
        },
        "observed": {
            "energy": reading.observed_energy_kwh,
            "irradiation": reading.observed_irradiation_wh_per_m2,
        },
    }


def year_of(plant_id: int, year: int, seed: int = 1) -> list[Reading]:
    return readings(seed, plant_id, dt.date(year, 1, 1), dt.date(year, 12, 31))


def at_of(item: Item) -> dt.datetime:
    return dt.datetime.fromisoformat(item["datetime"]).replace(tzinfo=dt.UTC)


def test_a_year_is_returned_hourly_without_distortion(served: str) -> None:
    served_items = get(served, 4, "2024-01-01", "2025-01-01")
    assert served_items == [as_item(reading) for reading in year_of(4, 2024)]
    assert len(served_items) == 8784
    assert len(request(served, 300, "2025-01-01", "2026-01-01").content) < 1_500_000
    assert served_items[0]["datetime"] == "2024-01-01T00:00:00"
    assert served_items[-1]["datetime"] == "2024-12-31T23:00:00"


@pytest.mark.parametrize("path", ["", "/", "/solar", "/solar/"])
def test_the_root_and_solar_answer_alike(served: str, path: str) -> None:
    parameters = {"plant-id": "1", "from": "2026-09-14", "to": "2026-09-15"}
    answer = requests.get(f"{served}{path}", params=parameters, timeout=10, allow_redirects=False)
    assert answer.status_code == 200
    yesterday = TODAY - dt.timedelta(days=1)
    assert answer.json() == [as_item(one) for one in readings(1, 1, yesterday, yesterday)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "plant-id: must be given once, not 0 times"),
        ("plant-id=1&from=2026-01-01", "to: must be given once, not 0 times"),
        ("plant-id=1&to=2026-01-01", "from: must be given once, not 0 times"),
        ("plant_id=1&from=2026-01-01&to=2026-01-02", "plant-id: must be given once"),
        ("plant-id=1&plant-id=2&from=2026-01-01&to=2026-01-02", "once, not 2 times"),
        ("plant-id=&from=2026-01-01&to=2026-01-02", "plant-id: must be a whole number, not ''"),
        ("plant-id=1.0&from=2026-01-01&to=2026-01-02", "not '1.0'"),
        ("plant-id=0013e338-0158-4d5c&from=2026-01-01&to=2026-01-02", "not '0013e338"),
        ("plant-id=" + "9" * 5000 + "&from=2026-01-01&to=2026-01-02", "must be a whole number"),
        ("plant-id=1&from=2026-02-30&to=2026-03-01", "from: must be a date as YYYY-MM-DD"),
        ("plant-id=1&from=20260101&to=2026-03-01", "not '20260101'"),
        ("plant-id=1&from=2026-01-01&to=2026-01-02T00:00:00", "to: must be a date"),
        ("plant-id=1&from=2026-01-02&to=2026-01-01", "from: 2026-01-02 is later than to"),
    ],
)
def test_unreadable_requests_are_rejected(served: str, query: str, words: str) -> None:
    answer = requests.get(f"{served}/?{query}", timeout=10)
    assert answer.status_code == 400
    error = answer.json()
    assert set(error) == {"error"}
    assert words in error["error"]


def test_future_hours_are_not_returned(served: str) -> None:
    served_items = get(served, 1, TODAY, TODAY + dt.timedelta(days=3))
    assert served_items == [as_item(reading) for reading in readings(1, 1, TODAY, TODAY)[:13]]
    assert served_items[-1]["datetime"] == "2026-09-15T12:00:00"
    assert get(served, 1, "2026-09-16", "2027-01-01") == []
    assert get(served, 1, "2026-09-14", "2026-09-14") == []
    assert get(served, 1, "9999-12-31", "9999-12-31") == []


def test_the_day_given_is_today() -> None:
    with sandbox_server(now=lambda: NOON, today=dt.date(2020, 2, 29)) as url:
        assert get(url, 1, "2020-02-28", "2020-12-31")[-1]["datetime"] == "2020-02-29T12:00:00"


def test_a_plant_returns_nothing_before_its_commissioning(served: str) -> None:
    assert get(served, 3, "2021-06-14", "2021-06-15") == []
    served_items = get(served, 3, "0001-01-01", "2021-06-17")
    assert [item["datetime"] for item in served_items[::24]] == [
        "2021-06-15T00:00:00",
        "2021-06-16T00:00:00",
    ]
    assert len(served_items) == 48


def test_any_plant_is_answered_and_most_have_long_been_there(served: str) -> None:
    for plant_id in (-5, 0, 77, 10**17):
        assert len(get(served, plant_id, "2026-09-01", "2026-09-02")) == 24
    plants = [plant(plant_id) for plant_id in range(4, 204)]
    young = [one for one in plants if one.commissioned_on.year >= 2018]
    assert 30 < len(young) < 70
    assert {one.commissioned_on.year for one in plants if one not in young} == set(
        range(2005, 2010)
    )
    assert {one.commissioned_on.year for one in young} <= set(range(2018, 2023))
    assert all(-50 <= one.latitude <= 60 and -180 <= one.longitude <= 180 for one in plants)
    assert len({one[2:4] for one in plants}) == 200
    assert len({one.name for one in DEMO_PLANTS}) == len({one.id for one in DEMO_PLANTS}) == 3
    assert {one.zone for one in (*plants, *DEMO_PLANTS)} == {"UTC"}


@pytest.mark.parametrize("here", [*DEMO_PLANTS, plant(5), plant(9)], ids=lambda one: one.name)
def test_the_sun_shines_by_day_reduced_by_clouds_and_losses(here: Plant) -> None:
    year = year_of(here.id, 2025)
    assert len(year) == 8760
    assert 0.75 <= here.performance_ratio <= 0.9
    kwh = here.size_kwp / 1000
    for one in year:
        expected, observed = one.expected_irradiation_wh_per_m2, one.observed_irradiation_wh_per_m2
        if expected == 0:
            assert one[1:] == (0.0, 0.0, 0.0, 0.0)
        else:
            assert 0.75 <= expected < 1098 * CLIMATE
            assert math.isclose(one.expected_energy_kwh, expected * kwh * EXPECTED_PERFORMANCE)
            assert one.observed_energy_kwh > 0
            if observed == 0:  # its sensor is dead
                assert here.id == DEAD_SENSOR_PLANT
                continue
            assert 0.1 < observed / expected <= 1 / CLIMATE + 1e-9
            performance = one.observed_energy_kwh / (observed * kwh) / here.performance_ratio
            least = (1 - SOILING) * 0.959 if here.id == SOILED_PLANT else 0.959
            assert least < performance < 1.001
    assert 0.4 < sum(one.expected_irradiation_wh_per_m2 == 0 for one in year) / 8760 < 0.6
    of_hour: Counter[int] = Counter()
    of_month: Counter[int] = Counter()
    for one in year:
        of_hour[one.at.hour] += round(one.expected_irradiation_wh_per_m2)
        of_month[one.at.month] += round(one.expected_irradiation_wh_per_m2)
    sun_at_noon = (12 - here.longitude / 15) % 24
    assert abs((of_hour.most_common(1)[0][0] + 0.5 - sun_at_noon + 12) % 24 - 12) <= 0.6
    assert of_month.most_common()[0][0] in ((6, 7) if here.latitude > 0 else (12, 1))


def test_another_seed_has_other_clouds_and_the_same_sun() -> None:
    one, other = year_of(1, 2025), year_of(1, 2025, seed=2)
    assert [each[:3] for each in one] == [each[:3] for each in other]
    assert [each[3:] for each in one] != [each[3:] for each in other]
    assert year_of(1, 2025) == one


def test_an_hour_is_the_same_in_every_window(dirty: str, served: str) -> None:
    for url in (served, dirty):
        month = request(url, 1, "2026-03-01", "2026-04-01").text
        assert request(url, 1, "2026-03-01", "2026-04-01").text == month
        days = [dt.date(2026, 3, 1) + dt.timedelta(days=number) for number in range(32)]
        items = [item for day, after in pairwise(days) for item in get(url, 1, day, after)]
        assert sorted(map(json.dumps, items)) == sorted(map(json.dumps, json.loads(month)))


def test_the_error_rate_spreads_over_all_kinds_of_errors(dirty: str) -> None:
    answer = request(dirty, 1, "2024-01-01", "2025-01-01")
    assert "NaN" in answer.text
    served_items: dict[dt.datetime, list[Item]] = {}
    for item in items_of(answer):
        served_items.setdefault(at_of(item), []).append(item)
    kinds: Counter[service.Dirt] = Counter()
    half_hour = dt.timedelta(minutes=30)
    for truth in year_of(1, 2024):
        kind = service.dirt_of(1, 1, truth.at, DIRT)
        items = served_items.pop(truth.at, [])
        if kind is not None:
            kinds[kind] += 1
        assert service.is_dirty(1, 1, truth.at, DIRT) == (as_item(truth) not in items)
        assert len(items) == {"absent": 0, "twice": 2}.get(kind or "", 1)
        if kind == "twice":
            assert items[0] == items[1]
        elif kind == "half past":
            between = as_item(truth._replace(at=truth.at + half_hour))
            assert served_items.pop(truth.at + half_hour) == [between]
        elif kind in ("no expected", "no observed"):
            assert set(items[0]) == set(as_item(truth)) - {kind.removeprefix("no ")}
        elif kind in service.WRONG:
            values = [items[0][side][of] for side, of in VALUES]
            true = [as_item(truth)[side][of] for side, of in VALUES]
            wrong = [value for value, was in zip(values, true, strict=True) if value != was]
            assert repr(wrong) == repr([service.WRONG[kind]])
    assert served_items == {}
    assert set(kinds) == set(service.DIRT)
    assert math.isclose(kinds.total() / 8784, DIRT, rel_tol=0.1)
    assert min(kinds.values()) > 50


def test_errors_make_days_of_23_and_25_unordered_items(dirty: str) -> None:
    served_items = get(dirty, 1, "2024-01-01", "2025-01-01")
    of_day = Counter(item["datetime"][:10] for item in served_items)
    assert {23, 24, 25} <= set(of_day.values())
    times = [item["datetime"] for item in served_items]
    [late] = [number for number, (one, next_) in enumerate(pairwise(times), 1) if next_ < one]
    assert len(served_items) - late > 50
    assert {service.dirt_of(1, 1, at_of(item), DIRT) for item in served_items[late:]} == {"late"}


def test_no_dirt_comes_unasked_and_all_can_be_dirty(served: str) -> None:
    assert not any(service.is_dirty(1, 1, one.at, 0.0) for one in year_of(1, 2025)[:100])
    assert all(service.dirt_of(1, 1, one.at, 1.0) for one in year_of(1, 2025)[:100])
    with pytest.raises(ValueError, match="share of dirt"):
        service.routes(1, lambda: NOON, dirt=1.1)


def test_errors_heal_after_enough_requests_of_a_day() -> None:
    truth = [as_item(one) for one in readings(1, 1, dt.date(2026, 9, 1), dt.date(2026, 9, 9))]
    options: dict[str, Any] = {"now": lambda: NOON, "solar_error_rate": 1.0, "solar_heals_after": 2}
    with sandbox_server(**options) as url:
        first = request(url, 1, "2026-09-01", "2026-09-09").text
        second = request(url, 1, "2026-09-01", "2026-09-08").text
        assert first[:1000] == second[:1000]
        assert get(url, 2, "2026-09-01", "2026-09-02") != get(url, 1, "2026-09-01", "2026-09-02")
        assert get(url, 1, "2026-09-01", "2026-09-08") == truth[: 7 * 24]
        assert get(url, 1, "2026-09-08", "2026-09-09") != truth[7 * 24 : 8 * 24]
        assert get(url, 1, "2026-09-08", "2026-09-09") == truth[7 * 24 : 8 * 24]


@pytest.mark.parametrize("kind", get_args(Fault))
def test_responses_are_corrupted_on_demand_but_never_the_request_log(kind: Fault) -> None:
    codes: dict[Fault, int] = {"500": 500, "429": 429, "timeout": 504}
    options: dict[str, Any] = {"fault_rate": 1.0, "faults": [kind], "hang_seconds": 0.1}
    with sandbox_server(now=lambda: NOON, **options) as url:
        for path in ("/", "/solar"):
            if kind == "truncated":
                with pytest.raises(requests.exceptions.ChunkedEncodingError):
                    request(f"{url}{path}", 1, "2026-09-01", "2026-09-02")
            else:
                answer = request(f"{url}{path}", 1, "2026-09-01", "2026-09-02")
                assert answer.status_code == codes.get(kind, 200)
                assert not answer.text.startswith("[")
        assert sum(one["times"] for one in requested(url)) == (2 if kind == "truncated" else 0)


def requested(url: str) -> list[Item]:
    record: list[Item] = requests.get(f"{url}{service.REQUESTS_PATH}", timeout=10).json()
    return record


def test_requests_of_each_window_are_logged_in_order() -> None:
    with sandbox_server(now=lambda: NOON) as url:
        assert requested(url) == []
        get(url, 7, "2026-09-14", "2026-09-15")
        get(url, 2, "2026-01-01", "2026-09-14")
        get(f"{url}/solar", 7, "2026-09-14", "2026-09-15")
        assert request(url, 7, "2026-09-15", "2026-09-14").status_code == 400
        assert requested(url) == [
            {"plant-id": 7, "from": "2026-09-14", "to": "2026-09-15", "times": 2},
            {"plant-id": 2, "from": "2026-01-01", "to": "2026-09-14", "times": 1},
        ]


def test_slow_answers_are_waited_for_at_the_same_time() -> None:
    with sandbox_server(now=lambda: NOON, solar_seconds=0.4) as url, ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        day = ("2026-09-01", "2026-09-02")
        assert [
            len(served_items)
            for served_items in pool.map(lambda one: get(url, one, *day), range(4))
        ] == [24] * 4
        assert 0.4 <= time.monotonic() - began < 1.2


def test_the_weather_sees_the_sky_of_the_plants() -> None:
    """Its radiation is the mean of the hour before, as Open-Meteo's is."""
    here = DEMO_PLANTS[0]
    day = dt.date(2025, 6, 1)
    for one in readings(1, here.id, day, day):
        weather = weather_at(here.latitude, here.longitude, one.at + dt.timedelta(hours=1))
        served_items = weather["shortwave_radiation"]
        assert math.isclose(served_items, one.observed_irradiation_wh_per_m2, abs_tol=0.06)
        then = weather_at(here.latitude, here.longitude, one.at)
        assert then["is_day"] == (one.expected_irradiation_wh_per_m2 > 0)
        assert 0 <= then["cloud_cover"] <= 100


@pytest.mark.parametrize("latitude", [60.2, 48.1, 5.0])
@pytest.mark.parametrize("month", [1, 7])
def test_it_rains_from_clouds_only(latitude: float, month: int) -> None:
    begin = dt.datetime(2026, month, 1, tzinfo=dt.UTC)
    for hour in range(500):
        weather = weather_at(latitude, 10.0, begin + dt.timedelta(hours=hour))
        code, clouds = weather["weather_code"], weather["cloud_cover"]
        assert (code > 45) == (weather["precipitation"] > 0), weather
        if code > 45:
            assert clouds >= 70, weather
        elif code < 45:
            assert code == min(clouds // 25, 3), weather


def test_the_demo_has_a_gap_and_a_day_to_correct(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    seed_sandbox(warehouse)
    gaps = owner.execute(
        "SELECT plant_id, hours_missing, retry_at > now() FROM solar.gaps"
        " WHERE status = 'partial' ORDER BY plant_id"
    ).fetchall()
    assert gaps == [(1, 4, False), (3, 4, True)]
    dark = "SELECT count(*) FROM solar.readings WHERE plant_id = 1 AND observed_energy_kwh = 0"
    assert (owner.execute(f"{dark} AND expected_energy_kwh > 0").fetchone() or (0,))[0] >= 3
