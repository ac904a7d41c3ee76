"""The rule of soiling: how seldom it is wrong about clean plants, and how soon right about dirt."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import pi, sin
from random import Random

import pytest

from pipelines_tests.sources.solar.histories import NO_CAPACITY, all_suns, history, stored_hours
from pipelines_tests.sources.solar.oracle import DAY, HOUR, Hour, Plant, Record, records
from pipelines_tests.sources.solar.oracle_of_findings import Soiling, soiling, usable_days

FIRST = date(2026, 5, 1)


def spoken(
    level: Callable[[int], float], noise: float, days: int, seed: int
) -> dict[int, Soiling | None]:
    """What is found on each day of a plant whose ratio has a level and daily noise."""
    random = Random(seed)
    ratios = {FIRST + n * DAY: level(n) * (1 + random.gauss(0, noise)) for n in range(days)}
    return {number: soiling(ratios, FIRST + number * DAY) for number in range(19, days)}


@pytest.mark.parametrize("noise", [0.01, 0.02, 0.03])
def test_a_clean_plant_is_called_dirty_on_less_than_one_day_of_a_hundred(noise: float) -> None:
    found = [f for seed in range(60) for f in spoken(lambda _: 0.97, noise, 60, seed).values()]
    assert len(found) == 60 * 41
    assert sum(map(bool, found)) < len(found) / 100


@pytest.mark.parametrize("clean_days", [0, 40])
def test_two_per_mille_a_day_are_found_within_four_weeks(clean_days: int) -> None:
    def level(number: int) -> float:
        return 1 - 0.002 * max(0, number + 1 - clean_days)

    plants = [spoken(level, 0.02, clean_days + 28, seed) for seed in range(150)]
    dirty = [{n: f for n, f in plant.items() if n >= clean_days} for plant in plants]
    assert sum(any(plant.values()) for plant in dirty) >= 0.9 * len(dirty)
    evidence = [plant[clean_days + 27] for plant in dirty]
    slopes = sorted(found.decline_percent_per_day for found in evidence if found)
    assert 0.18 < slopes[len(slopes) // 2] < 0.24


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.02, 0.03])
@pytest.mark.parametrize("lost", [1 / 3, 2 / 3])
def test_a_dead_inverter_is_never_taken_for_dirt(noise: float, lost: float) -> None:
    for seed in range(15):
        days = spoken(lambda n: 1 - lost * (n >= 30), noise, 57, seed)
        assert not any(days[n] for n in range(30, 57))


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_one_dead_inverter_of_ten_is_not_taken_for_dirt(noise: float) -> None:
    for seed in range(15):
        days = spoken(lambda n: 1 - (n >= 30) / 10, noise, 57, seed)
        assert not any(days[n] for n in range(30, 57))


def test_inverters_that_die_after_each_other_are_not_taken_for_dirt() -> None:
    for seed in range(15):
        days = spoken(lambda n: 1 - (n >= 30) / 3 - (n >= 40) / 3, 0.02, 60, seed)
        assert not any(days[n] for n in range(30, 57))


def test_washing_ends_it_on_the_third_day() -> None:
    plants = [spoken(lambda n: 1 - 0.003 * n * (n < 30), 0.01, 36, seed) for seed in range(30)]
    assert all(plant[29] for plant in plants)
    assert not any(plant[n] for plant in plants for n in range(32, 36))


def test_a_season_is_mostly_silent() -> None:
    days = [
        found
        for seed in range(6)
        for found in spoken(lambda n: 1 + 0.02 * sin(2 * pi * n / 365), 0.02, 365, seed).values()
    ]
    assert sum(map(bool, days)) < 0.03 * len(days)


def test_too_few_days_and_steep_falls_say_nothing() -> None:
    falling = {FIRST + n * DAY: 1 - 0.004 * n for n in range(20)}
    assert soiling(falling, FIRST + 18 * DAY) is None
    found = soiling(falling, FIRST + 19 * DAY)
    assert found is not None
    assert (found.since, found.days) == (FIRST, 20)
    assert found.decline_percent_per_day == pytest.approx(0.4 / (1 - 0.004 * 9.5))
    assert soiling(falling, FIRST + timedelta(days=60)) is None
    flat = {FIRST + n * DAY: 1 - 0.0009 * n for n in range(28)}
    assert soiling(flat, FIRST + 27 * DAY) is None
    steep = {FIRST + n * DAY: 1 - 0.012 * n for n in range(28)}
    assert soiling(steep, FIRST + 27 * DAY) is None


def test_days_with_something_broken_or_impossible_show_no_dirt() -> None:
    plant, noon = Plant(1, "UTC"), datetime(2026, 5, 1, 12, tzinfo=UTC)
    hours = []
    # As it should be; an outage of 1 % of the day, and of 2 %; a dead logger; a spike.
    for number, (expected, energy, sun) in enumerate(
        [(1, 1, 1), (1, 0, 1), (2, 0, 1), (2, 0, 0), (2, 300, 1)]
    ):
        at = noon + number * DAY
        hours.append(Hour(1, at, 100.0 - expected, 100.0 - expected, 1.0, 1.0))
        hours.append(Hour(1, at + HOUR, energy, expected, sun, 1.0))
    assert usable_days(Record(plant, hours)) == {FIRST: 1, FIRST + DAY: 0.99}


@pytest.mark.parametrize("seed", range(5))
def test_the_dirty_plant_of_each_history_is_found_and_washed(seed: int) -> None:
    made = history(seed)
    ratios = usable_days(records(made.plants, stored_hours(made), all_suns(made))[NO_CAPACITY])
    assert any(soiling(ratios, made.first + n * DAY) for n in range(20, 31))
    assert not any(soiling(ratios, made.first + n * DAY) for n in range(33, 40))
