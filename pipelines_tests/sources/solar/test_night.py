"""Where the sun is down, what is absent, null or negative by little is zero, and else it is not."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from pipelines.sources.solar.load import load_response
from pipelines.sources.solar.transform import dark_hours
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.solar.made_up import NOW, Item, Solar, answer_of, item

JUNE = Window(dt.date(2026, 6, 20), dt.date(2026, 6, 21))
SEVILLE = {"latitude": 37.4, "longitude": -6.0}
#: Its hours of light, in summer time: the sun rises at 7:04, and sets at 21:48.
LIGHT = range(7, 22)
NULL = {"energy": None, "irradiation": None}


@pytest.fixture
def solar(warehouse: Warehouse, owner: psycopg.Connection) -> Solar:
    return Solar(warehouse, owner)


def hour(number: int, observed: Any = None) -> Item:
    """An hour of the day in June: at night it has `observed`."""
    at = dt.datetime.combine(JUNE.first, dt.time(number))
    if number in LIGHT:
        return item(at, 40.0)
    return item(at, 0.0) | ({"observed": observed} if observed is not None else {})


def day(solar: Solar, items: list[Item], **place: float) -> tuple[str, str | None, int, int]:
    """Load an answer of the day; return its status, problem and hours, and how many are rejects."""
    plant = solar.register(
        f"plant {len(solar.rows('TABLE solar.plants'))}", "Europe/Madrid", **place
    )
    load_response(solar.warehouse, plant, JUNE, answer_of(items), run_id=None, now=NOW)
    query = "SELECT status, problem, hours_present FROM solar.days WHERE plant_id = %s"
    status, problem, hours = solar.row(query, plant.plant_id)
    (rejected,) = solar.row("SELECT max(rejected_count) FROM ops.deliveries")
    return status, problem, hours, rejected


NOTE = "hours of the night that were absent, null or negative, and count as zero: "


@pytest.mark.parametrize("place", [SEVILLE, {}])
@pytest.mark.parametrize(
    "observed",
    [
        {"energy": -0.012, "irradiation": 0.0},
        {"energy": -0.39, "irradiation": -4.0},  # 1 % of 40 kWh
        {"energy": None, "irradiation": -1.0},
        NULL,
        {},
    ],
)
def test_null_or_negative_by_little_at_night_is_zero(
    solar: Solar, observed: Any, place: dict[str, float]
) -> None:
    """Incident: each day was partial for ever, with thousands of rejects."""
    items = [hour(number, observed) for number in range(24)]
    assert day(solar, items, **place) == ("complete", f"{NOTE}9", 24, 0)
    assert solar.rows("SELECT min(observed_energy_kwh) FROM solar.readings") == [(0.0,)]


def test_absent_hours_of_the_night_are_zero_by_the_plants_coordinates(solar: Solar) -> None:
    items = [hour(number) for number in LIGHT]
    assert day(solar, items, **SEVILLE) == ("complete", f"{NOTE}9", 24, 0)
    assert day(solar, items) == ("partial", "15 of 24 hours were received", 15, 0)


def test_what_is_wrong_by_day_stays_so(solar: Solar) -> None:
    for observed in ({"energy": -0.012, "irradiation": 0.0}, NULL):
        items = [hour(number) for number in range(24)]
        items[12]["observed"] = observed
        assert day(solar, items, **SEVILLE)[::3] == ("partial", 1)
        assert day(solar, items)[::3] == ("partial", 1)
    assert day(solar, [hour(number) for number in LIGHT if number != 12], **SEVILLE)[0::2] == (
        "partial",
        23,
    )


@pytest.mark.parametrize("energy", [-0.5, "none", 1e9])
def test_what_is_wrong_by_much_at_night_stays_so(solar: Solar, energy: Any) -> None:
    items = [hour(number, {"energy": energy, "irradiation": 0.0}) for number in range(24)]
    assert day(solar, items, **SEVILLE)[::3] == ("partial", 9)


def test_a_day_of_two_hours_of_light_is_not_lost(solar: Solar) -> None:
    items = [item(f"2026-06-20T{n:02}:00:00", 9.0 * (n in (12, 13))) for n in range(24)]
    for one in items[:12] + items[14:]:
        one["observed"] = NULL
    assert day(solar, items) == ("complete", f"{NOTE}22", 24, 0)


def test_a_day_without_any_light_or_item_is_not_made_up(solar: Solar) -> None:
    assert day(solar, [hour(0), hour(1)], **SEVILLE)[0] == "partial"
    assert day(solar, [], **SEVILLE) == ("empty", None, 0, 0)


def test_a_stored_hour_of_the_night_is_kept_when_it_is_absent(solar: Solar) -> None:
    plant = solar.register("Alta", "Europe/Madrid", **SEVILLE)
    moonshine = item("2026-06-20T02:00:00", 3.0)
    for items in ([moonshine], [hour(number) for number in LIGHT]):
        load_response(solar.warehouse, plant, JUNE, answer_of(items), run_id=None, now=NOW)
    assert solar.statuses(plant) == {JUNE.first: "complete"}
    assert solar.rows("SELECT max(expected_energy_kwh), count(*) FROM solar.readings") == [(40, 24)]
    assert solar.rows("SELECT count(*) FROM solar.readings WHERE expected_energy_kwh = 3") == [(1,)]
    assert solar.rows("SELECT count(*) FROM solar.corrections") == [(0,)]


@pytest.mark.parametrize(
    ("zone", "place", "day", "hours"),
    [
        ("Asia/Kathmandu", (27.7, 85.3), dt.date(2026, 3, 20), 12),
        ("Europe/Paris", (48.9, 2.4), dt.date(2026, 10, 25), 14),
        ("Australia/Lord_Howe", (-31.5, 159.1), dt.date(2026, 4, 5), 12),
    ],
)
def test_dark_hours_are_those_of_local_clocks(
    zone: str, place: tuple[float, float], day: dt.date, hours: int
) -> None:
    dark = dark_hours(Window(day, day + dt.timedelta(days=1)), zone, *place, NOW)
    assert {at.astimezone(ZoneInfo(zone)).minute for at in dark} == {0}
    assert abs(len(dark) - hours) <= 1
