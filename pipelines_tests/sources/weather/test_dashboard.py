"""The page of the weather: places now, and which sources need them."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
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
    assert [one.value for one in page.metric] == ["4", "1"]
    assert "2 without weather" in [one.value for one in page.caption]
