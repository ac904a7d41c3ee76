"""Energy that was lost, by cause: what four wrong days of 4.0 have to say."""

import datetime as dt
from math import fsum

import pytest
from psycopg import Connection

from pipelines.sources.solar import losses
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.solar_rows import Values, add_plant, add_readings, count_days
from pipelines_tests.sources.solar.loading import note_request

FIRST = dt.date(2020, 6, 1)
CLEAN: Values = (20.0, 20.0, 400.0, 400.0)
DAILY = (
    "SELECT performance_ratio, weather_adjusted_ratio, availability, data_completeness,"
    " operational_availability, not_delivered_kwh FROM metrics.solar_daily WHERE day = %s"
)


def lost(owner: Connection, day: dt.date) -> dict[str, float]:
    rows = owner.execute(
        "SELECT cause, loss_kwh FROM metrics.solar_losses WHERE plant_id = 1 AND day = %s", [day]
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
    add_plant(owner, 1, coordinates=(37.0, -3.0))
    add_readings(owner, 1, FIRST, FIRST + dt.timedelta(days=20), CLEAN)
    return 20


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ((100.0, 0.0, 400.0, 240.0), {"sky": 40, "outage": 60}),
        ((100.0, 0.0, 400.0, 480.0), {"outage": 100}),
        ((100.0, 50.0, 400.0, 480.0), {"plant": 50}),
        ((100.0, 100.0, 400.0, 280.0), {}),
        ((100.0, 110.0, 400.0, 360.0), {"gain": -10}),
        ((100.0, 0.5, 400.0, 240.0), {"sky": 40, "outage": 59.5}),
        ((100.0, 90.0, 400.0, 0.0), {"sensor": 10}),
    ],
)
def test_an_hour_has_the_causes_of_its_definition(
    owner: Connection, values: Values, parts: dict[str, float]
) -> None:
    add_plant(owner, 1)
    assert lost(owner, add_day(owner, 0, values)) == pytest.approx(
        {cause: 24 * kwh for cause, kwh in parts.items()}
    )


def test_a_dead_plant_under_clouds_is_out_of_order_and_not_dirty(
    owner: Connection, plant: int
) -> None:
    """Its fourth day was half sky and half soiling, with an availability of 1."""
    for number in range(plant, plant + 7):
        day = add_day(owner, number, (20.0, 0.0, 400.0, 240.0))
        assert lost(owner, day) == pytest.approx({"sky": 24 * 8, "outage": 24 * 12})
        assert owner.execute(DAILY, [day]).fetchone() == (0, 0, 1, 1, 0, 0)
    assert owner.execute("SELECT * FROM metrics.solar_soiling").fetchall() == []


def test_full_energy_under_clouds_and_hours_not_delivered_lost_nothing(
    owner: Connection, plant: int
) -> None:
    """Lost 462 kWh, it said beside a ratio of 100 %, and thousands of hours that never came."""
    day = add_day(owner, plant, (20.0, 20.0, 400.0, 280.0))
    assert lost(owner, day) == {}
    assert owner.execute(DAILY, [day]).fetchone() == (1, pytest.approx(1.4286), 1, 1, 1, 0)
    owner.execute(
        "UPDATE solar.readings SET observed_energy_kwh = 60"
        " WHERE extract(hour FROM read_at AT TIME ZONE 'UTC') = 12"
    )
    count_days(owner, 1, FIRST, day)
    missing = [f"{day + dt.timedelta(days=1)}T{hour}:00Z" for hour in (11, 12)]
    day = add_day(owner, plant + 1, CLEAN, *missing)
    assert lost(owner, day) == {}
    assert owner.execute(DAILY, [day]).fetchone() == (1, 1, 0.9167, 0.9167, 1, 80)
    # Long after, nothing is known any more; a year without readings costs nothing.
    day = add_day(
        owner, plant + 17, CLEAN, *(f"{FIRST + dt.timedelta(37)}T{n:02}:00Z" for n in range(24))
    )
    assert owner.execute(DAILY, [day]).fetchone() == (None, None, 0, 0, None, None)


def test_parts_add_up_to_expected_less_observed_energy(owner: Connection) -> None:
    add_plant(owner, 1)
    days = []
    for number in range(9):
        values = (20.0, 20.0 * (number / 6), 400.0, 400.0 * ((number * 5) % 9) / 7)
        days.append(add_day(owner, number, values))
    for day in days:
        row = owner.execute(
            "SELECT sum(expected_energy_kwh - observed_energy_kwh) FROM solar.readings"
            " WHERE read_at >= %s::date AND read_at < %s::date + 1",
            [day, day],
        ).fetchone()
        assert row is not None
        assert fsum(lost(owner, day).values()) == pytest.approx(row[0], abs=1e-9)


def test_a_dead_sensor_is_replaced_by_the_weather_when_it_comes(
    warehouse: Warehouse, owner: Connection, plant: int
) -> None:
    """Two of three kilowatt-hours that were blamed on a sensor were clouds."""
    day = add_day(owner, plant, (20.0, 9.0, 400.0, 0.0))
    assert lost(owner, day) == {"sensor": 24 * 11}
    put_places(warehouse)
    assert losses.refresh(warehouse) == 0
    owner.execute(
        "INSERT INTO weather.hourly"
        " (place_id, hour_at, shortwave_radiation_w_per_m2, weather_source, fetched_at)"
        " SELECT place_id, hour_at, CASE WHEN hour_at > %(day)s THEN 160 ELSE 320 END, 'archive',"
        " now() FROM weather.places, generate_series(%(first)s::date AT TIME ZONE 'UTC',"
        " (%(day)s + 1)::date AT TIME ZONE 'UTC', '1 hour') AS hour_at",
        {"first": FIRST, "day": day},
    )
    assert losses.refresh(warehouse) == 0, "no request has brought it"
    note_request(owner, 1)
    assert losses.refresh(warehouse) == 21
    assert lost(owner, day) == pytest.approx({"sky": 24 * 10, "other": 24 * 1})


def test_money_is_energy_by_the_plants_tariff(owner: Connection) -> None:
    add_plant(owner, 1)
    day = add_day(owner, 0, (20.0, 15.0, 400.0, 400.0))
    amounts = (
        "SELECT observed_amount, loss_amount, losses.tariff_currency FROM metrics.solar_daily"
        " INNER JOIN metrics.solar_losses AS losses USING (plant_id, day) WHERE day = %s"
    )
    assert owner.execute(amounts, [day]).fetchone() == (None, None, None)
    owner.execute("UPDATE solar.plants SET tariff_per_kwh = 0.085, tariff_currency = 'EUR'")
    observed, loss, currency = owner.execute(amounts, [day]).fetchone() or (0, 0, "")
    assert (float(observed), float(loss), currency) == (30.6, 10.2, "EUR")


def test_what_the_sun_allowed_is_unknown_of_a_dead_logger_wherever_it_is_shown(
    owner: Connection,
) -> None:
    """It was zero: nothing is known of the sun, and nothing was expected of the next day."""
    add_plant(owner, 1)
    day, next_day = add_day(owner, 0, (20.0, 0.0, 400.0, 0.0)), add_day(owner, 1, (0.0,) * 4)
    shown = {
        "metrics.solar_daily": "day",
        "metrics.solar_report(1, '2020-06-01', '2020-06-03', 'day')": "period_start",
        "metrics.solar_periods('{1}', '2020-06-01', '2020-06-03')": "period_start",
    }
    for table, column in shown.items():
        query = f"SELECT allowed_energy_kwh FROM {table} WHERE {column} = %s"
        for of_day, expected in ((day, None), (next_day, 0)):
            rows = owner.execute(query.encode(), [of_day]).fetchall()
            assert {*rows} == {(expected,)}, (table, of_day)
