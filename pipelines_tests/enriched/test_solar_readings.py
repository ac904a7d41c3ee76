"""Readings of solar plants beside the weather there, and what may have made them low."""

from typing import Any

import psycopg

from pipelines.sources.weather.geocode_places import put_places
from pipelines_tests.solar_rows import Values, add_plant, add_readings
from pipelines_tests.stored import Stored

HERE = (37.09, -2.36)
SHOWN = (
    "SELECT temperature_celsius, cloud_cover_pct, shortwave_radiation_w_per_m2, weather_source"
    " FROM enriched.solar_readings"
)


def add_weather(
    owner: psycopg.Connection, hour_at: str, radiation: float | None, latitude: float | None = None
) -> None:
    """Add weather to every place, or to those of a latitude.

    Its temperature is the hour (UTC), its cloud cover 40 %.
    """
    owner.execute(
        """
        INSERT INTO weather.hourly (
            place_id, hour_at, temperature_celsius, cloud_cover_pct, shortwave_radiation_w_per_m2,
            weather_source, fetched_at
        )
        SELECT
            place_id, hour_at, extract(hour FROM hour_at AT TIME ZONE 'UTC'), 40, %s, 'archive',
            now()
        FROM weather.places, CAST(%s AS timestamptz) AS hour_at
        WHERE coalesce(latitude = %s, TRUE)
        """,
        [radiation, hour_at, latitude],
    )


def show(owner: psycopg.Connection, read_at: str) -> Any:
    return owner.execute(f"{SHOWN} WHERE read_at = %s".encode(), [read_at]).fetchone()


def test_a_reading_has_initial_weather_and_sunlight_of_its_hour(stored: Stored) -> None:
    """The weather's sunlight is a mean of the hour before its time: it stands an hour later."""
    add_plant(stored.owner, 1, coordinates=HERE, name="Sierra Alta")
    add_readings(stored.owner, 1, "2020-06-01", "2020-06-02")
    put_places(stored.warehouse)
    for hour, radiation in ((10, 1.0), (11, 600.0), (12, 2.0)):
        add_weather(stored.owner, f"2020-06-01T{hour}:00Z", radiation)
    assert show(stored.owner, "2020-06-01T10:00Z") == (10.0, 40.0, 600.0, "archive")
    assert show(stored.owner, "2020-06-01T09:00Z") == (None, None, 1.0, "archive")
    assert show(stored.owner, "2020-06-01T12:00Z") == (12.0, 40.0, None, "none yet: not received")
    query = (
        "SELECT plant_name, performance_ratio, irradiation_ratio, weather_irradiation_ratio"
        " FROM enriched.solar_readings WHERE read_at = '2020-06-01T10:00Z'"
    )
    assert stored.row(query) == ("Sierra Alta", 0.75, 0.75, 0.5)


def test_half_hour_zones_use_the_weather_hour_under_way(stored: Stored) -> None:
    hours = {
        "Asia/Kolkata": 4,  # 04:30 UTC
        "Asia/Kathmandu": 4,  # 04:15 UTC
        "Europe/Madrid": 8,
        "America/St_Johns": 12,  # 12:30 UTC
    }
    for plant_id, zone in enumerate(hours, start=1):
        add_plant(stored.owner, plant_id, zone, HERE)
        add_readings(stored.owner, plant_id, "2020-06-01", "2020-06-02")
    put_places(stored.warehouse)
    for one in range(24):
        add_weather(stored.owner, f"2020-06-01T{one:02}:00Z", float(one))
    query = f"{SHOWN} WHERE local_hour = '2020-06-01 10:00' ORDER BY plant_id"
    shown = [(hour, 40.0, hour + 1, "archive") for hour in hours.values()]
    assert stored.rows(query) == shown


LIGHT = 500.0
#: Values of a reading, the sunlight by the weather, and what made the yield low.
CAUSES: list[tuple[Values, float | None, str | None]] = [
    ((50.0, 45.0, LIGHT, 450.0), 450.0, None),
    ((50.0, 15.0, LIGHT, 150.0), 200.0, "sky"),
    ((50.0, 15.0, LIGHT, 150.0), 400.0, "sensor"),
    ((50.0, 15.0, LIGHT, 150.0), 800.0, "sensor"),
    ((50.0, 15.0, LIGHT, 150.0), 350.0, None),  # between: it is undecidable
    ((50.0, 15.0, LIGHT, 150.0), None, None),  # nor without the weather
    ((50.0, 45.0, LIGHT, 0.0), 450.0, "sensor"),  # energy from no light
    ((50.0, 15.0, LIGHT, 0.0), 200.0, "sensor"),  # nor on a cloudy day
    ((50.0, 15.0, LIGHT, 0.0), None, "sensor"),
    ((50.0, 0.0, LIGHT, 0.0), 200.0, "sky"),
    ((50.0, 20.0, LIGHT, 450.0), 450.0, "plant"),
    ((50.0, 20.0, LIGHT, 450.0), None, "plant"),
    ((50.0, 0.0, LIGHT, 600.0), 100.0, "plant"),
    ((50.0, 20.0, LIGHT, 350.0), 350.0, None),
    ((0.0, 0.0, LIGHT, 450.0), 450.0, None),  # no energy was expected
    ((2.0, 0.0, 49.0, 0.0), 0.0, None),  # too little light to decide
    ((2.0, 0.0, 50.0, 0.0), 0.0, "sky"),
    ((0.0, 0.0, 0.0, 0.0), 0.0, None),
    ((0.0, 50.0, 0.0, LIGHT), 0.0, None),
    ((5e-324, 5e-324, 5e-324, 5e-324), 5e-324, None),
]


def test_low_yield_cause_distinguishes_sky_sensor_and_plant(stored: Stored) -> None:
    for plant_id, (values, radiation, _) in enumerate(CAUSES, start=1):
        add_plant(stored.owner, plant_id, coordinates=(float(plant_id), 1.0))
        add_readings(stored.owner, plant_id, "2020-06-01", "2020-06-02", values)
        put_places(stored.warehouse)
        if radiation is not None:
            add_weather(stored.owner, "2020-06-01T11:00Z", radiation, latitude=plant_id)
    query = (
        "SELECT low_yield_cause FROM enriched.solar_readings"
        " WHERE read_at = '2020-06-01T10:00Z' ORDER BY plant_id"
    )
    assert stored.rows(query) == [(cause,) for *_, cause in CAUSES]
    count = "SELECT count(*) FROM enriched.solar_readings"
    assert stored.row(count) == (24 * len(CAUSES),)


def test_a_plant_without_weather_states_the_reason(stored: Stored) -> None:
    add_plant(stored.owner, 1)
    add_plant(stored.owner, 2, coordinates=HERE)
    add_plant(stored.owner, 3, coordinates=(1.0, 1.0))
    stored.owner.execute("UPDATE solar.plants SET retired_at = now() WHERE plant_id = 3")
    put_places(stored.warehouse)
    for number in (1, 2, 3):
        add_readings(stored.owner, number, "2020-06-01", "2020-06-02")
    query = "SELECT DISTINCT plant_id, weather_source FROM enriched.solar_readings ORDER BY 1"
    assert stored.rows(query) == [
        (1, "none: the plant has no coordinates"),
        (2, "none yet: not received"),
        (3, "none: the plant is retired"),
    ]
