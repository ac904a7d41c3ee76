"""The page of the weather: places now, and which sources need them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import streamlit as st

from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.dashboard.test_pages import reading, shown
from pipelines_tests.solar_rows import add_plant
from pipelines_tests.sources.shipments.made_up import deliver, line

PAGE = "pipelines.sources.weather.dashboard"


@pytest.fixture(autouse=True)
def on_a_database(server: Connections, database: str) -> Iterator[None]:
    with reading(server.url(ANALYST, database)):
        yield


def test_places_have_their_weather_and_users(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    ends = {
        "sender_address": "Street 1, 10115 Berlin, Germany",
        "receiver_address": "Street 2, 111 51 Stockholm, Sweden",
    }
    deliver(warehouse, tmp_path, [line(1, status="in-transit", **ends)], name="parcels.csv")
    add_plant(owner, 1, "Europe/Berlin", (52.5, 13.4))
    add_plant(owner, 2, "Europe/Paris", (48.8, 2.3), name="Roof of the Ritz")
    owner.execute(
        "INSERT INTO bookings.hotels (hotel_id, name, city, latitude, longitude)"
        " VALUES (1, 'Ritz', 'Paris', 48.8, 2.3), (2, 'Sacher', 'Paris', 48.8, 2.3)"
    )
    put_places(warehouse)
    owner.execute(
        "INSERT INTO weather.observations (place_id, provider, observed_at, fetched_at,"
        " temperature_celsius, conditions, delay_risk) SELECT place_id, 'open-meteo', now(), now(),"
        " -2, 'snow', 'snow' FROM weather.places WHERE city = 'Stockholm'"
    )
    owner.execute(
        "INSERT INTO weather.hourly (place_id, hour_at, conditions, weather_source, fetched_at)"
        " SELECT place_id, date_trunc('hour', now(), 'UTC'), 'fog', 'forecast', now()"
        " FROM weather.places WHERE latitude = 52.5"
    )
    page = shown(PAGE)
    assert not page.exception
    rows = page.dataframe[0].value
    assert dict(zip(rows["place"], rows["used_by"].map(list), strict=True)) == {
        "Berlin": ["shipments"],
        "Paris": ["bookings", "solar"],
        "Stockholm": ["shipments"],
        "Plant 1": ["solar"],
    }
    weather = dict(zip(rows["place"], rows["conditions"], strict=True))
    assert (weather["Stockholm"], weather["Plant 1"]) == ("snow", "fog")
    assert rows["place"].tolist()[:3] == ["Berlin", "Paris", "Stockholm"]  # unknown, then at risk
    assert [one.value for one in page.metric] == ["4", "1", "—"]
    assert "2 without weather" in [one.value for one in page.caption]


def request(owner: psycopg.Connection, *rows: str) -> None:
    """Have a source request the current weather of places: key, country, city, coordinates."""
    owner.execute(
        "CREATE OR REPLACE VIEW solar.weather_requests AS SELECT sent.place_key,"
        " sent.country_code, NULL::text AS postcode, sent.city, sent.latitude, sent.longitude,"
        " NULL::timestamptz AS hour_at, NULL::date AS day FROM (VALUES"
        " (NULL::text, NULL::text, NULL::text, NULL::double precision, NULL::double precision),"
        f" {', '.join(rows)}) AS sent (place_key, country_code, city, latitude, longitude)"
        " WHERE city IS NOT NULL".encode()
    )


def test_an_address_that_cannot_be_looked_up_is_without_weather_on_every_page(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """Incident: a parcel from Nowhereland had no weather, and no page counted its place."""
    request(
        owner,
        "(NULL, NULL, '4711 Somewhere, Nowhereland', NULL, NULL)",
        "('1.0000,2.0000', NULL, 'Known', 1, 2)",
    )
    put_places(warehouse)
    owner.execute(
        "INSERT INTO weather.observations (place_id, provider, observed_at, fetched_at, delay_risk)"
        " SELECT place_id, 'open-meteo', now(), now(), 'none' FROM weather.places"
    )
    page = shown(PAGE)
    assert [one.value for one in page.metric][:2] == ["2", "0"]
    assert "1 without weather" in [one.value for one in page.caption]
    rows = page.dataframe[0].value
    assert rows["place"].tolist() == ["4711 Somewhere, Nowhereland", "Known"]
    assert rows["problem"][0] == "it cannot be looked up: its country is unknown"
    check = read_sql("pipelines.sources.weather", "checks/located_places").encode()
    assert [row[0] for row in owner.execute(check)] == ["4711 Somewhere, Nowhereland"]


def test_a_storm_of_long_ago_is_no_risk_of_now(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """Incident: a storm of 20 days ago was "places at risk 1"."""
    request(owner, "('1.0000,2.0000', NULL, 'Old', 1, 2)", "('3.0000,4.0000', NULL, 'New', 3, 4)")
    put_places(warehouse)
    owner.execute(
        "INSERT INTO weather.observations (place_id, provider, observed_at, fetched_at, delay_risk)"
        " SELECT place_id, 'open-meteo', now() - age, now(), 'storm' FROM weather.places"
        " CROSS JOIN LATERAL (SELECT CASE city WHEN 'Old' THEN interval '6 hours 1 minute'"
        " ELSE interval '5 hours 59 minutes' END AS age) AS ages"
    )
    page = shown(PAGE)
    assert [one.value for one in page.metric][:2] == ["2", "1"]
    assert "1 without weather" in [one.value for one in page.caption]
    rows = page.dataframe[0].value
    assert rows["place"].tolist() == ["Old", "New"]
    assert rows["delay_risk"].fillna("").tolist() == ["", "storm"]


def test_the_page_says_how_much_of_the_quota_is_used(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    request(owner, "('1.0000,2.0000', NULL, 'Known', 1, 2)")
    put_places(warehouse)
    owner.execute(
        "INSERT INTO weather.quotas VALUES ('open-meteo', '', 10000, now()),"
        " ('open-meteo-geocoding', '', 10000, now()),"
        " ('weatherapi', 'old', 7, now() - interval '2 days');"
        "INSERT INTO weather.api_requests (request_id, provider, kind, requested_at, outcome, cost)"
        " SELECT gen_random_uuid(), 'open-meteo', 'archive', date_trunc('day', now(), 'UTC') + day,"
        " 'success', cost FROM (VALUES (interval '0', 3411.5), (interval '-1 s', 99))"
        " AS spent (day, cost)"
    )
    page = shown(PAGE)
    assert page.metric[2].value == "3,412"
    now = dt.datetime.now(dt.UTC)
    history = "" if now.hour >= 22 else "; history stops at 8,000 until 22:00 UTC"
    (words,) = [one.value for one in page.caption if "requests used" in one.value]
    assert words.replace("\\", "").splitlines() == [
        f"open-meteo: 3,412 of 10,000 requests used today (UTC){history}  ",
        "open-meteo-geocoding: 0 of 10,000 requests used today (UTC)",
    ]


def test_a_quota_that_is_blocked_for_days_stays_on_the_page(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """Incident: nothing runs while a month's quota is used up, and after a day it was not shown."""
    request(owner, "('1.0000,2.0000', NULL, 'Known', 1, 2)")
    put_places(warehouse)
    owner.execute(
        "INSERT INTO weather.quotas VALUES ('weatherapi', '5e1f', 3200, now() - interval '9 days'),"
        " ('weatherapi', 'old', 7, now() - interval '11 days');"
        "INSERT INTO weather.quota_blocks"
        " VALUES ('weatherapi', '5e1f', '2100-01-01T00:00Z', 1, 'Calls of the month')"
    )
    page = shown(PAGE)
    (words,) = [one.value for one in page.caption if "requests used" in one.value]
    assert words.replace("\\", "") == (
        "weatherapi: 0 of 3,200 requests used today (UTC); paused until 2100-01-01 00:00 UTC"
    )


def test_a_parcel_to_nowhere_counts_on_both_pages_until_it_ends(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    ends = {
        "sender_address": "Street 1, 10115 Berlin, Germany",
        "receiver_address": "4711 Somewhere, Nowhereland",
    }
    parcels = (
        "SELECT count(*) FROM enriched.shipments WHERE is_on_its_way AND receiver_risk IS NULL"
    )
    check = read_sql("pipelines.sources.weather", "checks/located_places").encode()

    def counted(status: str) -> list[object]:
        deliver(warehouse, tmp_path, [line(1, status=status, **ends)], name=f"{status}.csv")
        put_places(warehouse)
        owner.execute(
            "INSERT INTO weather.observations (place_id, provider, observed_at, fetched_at,"
            " delay_risk) SELECT place_id, 'open-meteo', now(), now(), 'none' FROM weather.places"
            " ON CONFLICT DO NOTHING"
        )
        st.cache_data.clear()
        page = shown(PAGE)
        (without,) = [one.value for one in page.caption if "without weather" in one.value]
        lost = [row[2] for row in owner.execute(check) if row[2]]
        return [without, owner.execute(parcels).fetchone(), lost]

    unknown = "it cannot be looked up: its country is unknown"
    assert counted("in-transit") == ["1 without weather", (1,), [unknown]]
    assert counted("delivery") == ["0 without weather", (0,), []], "it requests past hours alone"
