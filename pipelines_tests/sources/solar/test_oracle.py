"""The numbers of solar plants against a second computation, over histories of all that happens."""

import datetime as dt
from dataclasses import replace

import psycopg
import pytest

from pipelines.sources.solar import losses
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.sources.solar import loading
from pipelines_tests.sources.solar.histories import (
    SENSOR,
    TOKYO,
    all_suns,
    history,
    stored_hours,
)
from pipelines_tests.sources.solar.numbers import differences
from pipelines_tests.sources.solar.oracle import local_day, records
from pipelines_tests.sources.solar.oracle_of_card import card

KEPT = "SELECT * FROM metrics.solar_day_losses ORDER BY plant_id, day"


@pytest.mark.parametrize("seed", range(4))
def test_every_number_is_that_of_the_oracle(
    warehouse: Warehouse, owner: psycopg.Connection, seed: int
) -> None:
    """With the weather that came before the readings, and after the late one."""
    made = history(seed)
    hours = stored_hours(made)
    loading.add_plants(warehouse, owner, made.plants)
    loading.add_weather(owner, made.suns)
    loading.send_all(warehouse, made.plants, made.hours, made.first, made.last)
    assert differences(owner, records(made.plants, hours, made.suns)) == []
    loading.add_weather(owner, made.late_suns)
    assert losses.refresh(warehouse) > 0
    assert differences(owner, records(made.plants, hours, all_suns(made))) == []
    assert losses.refresh(warehouse) == 0


CARD = (
    "SELECT day, plants, whole_plants, observed_energy_kwh, expected_energy_kwh, compared_plants,"
    " compared_energy_kwh, day_before_energy_kwh FROM metrics.solar_fleet_days"
    " ORDER BY day DESC LIMIT 1"
)


@pytest.mark.parametrize("hour", [1, 8, 16, 23])
def test_the_card_has_the_last_day_that_is_over_at_all_plants(
    warehouse: Warehouse, owner: psycopg.Connection, hour: int
) -> None:
    """It had 13 kWh of the days of UTC at 16:13, beside whole days."""
    made = history(0)
    loading.add_plants(warehouse, owner, made.plants)
    loading.send_all(warehouse, made.plants, made.hours, made.first, made.last)
    everyone = records(made.plants, stored_hours(made), [])
    counts = set()
    for number in range(14, 43):
        now = dt.datetime.combine(made.first, dt.time(hour), dt.UTC) + number * dt.timedelta(1)
        sql = read_sql("pipelines.sources.solar", "views/metrics.solar_fleet_days")
        owner.execute(sql.replace("now()", f"'{now.isoformat()}'::timestamptz").encode())
        wanted = card(everyone, now)
        assert owner.execute(CARD).fetchone() == tuple(
            pytest.approx(value, abs=0.001) if isinstance(value, float) else value
            for value in wanted
        )
        counts.add((wanted.plants_with_day, wanted.plants_compared))
    assert len(counts) > 2


def test_kept_days_follow_late_readings_weather_and_places(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """They equal what is computed from all that is stored, whatever came last."""
    made = history(5)
    hours, suns = stored_hours(made), all_suns(made)
    late = {made.first + dt.timedelta(days=number) for number in (3, 4, 17)}

    def is_late(at: dt.datetime, plant_id: int) -> bool:
        return plant_id == SENSOR and local_day(plants[SENSOR], at) in late

    plants = {plant.plant_id: plant for plant in made.plants}
    loading.add_plants(warehouse, owner, made.plants)
    loading.add_weather(owner, suns)
    sent = [hour for hour in made.hours if not is_late(hour.starts_at, hour.plant_id)]
    loading.send_all(warehouse, made.plants, sent, made.first, made.last)
    some = [hour for hour in hours if not is_late(hour.starts_at, hour.plant_id)]
    assert differences(owner, records(made.plants, some, suns)) == []
    for day in sorted(late):
        its = [hour for hour in made.hours if hour.plant_id == SENSOR]
        loading.send(warehouse, plants[SENSOR], its, day, day + dt.timedelta(days=1))
    assert differences(owner, records(made.plants, hours, suns)) == []

    # The plant is elsewhere, of which no weather is known yet; then it is.
    moved = replace(plants[TOKYO], latitude=34.0, longitude=135.0)
    owner.execute("UPDATE solar.plants SET latitude = 34, longitude = 135 WHERE plant_id = 5")
    losses.refresh(warehouse)
    elsewhere = [sun for sun in suns if sun.plant_id != TOKYO]
    everyone = [moved if plant.plant_id == TOKYO else plant for plant in made.plants]
    assert differences(owner, records(everyone, hours, elsewhere)) == []
    brighter = [
        replace(sun, irradiation=round(1.2 * sun.irradiation, 4))
        for sun in suns
        if sun.plant_id == TOKYO
    ]
    put_places(warehouse)
    loading.add_weather(owner, brighter)
    losses.refresh(warehouse)
    assert differences(owner, records(everyone, hours, [*elsewhere, *brighter])) == []

    # The weather's place was wrong: its hours are gone until they are requested again.
    owner.execute(
        "SELECT weather.correct_place(place_key, 34.1, 135.1) FROM solar.plants WHERE plant_id = 5"
    )
    losses.refresh(warehouse)
    assert differences(owner, records(everyone, hours, elsewhere)) == []

    kept = owner.execute(KEPT).fetchall()
    owner.execute("DELETE FROM metrics.solar_day_losses")
    owner.execute("DELETE FROM solar.weather_versions")
    losses.refresh(warehouse)
    assert owner.execute(KEPT).fetchall() == kept


def test_places_that_were_swapped_are_followed_though_their_weather_came_at_once(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """Hours of many places come with one request: their number and time are those of each other."""
    made = history(2)
    hours, suns = stored_hours(made), all_suns(made)
    loading.add_plants(warehouse, owner, made.plants)
    loading.add_weather(owner, suns)
    owner.execute("UPDATE weather.hourly SET fetched_at = '2026-11-25'")
    loading.send_all(warehouse, made.plants, made.hours, made.first, made.last)
    losses.refresh(warehouse)
    plants = {plant.plant_id: plant for plant in made.plants}
    one, other = plants[SENSOR], plants[TOKYO]
    places = {
        one.plant_id: replace(one, latitude=other.latitude, longitude=other.longitude),
        other.plant_id: replace(other, latitude=one.latitude, longitude=one.longitude),
    }
    for plant in places.values():
        owner.execute(
            "UPDATE solar.plants SET latitude = %s, longitude = %s WHERE plant_id = %s",
            [plant.latitude, plant.longitude, plant.plant_id],
        )
    assert losses.refresh(warehouse) > 0
    swapped = {one.plant_id: other.plant_id, other.plant_id: one.plant_id}
    moved = [replace(sun, plant_id=swapped.get(sun.plant_id, sun.plant_id)) for sun in suns]
    everyone = [places.get(plant.plant_id, plant) for plant in made.plants]
    assert differences(owner, records(everyone, hours, moved)) == []


def test_after_a_changed_day_only_what_follows_from_it_is_computed(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    made = history(3)
    loading.add_plants(warehouse, owner, made.plants)
    loading.add_weather(owner, all_suns(made))
    loading.send_all(warehouse, made.plants, made.hours, made.first, made.last)
    losses.refresh(warehouse)
    rows = "SELECT plant_id, day, xmin::text FROM metrics.solar_day_losses"
    before = {row[:2]: row[2] for row in owner.execute(rows).fetchall()}
    day = made.first + dt.timedelta(days=16)
    its = [hour for hour in made.hours if hour.plant_id == TOKYO]
    changed = [
        replace(hour, observed_kwh=hour.observed_kwh + 0.5)
        if local_day(made.plants[TOKYO - 1], hour.starts_at) == day and hour.observed_kwh
        else hour
        for hour in its
    ]
    loading.send(warehouse, made.plants[TOKYO - 1], changed, day, day + dt.timedelta(days=1))
    after = {row[:2]: row[2] for row in owner.execute(rows).fetchall()}
    followers = owner.execute(
        "SELECT plant_id, day FROM metrics.solar_day_losses INNER JOIN solar.days"
        " USING (plant_id, day) WHERE plant_id = %(plant)s AND (day = %(day)s"
        " OR day > %(day)s AND day < %(day)s + 30 AND scaled_hours > 0"
        " OR day > %(day)s AND day < %(day)s + 15 AND hours_present < hours_expected)",
        {"plant": TOKYO, "day": day},
    ).fetchall()
    assert {key for key in after if after[key] != before[key]} == {*followers}
    assert 5 < len(followers) < 12
    # The same answer again changes nothing.
    loading.send(warehouse, made.plants[TOKYO - 1], changed, day, day + dt.timedelta(days=1))
    assert {row[:2]: row[2] for row in owner.execute(rows).fetchall()} == after
