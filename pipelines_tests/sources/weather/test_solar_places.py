"""Where solar plants are, and the weather at the hours of their readings, and no more than that."""

import datetime as dt

from pipelines.sources.weather.geocode_places import put_places
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.solar_rows import add_plant, add_readings
from pipelines_tests.sources.weather.site import CALLS, Site

HERE = (37.09, -2.36)
DAY = dt.timedelta(days=1)
#: A place in each of some zones.
ZONES = {"Europe/Madrid": HERE, "America/New_York": (40.71, -74.01), "Asia/Kolkata": (19.08, 72.88)}
LACKING = """
SELECT count(*) FROM enriched.solar_readings
WHERE temperature_celsius IS NULL OR shortwave_radiation_w_per_m2 IS NULL
"""


def test_active_plants_become_places_without_current_weather(site: Site) -> None:
    add_plant(site.owner, 1, coordinates=HERE)
    add_plant(site.owner, 2, coordinates=(37.09001, -2.36))  # the same place
    add_plant(site.owner, 3)
    add_plant(site.owner, 4, coordinates=(-0.00001, 180.0))
    add_plant(site.owner, 5, coordinates=(50.0, 5.0))
    site.owner.execute("UPDATE solar.plants SET retired_at = now() WHERE plant_id = 5")
    put_places(site.warehouse)
    put_places(site.warehouse)
    query = (
        "SELECT place_key, latitude, longitude, geocoding_status, is_observed FROM weather.places"
        " ORDER BY place_id"
    )
    assert site.rows(query) == [
        ("0.0000,180.0000", -0.00001, 180.0, "given", False),
        ("37.0900,-2.3600", 37.09, -2.36, "given", False),
    ]


def test_requests_that_cannot_be_a_place_are_left_out_and_the_others_are_not(site: Site) -> None:
    """A plug-in gave the postcode of others' parcels coordinates of its own."""
    site.owner.execute(
        """
        CREATE OR REPLACE VIEW solar.weather_requests AS
        SELECT
            sent.key AS place_key, sent.country AS country_code, NULL::text AS postcode,
            sent.city, sent.latitude, sent.longitude,
            NULL::timestamptz AS hour_at, NULL::date AS day
        FROM (
            VALUES
            ('DE 04109', NULL::text, NULL::text, -80.0::double precision, 100.0::double precision),
            ('DE 04109', 'DE', 'Leipzig', -80.0, 100.0),
            ('AT 1010', 'AT', 'Wien', NULL, NULL),
            ('91.5000,13.4000', NULL, NULL, 91.5, 13.4),
            (weather.place_key('NaN', 1), NULL, NULL, 'NaN', 1),
            ('2.0000,', NULL, NULL, 2, NULL),
            ('DE nowhere', 'DE', NULL, NULL, NULL),
            ('DE ', 'DE', '', NULL, NULL),
            ('1.0000,2.0000', NULL, NULL, 1.0, 2.0)
        ) AS sent (key, country, city, latitude, longitude)
        """
    )
    put_places(site.warehouse)
    query = "SELECT place_key, latitude, longitude, geocoding_status FROM weather.places ORDER BY 1"
    assert site.rows(query) == [
        ("1.0000,2.0000", 1.0, 2.0, "given"),
        ("AT 1010", None, None, "pending"),
    ]
    new = read_sql("pipelines.sources.weather", "pick_new_places")
    assert site.rows(new) == [], "the sensor starts no run for them"


def test_every_reading_gets_its_weather_in_every_zone(site: Site) -> None:
    """With days on which clocks change, from the archive and from the forecast."""
    today = site.clock().date()
    for plant_id, (zone, place) in enumerate(ZONES.items(), start=1):
        add_plant(site.owner, plant_id, zone, place)
        add_readings(site.owner, plant_id, today - 60 * DAY, today - 18 * DAY)
        add_readings(site.owner, plant_id, today - 10 * DAY, today)
        add_readings(site.owner, plant_id, "2025-10-20", "2025-11-20")
    put_places(site.warehouse)
    assert site.due() == 6  # three places, once for each source
    done = site.fill()
    assert (done.succeeded, done.failed) == (6, 0)
    assert site.rows(CALLS) == [("archive", "success", 3, 3), ("forecast", "success", 3, 1)]
    assert site.row(LACKING) == (0,)
    assert site.due() == 0
    assert site.lacking() == []
    query = (
        "SELECT read_at, temperature_celsius FROM enriched.solar_readings WHERE plant_id = %s"
        " ORDER BY read_at LIMIT 1"
    )
    for plant_id, place in enumerate(ZONES.values(), start=1):
        read_at, celsius = site.row(query, plant_id)
        assert celsius == weather_at(*place, read_at.replace(minute=0))["temperature_2m"]


def test_each_reading_gets_the_past_weather_and_no_forecast(site: Site) -> None:
    """An answer brings coming hours too. They would have stayed what they were forecast to be."""
    add_plant(site.owner, 1, "Europe/Madrid", HERE)
    add_plant(site.owner, 2, "America/New_York", ZONES["America/New_York"])
    site.clock.pass_by(hours=9)  # when yesterday is over in all of these zones
    for _ in range(5):
        today = site.clock().date()
        for plant_id in (1, 2):
            add_readings(site.owner, plant_id, today - DAY, today)
        put_places(site.warehouse)
        for _ in range(4):
            site.fill()
            site.clock.pass_by(hours=6)
    of_a_place = "SELECT count(*) FROM weather.api_requests GROUP BY place_id"
    assert max(count for (count,) in site.rows(of_a_place)) <= 5
    stale = """
    SELECT count(*) FROM solar.readings CROSS JOIN weather.hourly
    WHERE hour_at IN (
        date_trunc('hour', read_at, 'UTC'), date_trunc('hour', read_at, 'UTC') + interval '1 hour'
    ) AND fetched_at < hour_at
    """
    assert site.row(stale) == (0,)
    assert site.row(LACKING) == (0,)


def test_two_or_three_hours_stand_for_a_day(site: Site) -> None:
    """Ten years of a hundred plants are nine million readings."""
    add_plant(site.owner, 1, coordinates=HERE)
    add_readings(site.owner, 1, "2025-01-01", "2026-01-01")
    put_places(site.warehouse)
    query = "SELECT count(*), min(hour_at), max(hour_at) FROM weather.wanted_hours"
    assert site.row(query) == (
        730,
        dt.datetime(2025, 1, 1, 23, tzinfo=dt.UTC),
        dt.datetime(2026, 1, 1, 0, tzinfo=dt.UTC),
    )


def test_a_moved_plant_has_the_weather_of_its_new_place(site: Site) -> None:
    add_plant(site.owner, 1, coordinates=HERE)
    add_readings(site.owner, 1, "2026-11-10", "2026-11-12")
    put_places(site.warehouse)
    site.fill()
    site.owner.execute("UPDATE solar.plants SET latitude = 52.6, longitude = 12.34")
    assert site.row(LACKING) == (48,)
    put_places(site.warehouse)
    assert site.due() == 1
    site.fill()
    assert site.row(LACKING) == (0,)
    query = "SELECT temperature_celsius FROM enriched.solar_readings ORDER BY read_at LIMIT 1"
    there = weather_at(52.6, 12.34, dt.datetime(2026, 11, 10, tzinfo=dt.UTC))["temperature_2m"]
    assert site.row(query) == (there,)
