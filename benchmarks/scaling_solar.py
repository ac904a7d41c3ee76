"""Solar readings at several sizes: syncs of history, a daily one, plants' health, questions.

The service is made up and fast (`solar_service`); plants have coordinates each. The weather of
every hour is copied into the table, for views to join: how it is loaded is not measured here.
"""

import psycopg
from sqlalchemy import text

from benchmarks.curve import Curve
from benchmarks.scheduled import time_scheduled
from benchmarks.solar import TEN_YEARS, sync
from pipelines.orchestration.resources import utc_now
from pipelines.postgres.roles import ANALYST, LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar import source
from pipelines.sources.solar.plant_health import refresh
from pipelines.sources.solar.windows import Depth
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

#: How many plants there are at each size, and the years of history that a new one has.
PLANTS = {
    "1 million": (12, TEN_YEARS),
    "9 million": (103, TEN_YEARS),
    "17 million": (1_000, Depth(every_run=1, until=1)),
}
QUESTIONS = {
    "solar_report, a year by hour": "metrics.solar_report"
    "(7, '{year}-01-01', '{after}-01-01', 'hour')",
    "solar_report, a year by day": "metrics.solar_report"
    "(7, '{year}-01-01', '{after}-01-01', 'day')",
    "solar_report, ten years by month": "metrics.solar_report"
    "(7, '{before}-01-01', '{after}-01-01', 'month')",
    "solar_readings, a plant's month": "enriched.solar_readings WHERE plant_id = 7"
    " AND read_at >= '{year}-06-01Z' AND read_at < '{year}-07-01Z'",
    "solar_readings, a plant's ten years": "enriched.solar_readings WHERE plant_id = 7",
    "solar_daily, all plants on a day": "metrics.solar_daily WHERE day = '{year}-06-01'",
    "solar_daily, all plants, a month": "metrics.solar_daily"
    " WHERE day >= '{year}-06-01' AND day < '{year}-07-01'",
    "gaps of all plants": "solar.gaps",
}
WEIGHED = {
    "readings": ("solar.readings", "pg_table_size"),
    "their index": ("solar.readings", "pg_indexes_size"),
    "days, with index": ("solar.days", "pg_total_relation_size"),
}


def grow(server: Connections, curve: Curve) -> None:
    """Register plants, sync their history and a day more; measure at each size."""
    for days_ago, (size, (plants, depth)) in zip((4, 2, 0), PLANTS.items(), strict=True):
        with _owner(server) as connection:
            connection.execute(
                "INSERT INTO solar.plants (plant_id, name, latitude, longitude)"
                " SELECT number, 'Plant ' || number, 37 + number / 100.0, -3 - number / 100.0"
                " FROM generate_series((SELECT count(*) FROM solar.plants) + 1, %s) AS number",
                [plants],
            )
        history = sync(server, days_ago=days_ago + 1, depth=depth)
        curve.add(size, "plants", plants)
        rate = history["readings"] / history["seconds"]
        curve.add(size, "sync of history, readings/s", rate)
        curve.add(size, "memory of its process, MB", history["megabytes"])
        warehouse = Warehouse(server.url(LOADER, "bench"))
        with curve.seconds(size, "health of all plants"):
            refresh(warehouse, now=utc_now())
        daily = sync(server, days_ago=days_ago, depth=depth)
        assert daily["response_count"] == plants
        curve.add(size, "a day more of each plant, s", daily["seconds"])
        with curve.seconds(size, "health of all plants after it"):
            refresh(warehouse, now=utc_now())
        put_places(warehouse)
        warehouse.dispose()
        with _owner(server) as connection:
            connection.execute(_WEATHER)
            with curve.seconds(size, "VACUUM ANALYZE"):
                connection.execute("VACUUM ANALYZE")
        measure_queries(server, curve, size)
        _weigh(server, curve, size)


_WEATHER = """
    INSERT INTO weather.hourly (
        place_id, hour_at, temperature_celsius, cloud_cover_pct, shortwave_radiation_w_per_m2,
        weather_source, fetched_at
    )
    SELECT place_id, read_at, 20, 50, 400, 'archive', now()
    FROM solar.readings
    INNER JOIN solar.plants USING (plant_id)
    INNER JOIN weather.places USING (place_key)
    ON CONFLICT DO NOTHING
"""


def measure_queries(server: Connections, curve: Curve, size: str) -> None:
    """What dashboards and the cookbook ask, by the analyst, and what runs ask of all readings."""
    last = utc_now().year - 1
    parameters = {"year": last, "after": last + 1, "before": last - 9}
    with psycopg.connect(server.url(ANALYST, "bench")) as connection:
        for title, question in QUESTIONS.items():
            query = f"SELECT * FROM {question.format(**parameters)}"
            curve.time(size, connection, title, query)
    due = text(read_sql("pipelines.sources.solar", "due_plants"))
    time_scheduled(
        server.url(LOADER, "bench"),
        source,
        curve,
        size,
        {"solar_sync_due, a tick": lambda connection: connection.execute(due, {"now": utc_now()})},
    )


def _weigh(server: Connections, curve: Curve, size: str) -> None:
    with _owner(server) as connection:
        for title, (relation, function) in WEIGHED.items():
            query = f"SELECT {function}('{relation}') / 1e6"
            found = connection.execute(query.encode()).fetchone()
            assert found is not None
            curve.add(size, f"{title}, MB", float(found[0]))


def _owner(server: Connections) -> psycopg.Connection:
    return psycopg.connect(server.url(SUPERUSER, "bench"), autocommit=True)
