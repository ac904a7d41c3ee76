"""Databases that differ in size alone: each growing table has so many rows, or a share of them."""

import datetime as dt
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from pipelines.ingest import watermarks
from pipelines.orchestration.operations.look import data_problems
from pipelines.orchestration.resources import utc_now
from pipelines.sources.bookings import counts
from pipelines.sources.solar import plant_health
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse import last_look
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.last_look import Look
from pipelines_tests.cookbook import known_data
from pipelines_tests.solar_rows import add_plant, add_readings
from pipelines_tests.sources.flights import made_up as flights
from pipelines_tests.sources.shipments.made_up import deliver, line

CARRIERS = ("DHL", "UPS", "DPD", "FedEx", "GLS")
STATUSES = ("in-transit", "scanned", "exception", "inbound-scan")
ON_THEIR_WAY = 200
COUNTRIES = ("Germany", "France", "Spain", "Italy")
#: The first id of hotels, of their events and of plants.
FIRST = 1_000_001
NIGHTS = 200
#: Days of readings of each plant.
DAYS = 40


def fill(warehouse: Warehouse, owner: psycopg.Connection, rows: int, folder: Path) -> None:
    """Fill an empty, migrated database with so many rows of each kind, and what is known."""
    now = utc_now()
    known_data.put(warehouse, owner, folder)
    _put_bookings(warehouse, owner, rows)
    _put_flights(warehouse, rows, now)
    _put_shipments(warehouse, rows, folder)
    _put_solar(warehouse, owner, rows, now)
    _put_weather(warehouse, owner)
    _put_ledger(owner, rows // 20)
    with warehouse.engine.connect() as connection:
        found = data_problems(connection)
    last_look.write(warehouse, Look(now, found))
    owner.execute("VACUUM ANALYZE")


def _put_bookings(warehouse: Warehouse, owner: psycopg.Connection, rows: int) -> None:
    """A hotel for every thousand events, and their counts."""
    with warehouse.transaction("bookings") as connection:
        load_number = watermarks.position(connection, "bookings.events") + 1
        watermarks.move(connection, "bookings.events", load_number)
    owner.execute(
        """
        INSERT INTO bookings.events
        SELECT
            %(first)s + n, %(first)s + n / 7 %% %(hotels)s,
            now() - (%(rows)s - n) * interval '200 days' / %(rows)s,
            CASE WHEN n %% 7 = 0 THEN 'cancellation' ELSE 'booking' END,
            md5((n / 2)::text)::uuid, current_date - 140 + n %% %(nights)s, 1,
            %(load)s
        FROM generate_series(1, %(rows)s) AS n
        """,
        {
            "rows": rows,
            "hotels": rows // 1000,
            "nights": NIGHTS,
            "first": FIRST,
            "load": load_number,
        },
    )
    counts.refresh(warehouse, rebuild=True)


def _put_flights(warehouse: Warehouse, rows: int, now: dt.datetime) -> None:
    """Itineraries in the snapshots of two days; a tenth of the prices differ."""
    for day in (1, 0):
        document = flights_document(rows, now, dearer=day * rows // 10)
        flights.keep(warehouse, now - dt.timedelta(days=day), document)
        flights.bring_up_to_date(warehouse)


def flights_document(count: int, now: dt.datetime, *, dearer: int) -> dict[str, Any]:
    """So many itineraries of two legs each, of the next months; some are dearer than otherwise."""
    legs = flights.many_legs(Random(1), count, now.replace(tzinfo=None), 60 * 24 * 90)
    itineraries = [
        flights.itinerary(
            number,
            [number, (number * 7 + 1) % count],
            price=f"£{20 + number % 1900 + (number < dearer)}.50",
            agent=f"Agent {number % 50}",
            agent_rating=round(5 + number % 50 / 10, 1),
        )
        for number in range(count)
    ]
    return flights.flights_document(itineraries, legs)


def _put_shipments(warehouse: Warehouse, rows: int, folder: Path) -> None:
    """Shipments of two articles each, from and to a twentieth as many addresses.

    As many of them are on their way however many there are; the others ended three weeks ago.
    """
    sent: dict[bool, list[dict[str, str]]] = {True: [], False: []}
    for number in range(rows // 2):
        towns = [(number * step) % (rows // 40) for step in (1, 7)]
        sender, receiver = (
            f"Street 1, {10_000 + town} Town {town}, {COUNTRIES[town % len(COUNTRIES)]}"
            for town in towns
        )
        is_on_its_way = number < ON_THEIR_WAY
        sent[is_on_its_way] += [
            line(
                number,
                carrier=CARRIERS[number % len(CARRIERS)],
                status=STATUSES[number % len(STATUSES)] if is_on_its_way else "delivery",
                sender_address=sender,
                receiver_address=receiver,
                sku=sku,
                article_price=str(1 + number % 500),
            )
            for sku in ("SKU1", "SKU2")
        ]
    deliver(warehouse, folder, sent[False], "ended.csv", utc_now() - dt.timedelta(days=21))
    deliver(warehouse, folder, sent[True], "on_their_way.csv")


def _put_solar(
    warehouse: Warehouse, owner: psycopg.Connection, rows: int, now: dt.datetime
) -> None:
    """A plant for every 960 readings, and its days and health."""
    for plant in range(FIRST, FIRST + rows // (24 * DAYS)):
        add_plant(owner, plant, "Europe/Berlin", (40 + plant % 15, plant % 20))
        add_readings(owner, plant, now.date() - dt.timedelta(days=DAYS), now.date(), vary=0.3)
    owner.execute(
        """
        INSERT INTO solar.syncs (plant_id, began_at, ended_at, history_from, response_count)
        SELECT plant_id, now() - interval '1 hour', now(), current_date - 40, 1 FROM solar.plants
        ON CONFLICT (plant_id) DO UPDATE SET began_at = excluded.began_at, ended_at = now()
        """
    )
    plant_health.refresh(warehouse, now=now)


def _put_weather(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    """The weather at all places now and in all hours, so that none is due."""
    put_places(warehouse)
    owner.execute(
        "UPDATE weather.places SET latitude = 50, longitude = 10, geocoding_status = 'found'"
        " WHERE geocoding_status = 'pending'"
    )
    owner.execute(
        """
        INSERT INTO weather.observations
            (place_id, provider, observed_at, fetched_at, temperature_celsius, conditions,
            wmo_code, delay_risk)
        SELECT place_id, 'open-meteo', now(), now(), 9.5, 'rain', 61,
            CASE WHEN place_id % 3 = 0 THEN 'snow' ELSE 'none' END
        FROM weather.places WHERE is_observed
        ON CONFLICT DO NOTHING
        """
    )
    owner.execute(
        """
        INSERT INTO weather.hourly
            (place_id, hour_at, temperature_celsius, conditions, weather_source, fetched_at)
        SELECT DISTINCT place_id, hour_at, 9.5, 'rain', 'archive', now() + interval '90 days'
        FROM weather.wanted_hours
        ON CONFLICT DO NOTHING
        """
    )
    for kind, places in (
        ("observation", "SELECT place_id FROM weather.places WHERE is_observed"),
        ("forecast", "SELECT DISTINCT place_id FROM weather.hourly"),
    ):
        owner.execute(
            f"""
            INSERT INTO weather.fetch_state (place_id, kind, last_success_at)
            SELECT place_id, '{kind}', now() FROM ({places}) AS places
            ON CONFLICT DO NOTHING
            """
        )
        owner.execute(
            f"""
            INSERT INTO weather.api_requests
                (request_id, place_id, provider, kind, requested_at, outcome, cost)
            SELECT gen_random_uuid(), place_id, 'open-meteo', '{kind}', now(), 'success', 1
            FROM ({places}) AS places
            """
        )


def _put_ledger(owner: psycopg.Connection, deliveries: int) -> None:
    owner.execute(
        """
        INSERT INTO ops.inbox_files (
            source, name, byte_count, modified_ns, changed_ns, reading, sha256
        )
        SELECT source, 'file ' || n, 100, 1, 1, 'utf-8', n
        FROM generate_series(1, %s) AS n, unnest(ARRAY['bookings', 'shipments']) AS source
        """,
        [deliveries],
    )
    owner.execute(
        """
        WITH added AS (
            INSERT INTO ops.deliveries (
                feed, name, sha256, byte_count, received_at, loaded_at,
                read_count, loaded_count, unchanged_count, rejected_count
            )
            SELECT
                (ARRAY['bookings', 'shipments'])[1 + n %% 2], 'file ' || n, md5(n::text), 100,
                now() - n * interval '1 hour', now() - n * interval '1 hour', 10, 9, 0, 1
            FROM generate_series(1, %s) AS n
            RETURNING delivery_id
        )
        INSERT INTO ops.quarantine (
            delivery_id, record_number, position, raw, reasons, reason_codes, is_final
        )
        SELECT
            delivery_id, 2, 'line 2', 'x', ARRAY['price is not a number: "x"'],
            ARRAY['price_invalid'], FALSE
        FROM added
        """,
        [deliveries],
    )
