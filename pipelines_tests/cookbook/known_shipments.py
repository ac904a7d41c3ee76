"""A few parcels in two files, and the weather where they come from and go to."""

import datetime as dt
import uuid
from pathlib import Path
from typing import NamedTuple

import psycopg

from pipelines.sources.weather.geocode_places import put_places
from pipelines.sources.weather.observation import words_for
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.shipments.made_up import deliver, line

BERLIN = "Invalidenstraße 43, 10115 Berlin, Germany"
INNSBRUCK = "Maria-Theresien-Straße 18, 6020 Innsbruck, Austria"
LONDON = "Whitehall 70, SW1A 2AA London, UK"
MADRID = "Calle de Alcalá 8, 28013 Madrid, Spain"
MUNICH = "Marienplatz 8, 80331 Munich, Germany"
PARIS = "Rue de Rivoli 10, 75001 Paris, France"
NOWHERE = "Lindenweg 4, 4711 Neudorf, Nowhereland"
LAPTOP = {"article_name": "Laptop", "sku": "LP123", "article_price": "800"}
MOUSE = {"article_name": "Mouse", "sku": "MO456", "article_price": "25", "article_quantity": "2"}
MONITOR = {"article_name": "Monitor", "sku": "MT789", "article_price": "199.90"}
KEYBOARD = {"article_name": "Keyboard", "sku": "KB012", "article_price": "50"}
CHARGER = {"article_name": "Charger", "sku": "CH234", "article_price": "20"}
#: By number; that to Madrid is not there in time.
PROMISED = {1: "2026-11-03", 2: "2026-11-02", 3: "2026-11-01"}


def _parcel(
    number: int, carrier: str, sender: str, receiver: str, status: str, *articles: dict[str, str]
) -> list[dict[str, str]]:
    ends = {"sender_address": sender, "receiver_address": receiver}
    common = {"carrier": carrier, "status": status, "promised_on": PROMISED.get(number, "")} | ends
    return [line(20261000 + number, **common | article) for article in articles]


FRIDAY = [
    *_parcel(1, "DHL", BERLIN, INNSBRUCK, "scanned", LAPTOP, MOUSE),
    *_parcel(2, "UPS", BERLIN, PARIS, "inbound-scan", MONITOR),
    *_parcel(3, "DHL", LONDON, MADRID, "inbound-scan", KEYBOARD | {"article_quantity": "3"}),
    *_parcel(4, "FedEx", MUNICH, PARIS, "scanned", MONITOR | {"article_quantity": "2"}),
    *_parcel(5, "GLS", BERLIN, NOWHERE, "inbound-scan", CHARGER | {"article_quantity": "4"}),
]
MONDAY = [
    *_parcel(1, "DHL", BERLIN, INNSBRUCK, "in-transit", LAPTOP, MOUSE),
    *_parcel(2, "UPS", BERLIN, PARIS, "delivery", MONITOR),
    *_parcel(3, "DHL", LONDON, MADRID, "transit", KEYBOARD | {"article_quantity": "3"}),
    *_parcel(6, "UPS", MADRID, PARIS, "inbound-scan", LAPTOP, MOUSE | {"article_price": "free"}),
]


class Place(NamedTuple):
    """Where a place is, and its weather: °C, km/h, WMO code."""

    latitude: float
    longitude: float
    celsius: float
    wind_kmh: float
    code: int


PLACES = {
    "AT 6020": Place(47.27, 11.39, -1.2, 11.0, 73),
    "DE 10115": Place(52.53, 13.39, 8.4, 18.0, 3),
    "DE 80331": Place(48.14, 11.57, 4.9, 9.0, 45),
    "ES 28013": Place(40.42, -3.71, 15.2, 6.0, 1),
    "FR 75001": Place(48.86, 2.34, 11.7, 24.0, 61),
    "GB SW1A": Place(51.5, -0.13, 10.3, 82.0, 63),
}
#: When Friday's and Monday's files were written; a parcel is delivered in the second one.
SENT_AT = dt.datetime(2026, 10, 30, 18, tzinfo=dt.UTC)
DELIVERED_AT = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
OBSERVED_AT = dt.datetime(2026, 11, 2, 11, 45, tzinfo=dt.UTC)
CALLED_AT = OBSERVED_AT + dt.timedelta(minutes=7)


def put_friday(warehouse: Warehouse, folder: Path) -> None:
    deliver(warehouse, folder, FRIDAY, "shipments-2026-10-30.csv", SENT_AT)


def put_monday(warehouse: Warehouse, folder: Path) -> None:
    deliver(warehouse, folder, MONDAY, "shipments-2026-11-02.csv", DELIVERED_AT)


def put_weather(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    """Store coordinates and weather of all places of parcels, with the logged requests."""
    put_places(warehouse)
    for key, place in PLACES.items():
        owner.execute(
            "UPDATE weather.places SET geocoding_status = 'found', latitude = %s, longitude = %s"
            " WHERE place_key = %s",
            [place.latitude, place.longitude, key],
        )
        _book(owner, uuid.uuid4(), key, "geocoding", "success")
        _observe(owner, key, place)
    for key, hour_at in ("DE 10115", SENT_AT), ("FR 75001", DELIVERED_AT):
        owner.execute(
            "INSERT INTO weather.hourly (place_id, hour_at, temperature_celsius, wind_kmh,"
            " wmo_code, conditions, weather_source, fetched_at)"
            " SELECT place_id, %s, %s, %s, %s, %s, 'forecast', %s"
            " FROM weather.places WHERE place_key = %s",
            [
                *(hour_at, PLACES[key].celsius, PLACES[key].wind_kmh, PLACES[key].code),
                *(words_for(PLACES[key].code), CALLED_AT, key),
            ],
        )
    lost, requested = uuid.uuid4(), uuid.uuid4()
    for key in PLACES:
        _book(owner, lost, key, "observation", "failed")
        _book(owner, requested, key, "observation", "success")


def _observe(owner: psycopg.Connection, key: str, place: Place) -> None:
    owner.execute(
        "INSERT INTO weather.observations (place_id, provider, observed_at, fetched_at,"
        " temperature_celsius, wind_kmh, conditions, wmo_code, delay_risk)"
        " SELECT place_id, 'open-meteo', %s, %s, %s, %s, %s, %s, weather.delay_risk(%s, %s, %s)"
        " FROM weather.places WHERE place_key = %s",
        [
            *(OBSERVED_AT, CALLED_AT, place.celsius, place.wind_kmh, words_for(place.code)),
            *(place.code, place.code, place.wind_kmh, place.celsius, key),
        ],
    )


def _book(owner: psycopg.Connection, request: uuid.UUID, key: str, kind: str, outcome: str) -> None:
    owner.execute(
        "INSERT INTO weather.api_requests"
        " (request_id, place_id, provider, kind, requested_at, outcome, cost)"
        " SELECT %s, place_id, 'open-meteo', %s, %s, %s, 1 FROM weather.places"
        " WHERE place_key = %s",
        [request, kind, CALLED_AT, outcome, key],
    )
