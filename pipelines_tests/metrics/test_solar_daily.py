"""The views of what plants expected and observed."""

import datetime as dt

import pytest
from psycopg import Connection

from pipelines_tests.solar_rows import UNLIKE_READINGS, add_plant, add_readings

RATIOS = (
    "SELECT performance_ratio, irradiation_ratio, energy_per_irradiation_kwh_per_kwh_per_m2,"
    " availability FROM metrics.solar_daily"
)


def test_a_day_has_its_sums_ratios_and_coverage(owner: Connection) -> None:
    add_plant(owner, 1, name="Sierra Alta")
    add_readings(
        owner, 1, "2020-06-01", "2020-06-02", without=[f"2020-06-01T{n:02}:00Z" for n in range(6)]
    )
    (row,) = owner.execute("SELECT * FROM metrics.solar_daily").fetchall()
    assert row == (
        1, "Sierra Alta", dt.date(2020, 6, 1),
        pytest.approx(18 * 20.0), pytest.approx(18 * 15.0),
        pytest.approx(18 * 400.0), pytest.approx(18 * 300.0),
        18, 24, 6, 0.75,
        pytest.approx(0.75), pytest.approx(0.75), pytest.approx(15 / 0.3),
        pytest.approx(18 * 15.0), 1.0, 1.0, None, None, 0.75, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("nothing", [0.0, 5e-324, 1e-300])
def test_nothing_gives_no_ratio_and_no_error(owner: Connection, nothing: float) -> None:
    """One row without a computable ratio would have failed every query of the view."""
    add_plant(owner, 1)
    add_readings(owner, 1, "2020-06-01", "2020-06-02", (nothing, 1e7, nothing, nothing))
    add_readings(owner, 1, "2020-06-02", "2020-06-03", (1e7, nothing, 2000.0, nothing))
    first, second = owner.execute(f"{RATIOS} ORDER BY day".encode()).fetchall()
    assert first == (None, None, None, 1.0)
    assert second == (0.0, 0.0, None, 1.0)
    hourly = "SELECT DISTINCT performance_ratio FROM metrics.solar_hourly ORDER BY 1"
    assert owner.execute(hourly).fetchall() == [(0.0,), (None,)]


def test_days_are_the_sums_of_their_readings_in_every_zone(owner: Connection) -> None:
    add_plant(owner, 1, "Europe/Madrid")
    add_plant(owner, 2, "Asia/Kolkata", name="Other")
    add_plant(owner, 3, "America/Havana")  # it has two midnights on 1 November
    add_readings(owner, 1, "2019-12-01", "2020-02-01", vary=1.0)
    add_readings(owner, 2, "2019-12-01", "2020-02-01", vary=1.0)
    add_readings(owner, 3, "2026-10-25", "2026-11-08", vary=1.0)
    hours = "SELECT hours_present FROM solar.days WHERE day = '2026-11-01'"
    assert owner.execute(hours).fetchall() == [(25,)]
    assert owner.execute(UNLIKE_READINGS).fetchall() == []
    owner.execute(
        "UPDATE solar.days SET observed_energy_kwh = observed_energy_kwh + 0.5"
        " WHERE plant_id = 2 AND day = '2020-01-17'"
    )
    owner.execute("DELETE FROM solar.readings WHERE plant_id = 1 AND read_at = '2019-12-31T22:00Z'")
    found = owner.execute(UNLIKE_READINGS).fetchall()
    assert [(plant, str(day)) for plant, day in found] == [(1, "2019-12-31"), (2, "2020-01-17")]


def test_values_have_the_digits_that_they_mean(owner: Connection) -> None:
    add_plant(owner, 1)
    add_readings(owner, 1, "2020-06-01", "2020-06-02", (0.30000000000000004, 0.2, 3.0, 1.0))
    for view in ("solar_daily", "solar_report(1, '2020-06-01', '2020-06-02', 'day')"):
        query = f"SELECT expected_energy_kwh::float8, performance_ratio::float8 FROM metrics.{view}"
        assert owner.execute(query.encode()).fetchone() == (7.2, 0.6667)
