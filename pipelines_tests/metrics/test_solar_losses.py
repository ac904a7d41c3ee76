"""Energy that was lost, by cause."""

import datetime as dt

import pytest
from psycopg import Connection

from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.solar_rows import Values, add_plant, add_readings

FIRST = dt.date(2020, 6, 1)
CLEAN: Values = (20.0, 20.0, 400.0, 400.0)


def losses(owner: Connection, day: dt.date) -> dict[str, float]:
    rows = owner.execute(
        "SELECT cause, lost_kwh FROM metrics.solar_losses WHERE plant_id = 1 AND day = %s", [day]
    )
    return dict(rows.fetchall())


def add_day(owner: Connection, number: int, values: Values, *without: str) -> dt.date:
    """Add a day of 24 hours of these values; return it."""
    day = FIRST + dt.timedelta(days=number)
    add_readings(owner, 1, day, day + dt.timedelta(days=1), values, without=without)
    return day


@pytest.fixture
def plant(owner: Connection) -> int:
    """A plant with clean panels for twenty days."""
    add_plant(owner, 1)
    end = FIRST + dt.timedelta(days=20)
    add_readings(owner, 1, FIRST, end, CLEAN)
    return 20


@pytest.mark.parametrize(
    ("values", "cause", "lost_kwh"),
    [
        ((20.0, 14.0, 400.0, 280.0), "sky", 24 * 6),
        ((20.0, 0.0, 400.0, 400.0), "outage", 24 * 20),
        ((20.0, 10.0, 400.0, 400.0), "plant", 24 * 10),
        ((20.0, 18.0, 400.0, 0.0), "sensor", 24 * 2),  # and not the sky
    ],
)
def test_what_was_lost_has_a_cause(
    owner: Connection, plant: int, values: Values, cause: str, lost_kwh: float
) -> None:
    assert losses(owner, add_day(owner, plant, values)) == {cause: pytest.approx(lost_kwh)}


def test_weather_stands_for_a_sensor(warehouse: Warehouse, owner: Connection, plant: int) -> None:
    """Two of three kilowatt-hours that were blamed on a sensor were clouds."""
    day = add_day(owner, plant, (20.0, 9.0, 400.0, 0.0))
    owner.execute("UPDATE solar.plants SET latitude = 37, longitude = -3")
    put_places(warehouse)
    owner.execute(
        "INSERT INTO weather.hourly"
        " (place_id, hour_at, shortwave_radiation_w_per_m2, weather_source, fetched_at)"
        " SELECT place_id, hour_at, 200, 'archive', now() FROM weather.places,"
        " generate_series(%s::date AT TIME ZONE 'UTC', %s::date AT TIME ZONE 'UTC', '1 hour')"
        " AS hour_at",
        [day, day + dt.timedelta(days=1)],
    )
    assert losses(owner, day) == {"sky": pytest.approx(24 * 10), "other": pytest.approx(24 * 1)}


def test_soiling_is_what_clean_panels_do_not_have(owner: Connection, plant: int) -> None:
    for number in range(plant, plant + 6):  # one part in ten, whatever the weather
        sun = 0.8 if number % 2 else 1.0
        day = add_day(owner, number, (20.0, 20.0 * sun * 0.9, 400.0, 400.0 * sun))
    found = losses(owner, day)
    assert found["soiling"] == pytest.approx(24 * 20 * 0.8 * 0.1)
    assert found["sky"] == pytest.approx(24 * 20 * 0.2)
    assert found.keys() == {"soiling", "sky"}
    for number in range(plant + 6, plant + 11):
        day = add_day(owner, number, CLEAN)
    assert losses(owner, day) == {}


def test_hours_that_were_not_delivered_are_estimated(owner: Connection, plant: int) -> None:
    """A gap at noon costs more than one at night."""
    owner.execute(
        "UPDATE solar.readings SET expected_energy_kwh = 60, observed_energy_kwh = 60"
        " WHERE extract(hour FROM read_at AT TIME ZONE 'UTC') = 12"
    )
    for number, hours, lost in ((plant, (11, 12), 20 + 60), (plant + 1, (0, 1, 2), 3 * 20)):
        missing = [f"{FIRST + dt.timedelta(days=number)}T{hour:02}:00Z" for hour in hours]
        found = losses(owner, add_day(owner, number, CLEAN, *missing))
        assert found == {"not delivered": pytest.approx(lost)}
