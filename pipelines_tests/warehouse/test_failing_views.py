"""A source's view that fails or never ends is left out of what gathers it, until it works."""

import psycopg
import pytest

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.migrations.collections import collected_views
from pipelines.orchestration import automation
from pipelines.orchestration.automation import note_checked
from pipelines.orchestration.operations.look import data_problems
from pipelines.source import sources
from pipelines.sources.weather.fetch_lock import REQUESTS
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse import failing_views
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.failing_views import note_failing_views, read_collected
from pipelines_tests.solar_rows import add_plant
from pipelines_tests.warehouse.test_collections import offering

REQUEST = """
CREATE OR REPLACE VIEW flights.weather_requests AS
SELECT
    '1.0000,2.0000' AS place_key, NULL::text AS country_code, NULL::text AS postcode,
    NULL::text AS city, {latitude} AS latitude, 2::double precision AS longitude,
    NULL::timestamptz AS hour_at, NULL::date AS day
"""
WORKS = REQUEST.format(latitude="1::double precision")
FAILS = REQUEST.format(latitude="1 / extract(EPOCH FROM now() - now())::double precision")
SLEEPS = REQUEST.format(latitude="(length(pg_sleep(60)::text) + 1)::double precision")
PLACES = "SELECT place_key FROM weather.places ORDER BY 1"
NOTED = "SELECT view_name, source, problem FROM ops.failing_views"
HOURS_PASS = "UPDATE ops.failing_views SET tested_at = tested_at - interval '61 minutes'"


def test_a_source_whose_view_fails_does_without_weather_and_the_others_get_theirs(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    add_plant(owner, 1, coordinates=(37.09, -2.36))
    owner.execute(FAILS.encode())
    put_places(warehouse)
    assert owner.execute(PLACES).fetchall() == [("37.0900,-2.3600",)]
    noted = ("flights.weather_requests", "flights", "division by zero")
    assert owner.execute(NOTED).fetchall() == [noted]
    with warehouse.engine.connect() as connection:
        (problem,) = data_problems(connection)
    assert (problem.key, problem.source) == ("failing view:flights.weather_requests", "flights")
    assert problem.what == (
        "The view flights.weather_requests fails, so nothing of it is used: division by zero"
    )


def test_a_view_is_used_again_when_it_works(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    owner.execute(FAILS.encode())
    put_places(warehouse)
    owner.execute(WORKS.encode())
    put_places(warehouse)
    assert owner.execute(PLACES).fetchall() == [], "it is tested again after an hour"
    owner.execute(HOURS_PASS)
    put_places(warehouse)
    assert owner.execute(PLACES).fetchall() == [("1.0000,2.0000",)]
    assert owner.execute(NOTED).fetchall() == []


def test_a_view_that_still_fails_stays_noted_since_it_first_failed(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    query = "SELECT first_failed_at, tested_at FROM ops.failing_views"
    owner.execute(FAILS.encode())
    put_places(warehouse)
    owner.execute(HOURS_PASS)
    (before,) = owner.execute(query).fetchall()
    put_places(warehouse)
    (after,) = owner.execute(query).fetchall()
    assert after[0] == before[0]
    assert after[1] > before[1]


def test_a_view_that_takes_too_long_is_left_out(
    owner: psycopg.Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failing_views, "MAX_SECONDS", 1)
    monkeypatch.setattr("pipelines.sources.weather.geocode_places.MAX_PUT_SECONDS", 1)
    add_plant(owner, 1, coordinates=(37.09, -2.36))
    owner.execute(SLEEPS.encode())
    owner.execute("UPDATE ops.sql_objects SET plugin = 'flights' WHERE name ~ '^flights.weather'")
    put_places(warehouse)
    assert owner.execute(PLACES).fetchall() == [("37.0900,-2.3600",)]
    noted = ("flights.weather_requests", "flights", "it takes longer than 1 s")
    assert owner.execute(NOTED).fetchall() == [noted]


def test_a_view_whose_values_have_not_the_type_of_its_column_is_left_out(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    add_plant(owner, 1, coordinates=(37.09, -2.36))
    request = REQUEST.format(latitude="clock_timestamp()::text")
    owner.execute("CREATE SCHEMA tides")
    owner.execute(request.replace("flights", "tides").encode())
    owner.execute("GRANT USAGE ON SCHEMA tides TO isobar_owner, isobar_loader")
    owner.execute("GRANT SELECT ON tides.weather_requests TO isobar_owner, isobar_loader")
    tides = offering("tides", "tides.weather_requests")
    owner.execute(collected_views({**sources(), "tides": tides})[REQUESTS].encode())
    put_places(warehouse)
    assert owner.execute(PLACES).fetchall() == [("37.0900,-2.3600",)]
    ((view, _, problem),) = owner.execute(NOTED).fetchall()
    assert view == "tides.weather_requests"
    assert "invalid input syntax for type double precision" in problem


def test_an_error_that_is_of_no_view_is_raised(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    owner.execute("ALTER TABLE weather.places ADD CHECK (place_key <> '1.0000,2.0000')")
    owner.execute(WORKS.encode())
    with pytest.raises(PermanentFailure, match="check constraint"):
        put_places(warehouse)
    assert owner.execute(NOTED).fetchall() == []


def test_a_lock_on_what_a_view_reads_is_no_mistake_of_it(
    owner: psycopg.Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failing_views, "MAX_LOCK_SECONDS", 1)
    with owner.transaction():
        owner.execute("LOCK TABLE flights.legs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TransientFailure, match="lock"):
            note_failing_views(warehouse, REQUESTS)
    assert owner.execute(NOTED).fetchall() == []


def test_the_newest_time_of_one_source_does_not_hide_the_freshness_of_the_others(
    owner: psycopg.Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute(
        """
        CREATE OR REPLACE VIEW solar.newest AS
        SELECT
            NULL::text AS name, now() + (1 / extract(EPOCH FROM now() - now())) * interval '1 h'
                AS newest_at, now() AS new_data_at
        """
    )
    query = "SELECT count(*) FROM metrics.freshness WHERE kind = 'source' AND newest_at IS NULL"
    with pytest.raises(psycopg.errors.DivisionByZero):
        owner.execute(query)
    monkeypatch.setattr(automation, "is_plugin", lambda source: source.name == "solar")
    note_checked(warehouse, sources()["shipments"], "a run")
    assert owner.execute(NOTED).fetchall() == []
    note_checked(warehouse, sources()["solar"], "a run")
    noted = ("solar.newest", "solar", "division by zero")
    assert owner.execute(NOTED).fetchall() == [noted]
    assert owner.execute(query).fetchone() == (5,)


def test_what_fails_again_is_raised(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    owner.execute(FAILS.encode())
    calls = []

    def read() -> None:
        calls.append(1)
        raise TransientFailure("weather", "it is away", place="there", remedy="Wait.")

    with pytest.raises(TransientFailure, match="away"):
        read_collected(warehouse, REQUESTS, read)
    assert len(calls) == 2
