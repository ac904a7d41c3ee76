"""The oracle's meaning, pinned by small examples that a person computed."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from pipelines_tests.sources.solar.oracle import (
    DAY,
    HOUR,
    Hour,
    Plant,
    Record,
    allowed_kwh,
    calendar_hours,
    data_completeness,
    day_losses,
    does_sensor_work,
    iec_performance_ratio,
    local_day,
    losses,
    money,
    not_delivered,
    operational_availability,
    performance_ratio,
    records,
    scale,
    specific_yield,
    sum_of_losses,
    weather_adjusted_ratio,
)
from pipelines_tests.sources.solar.oracle_of_card import Card, card
from pipelines_tests.sources.solar.oracle_of_findings import impossible_energy

NOON = datetime(2026, 6, 20, 12, tzinfo=UTC)
TODAY = NOON.date()
UTC_PLANT = Plant(1, "UTC", 0.0, 0.0)
BERLIN = Plant(1, "Europe/Berlin", 52.5, 13.4)


def reading(
    expected: float, observed: float, sun: float | None, at: datetime = NOON, of: float = 1.0
) -> Hour:
    """An hour with a sun that is a share of what is expected, which is 1 kWh/m² unless said."""
    return Hour(1, at, observed, expected, None if sun is None else sun * of, of)


def record(
    *hours: Hour, plant: Plant = UTC_PLANT, suns: dict[datetime, float] | None = None
) -> Record:
    return Record(plant, hours, suns or {})


def week(observed: Sequence[float], sun: float = 1.0, expected: float = 10.0) -> Record:
    """Days of UTC before today, each with these ten hours from 07:00 on and zeros at night."""
    hours = []
    for at in (NOON - 7 * DAY - 12 * HOUR + number * HOUR for number in range(7 * 24)):
        if 7 <= at.hour < 17:
            hours.append(reading(expected, observed[at.hour - 7], sun, at))
        else:
            hours.append(reading(0, 0, 0, at, of=0))
    return record(*hours)


@pytest.mark.parametrize(
    ("expected", "observed", "sun", "causes"),
    [
        (100, 0, 0.6, {"sky": 40, "outage": 60}),
        (100, 0, 1.2, {"outage": 100}),
        (100, 50, 1.2, {"plant": 50}),
        (100, 100, 0.7, {}),
        (100, 110, 0.9, {"gain": -10}),
        (100, 0.5, 0.6, {"sky": 40, "outage": 59.5}),
        # "Under" 1 % and 60 % of what was allowed excludes the limits.
        (100, 0.5, 0.5, {"sky": 50, "plant": 49.5}),
        (100, 30, 0.5, {"sky": 50, "other": 20}),
        (100, 60, 0.5, {"sky": 40}),
        (100, 90, 1.0, {"other": 10}),
        (100, 40, None, {"sensor": 60}),
        (100, 110, None, {"gain": -10}),
        (0, 0, None, {}),
        (0, 3, 0.5, {"gain": -3}),
    ],
)
def test_an_hour_has_the_causes_of_its_definition(
    expected: float, observed: float, sun: float | None, causes: dict[str, float]
) -> None:
    assert losses(record(), reading(expected, observed, sun)) == causes


def test_a_dead_plant_under_clouds_lost_to_outage_what_the_sun_allowed() -> None:
    dead = week([0.0] * 10, sun=0.6)
    assert sum_of_losses(dead, dead.hours) == pytest.approx({"sky": 280, "outage": 420})
    # Its telemetry is whole, and it never ran.
    assert data_completeness(dead, TODAY - 7 * DAY, TODAY - DAY) == 1
    assert operational_availability(dead, dead.hours) == 0
    assert weather_adjusted_ratio(dead, dead.hours) == 0


def test_full_energy_under_clouds_lost_nothing() -> None:
    full = week([10.0] * 10, sun=0.7)
    assert sum_of_losses(full, full.hours) == {}
    assert performance_ratio(full.hours) == 1
    assert weather_adjusted_ratio(full, full.hours) == pytest.approx(1 / 0.7)


def test_hours_not_delivered_are_no_loss_but_an_estimate_apart() -> None:
    whole = week([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    cut = record(*(h for h in whole.hours if h.starts_at != NOON - DAY))
    yesterday = TODAY - DAY
    assert sum(day_losses(cut, yesterday).values()) == 100 - 55 - (10 - 6)
    assert not_delivered(cut, yesterday) == 6
    assert not_delivered(whole, yesterday) == 0
    assert not_delivered(whole, TODAY) == 55
    assert not_delivered(whole, TODAY + 13 * DAY) == 55
    assert not_delivered(whole, TODAY + 14 * DAY) is None
    # On the first day, nothing is known of the hours before.
    first = record(*(h for h in whole.hours if h.starts_at != NOON - 7 * DAY))
    assert not_delivered(first, TODAY - 7 * DAY) is None


def test_a_dead_sensor_is_replaced_by_scaled_weather_and_a_dead_logger_is_not() -> None:
    clear = [reading(100, 90, 0.9, NOON - number * HOUR) for number in range(1, 11)]
    suns = {hour.starts_at: 0.6 for hour in clear} | {NOON: 0.4}
    dead_sensor, dead_logger = reading(100, 50, 0), reading(100, 0, 0)
    known = record(*clear, dead_sensor, suns=suns)
    assert scale(known, TODAY) == pytest.approx(1.5)
    assert losses(known, dead_sensor) == pytest.approx({"sky": 40, "other": 10})
    assert losses(known, dead_logger) == {"sensor": 100}
    # Nine clear hours are too few; 30 days later the ten are too old.
    few = record(*clear[1:], dead_sensor, suns=suns)
    assert scale(few, TODAY) is None
    assert losses(few, dead_sensor) == {"sensor": 50}
    assert scale(known, TODAY + 29 * DAY) == pytest.approx(1.5)
    assert scale(known, TODAY + 30 * DAY) is None


@pytest.mark.parametrize(
    ("observed", "sun", "weather", "of", "works"),
    [
        (0.0, 0.01, None, 1.0, True),
        (0.0, None, 0.5, 1.0, False),
        (5.0, 0.0, 0.01, 1.0, False),  # energy without sun
        (0.0, 0.0, None, 1.0, False),  # nothing confirms the zero
        (0.0, 0.0, 0.05, 1.0, False),  # the weather is bright
        (0.0, 0.0, 0.049, 1.0, True),
        (0.0, 0.0, None, 0.0, True),  # night
    ],
)
def test_a_sensor_at_zero_counts_at_night_and_in_dark_weather(
    observed: float, sun: float | None, weather: float | None, of: float, works: bool
) -> None:
    assert does_sensor_work(reading(100, observed, sun, of=of), weather) is works


def test_energy_expected_of_no_sun_is_not_known_to_be_allowed() -> None:
    assert allowed_kwh(record(), reading(100, 50, 0, of=0)) is None
    assert allowed_kwh(record(), reading(0, 0, 0, of=0)) == 0
    assert losses(record(), reading(100, 50, 0, of=0)) == {"sensor": 50}


def test_ratios_are_null_without_what_they_divide_by() -> None:
    night, noon = reading(0, 0, 0, of=0), reading(100, 80, 0.8)
    assert performance_ratio([night]) is None
    assert weather_adjusted_ratio(record(), [night]) is None
    assert operational_availability(record(night), [night]) is None
    assert specific_yield(record(), [noon]) is iec_performance_ratio(record(), [noon]) is None
    sized = record(noon, plant=Plant(1, "UTC", 0, 0, 125.0, 0.25, "EUR"))
    assert specific_yield(sized, sized.hours) == 0.64
    assert specific_yield(sized, []) is None
    assert iec_performance_ratio(sized, sized.hours) == pytest.approx(0.8)
    assert money(sized.plant, 80) == 20
    assert money(UTC_PLANT, 80) is None


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Los_Angeles", date(2026, 3, 8), 23),
        ("America/Los_Angeles", date(2026, 11, 1), 25),
        ("Asia/Tokyo", date(2026, 3, 29), 24),
        ("Asia/Kolkata", date(2026, 3, 29), 24),
    ],
)
def test_a_day_has_the_hours_of_the_plants_clock(zone: str, day: date, hours: int) -> None:
    plant = Plant(1, zone)
    starts = calendar_hours(plant, day)
    assert len(starts) == hours
    assert {local_day(plant, at) for at in starts} == {day}
    whole = record(*(reading(1, 1, 1, at) for at in starts), plant=plant)
    assert data_completeness(whole, day, day) == 1
    assert len(whole.on(day)) == hours


def test_the_card_has_the_last_day_that_is_over_everywhere() -> None:
    plants = [BERLIN, Plant(2, "America/Los_Angeles"), Plant(3, "Asia/Tokyo")]
    day = date(2026, 6, 18)  # In Los Angeles it is still the 19th, in Tokyo already the 20th.
    hours = [
        Hour(plant.plant_id, at, plant.plant_id, 2.0, 1.0, 1.0)
        for plant in plants
        for on in (day - DAY, day)
        for at in calendar_hours(plant, on)
    ]
    now = datetime(2026, 6, 20, 3, tzinfo=UTC)
    assert card(records(plants, hours, []), now) == Card(day, 3, 3, 144, 144, 3, 144, 144)
    # Berlin lacks an hour of the day, Tokyo one of the day before.
    cut = [h for h in hours if h not in (hours[30], hours[96])]
    assert card(records(plants, cut, []), now) == Card(day, 3, 2, 120, 96, 1, 48, 48)
    # A day later there is nothing: no older day takes its place.
    later = card(records(plants, hours, []), now + DAY)
    assert later == Card(day + DAY, 3, 0, None, None, 0, None, None)


def test_a_spike_and_watt_hours_are_found_and_gains_are_not() -> None:
    usual = [reading(e, e, 1.0, NOON + n * HOUR) for n, e in enumerate((12.0, 12.0, 10.0))]
    spike = reading(7, 62, 1.0, NOON + 3 * HOUR)
    assert impossible_energy(record(*usual, spike), spike) == "above_expected"
    assert not any(impossible_energy(record(*usual, spike), hour) for hour in usual)
    watts = [reading(h.expected_kwh, 820 * h.expected_kwh, 1.0, h.starts_at) for h in usual]
    assert {impossible_energy(record(*watts), hour) for hour in watts} == {"watt_hours"}
    gains = [reading(h.expected_kwh, 1.3 * h.expected_kwh, 1.1, h.starts_at) for h in usual]
    assert not any(impossible_energy(record(*gains), hour) for hour in gains)
    dark = reading(10, 9, 0.2)
    assert impossible_energy(record(*usual[1:], dark), dark) == "above_sun"
    fine = reading(10, 6, 0.2)
    assert impossible_energy(record(*usual[1:], fine), fine) is None
