"""The registry of plants: what it accepts, what it rejects, and what plain SQL cannot do either."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar import registry
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.stored import Stored

MADRID = "Europe/Madrid"
HUGE = 10**30
OF_A_PLANT = (
    "solar.readings",
    "solar.corrections",
    "solar.days",
    "solar.syncs",
    "metrics.solar_plant_health",
    "metrics.solar_day_losses",
    "solar.weather_versions",
)
ROWS_OF_A_PLANT = """
INSERT INTO solar.readings VALUES ({id}, '2026-09-01 10:00Z', 1, 1, 1, 1, 1);
INSERT INTO solar.readings VALUES ({id}, '2026-09-01 11:00Z', 1, 1, 1, 1, 1);
INSERT INTO solar.corrections VALUES (DEFAULT, {id}, '2026-09-01 10:00Z', 1, 1, 1, 1, 1, 2);
INSERT INTO solar.days (plant_id, day, status, hours_expected, hours_present, requested_at)
VALUES ({id}, '2026-09-01', 'partial', 24, 2, now());
INSERT INTO solar.syncs (plant_id, began_at, history_from) VALUES ({id}, now(), '2026-01-01');
INSERT INTO metrics.solar_day_losses (plant_id, day) VALUES ({id}, '2026-09-01');
INSERT INTO solar.weather_versions VALUES ({id}, '1');
INSERT INTO metrics.solar_plant_health
(plant_id, plant_name, day, longest_gap_hours, flat_hours, sensor_issues, computed_at)
SELECT plant_id, name, '2026-09-01', 0, 0, ARRAY[]::text[], now()
FROM solar.plants WHERE plant_id = {id};
"""


def names(owner: psycopg.Connection) -> dict[int, str]:
    return dict(owner.execute("SELECT plant_id, name FROM solar.plants").fetchall())


def fill(connection: psycopg.Connection, plant_id: int) -> None:
    """Give a plant two readings, and a row in each of the other tables."""
    connection.execute(ROWS_OF_A_PLANT.format(id=plant_id))


def counts(owner: psycopg.Connection, plant_id: int) -> list[Any]:
    """Return how many rows each table has of a plant."""
    queries = (f"(SELECT count(*) FROM {table} WHERE plant_id = %(id)s)" for table in OF_A_PLANT)
    row = owner.execute(f"SELECT {', '.join(queries)}", {"id": plant_id}).fetchone()
    assert row is not None
    return list(row)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"capacity_kwp": -5.0}, "a capacity is a number of kWp above zero"),
        ({"capacity_kwp": float("nan")}, "a capacity is a number of kWp above zero"),
        ({"tariff_per_kwh": -1, "tariff_currency": "EUR"}, "a tariff is a number, zero or more"),
        ({"tariff_per_kwh": 1}, "a tariff needs its currency, such as EUR"),
        ({"tariff_currency": "EUR"}, "a tariff needs its currency, such as EUR"),
        ({"tariff_per_kwh": 1, "tariff_currency": "euro"}, "a currency has three letters"),
    ],
)
def test_a_capacity_below_zero_and_a_tariff_without_currency_are_rejected(
    stored: Stored, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(PermanentFailure, match=words):
        registry.add(stored.warehouse, "Alta", **values)
    assert names(stored.owner) == {}
    plant_id = registry.add(
        stored.warehouse, "Alta", capacity_kwp=98.6, tariff_per_kwh=0, tariff_currency="EUR"
    )
    with pytest.raises(PermanentFailure, match="a capacity is a number of kWp above zero"):
        registry.set_capacity(stored.warehouse, plant_id, 0)
    registry.set_tariff(stored.warehouse, plant_id, Decimal("0.08"), "JPY")
    kept = "SELECT capacity_kwp, tariff_per_kwh, tariff_currency FROM solar.plants"
    assert stored.rows(kept) == [(98.6, Decimal("0.08"), "JPY")]


def wait_for_lock(owner: psycopg.Connection) -> None:
    """Until a session waits for another one."""
    query = "SELECT FROM pg_locks WHERE NOT granted"
    while not owner.execute(query).fetchall():
        time.sleep(0.01)


def test_a_plant_is_registered_with_a_number_of_its_own(stored: Stored) -> None:
    first = registry.add(stored.warehouse, "  Łąka \U0001f31e 'Süd'; --  ", 37.09, -2.36, MADRID)
    second = registry.add(stored.warehouse, "n" * 50)
    assert (first, second) == (1, 2)
    stored.owner.execute("SET ROLE isobar_analyst")
    query = (
        "SELECT name, latitude, longitude, time_zone, retired_at,"
        " now() - registered_at < interval '1 minute' FROM solar.plants WHERE plant_id = %s"
    )
    name = "Łąka \U0001f31e 'Süd'; --"
    assert stored.row(query, 1) == (name, 37.09, -2.36, MADRID, None, True)
    assert stored.row(query, 2) == ("n" * 50, None, None, "UTC", None, True)
    assert stored.rows(query, 99) == []


def test_duplicate_empty_and_overlong_names_are_rejected(stored: Stored) -> None:
    registry.add(stored.warehouse, "Alta")
    other = registry.add(stored.warehouse, "Bassa")
    for name in ("Alta", " Alta\t", "", "  ", "\N{NO-BREAK SPACE}\n", "n" * 51):
        words = "the name is taken" if "Alta" in name else "50 characters at most and is not empty"
        with pytest.raises(PermanentFailure, match=words):
            registry.add(stored.warehouse, name)
        with pytest.raises(PermanentFailure, match=words):
            registry.rename(stored.warehouse, other, name)
    assert names(stored.owner) == {1: "Alta", 2: "Bassa"}


def test_a_zone_that_is_of_no_place_is_rejected(warehouse: Warehouse) -> None:
    words = "must be UTC or the name of the zone of a place"
    for zone in ("Mars/Olympus", "", "utc", "+02", "../etc/passwd", "CET", "posix/Europe/Madrid"):
        with pytest.raises(PermanentFailure, match=words) as caught:
            registry.add(warehouse, "Alta", time_zone=zone)
    remedy = "what to do: UTC, Europe/Madrid: SELECT name FROM pg_timezone_names"
    assert remedy in str(caught.value)


def test_a_plant_is_renamed_moved_and_reactivated(stored: Stored) -> None:
    plant_id = registry.add(stored.warehouse, "Alta")
    registry.rename(stored.warehouse, plant_id, " Sierra Alta ")
    registry.retire(stored.warehouse, plant_id)
    registry.unretire(stored.warehouse, plant_id)
    registry.set_location(stored.warehouse, plant_id, 37.1, -3.4)
    query = "SELECT name, retired_at, latitude, longitude FROM solar.plants"
    assert stored.rows(query) == [("Sierra Alta", None, 37.1, -3.4)]
    with pytest.raises(PermanentFailure, match="plants_latitude_check"):
        registry.set_location(stored.warehouse, plant_id, 91, 0)
    assert registry.add(stored.warehouse, "Alta") == 2


def test_an_unknown_plant_is_a_permanent_error_of_its_own(warehouse: Warehouse) -> None:
    """It was answered with 400, as what is wrongly written, and not with 404."""
    for plant_id in (99, 0, -1, 2**31, 2**63, HUGE, -HUGE):
        for change, values in (
            (registry.rename, ["Alta"]),
            (registry.set_location, [1, 1]),
            (registry.retire, []),
            (registry.unretire, []),
            (registry.delete, []),
        ):
            with pytest.raises(PermanentFailure, match=f"there is no plant {plant_id}\n"):
                change(warehouse, plant_id, *values)


def test_deleting_a_plant_deletes_its_data_and_no_others(stored: Stored) -> None:
    deleted, kept = registry.add(stored.warehouse, "Alta"), registry.add(stored.warehouse, "Bassa")
    for plant_id in (deleted, kept):
        fill(stored.owner, plant_id)
    assert registry.delete(stored.warehouse, deleted) == 2
    assert counts(stored.owner, deleted) == [0, 0, 0, 0, 0, 0, 0]
    assert counts(stored.owner, kept) == [2, 1, 1, 1, 1, 1, 1]
    assert names(stored.owner) == {kept: "Bassa"}
    assert registry.add(stored.warehouse, "Alta") == 3


def test_a_delete_waits_for_concurrent_writes_and_deletes_them(
    stored: Stored, server: Connections, database: str
) -> None:
    plant_id = registry.add(stored.warehouse, "Alta")
    with ThreadPoolExecutor() as pool:
        with psycopg.connect(server.url(SUPERUSER, database)) as writer:
            writer.execute("SELECT FROM solar.plants WHERE plant_id = 1 FOR KEY SHARE")
            deleting = pool.submit(registry.delete, stored.warehouse, plant_id)
            wait_for_lock(stored.owner)
            fill(writer, plant_id)
        assert deleting.result(timeout=20) == 2
    assert counts(stored.owner, plant_id) == [0, 0, 0, 0, 0, 0, 0]


def test_plain_sql_obeys_the_same_rules(owner: psycopg.Connection) -> None:
    owner.execute("SET ROLE isobar_loader")
    owner.execute("INSERT INTO solar.plants (name) VALUES ('Alta')")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": "Alta"}, "plants_name_key"),
        ({"name": " "}, "plants_name_check"),
        ({"name": "n" * 51}, "plants_name_check"),
        ({"name": None}, '"name"'),
        ({"latitude": 1}, "plants_coordinates_check"),
        ({"longitude": 1}, "plants_coordinates_check"),
        ({"latitude": -91, "longitude": 1}, "plants_latitude_check"),
        ({"latitude": 1, "longitude": "NaN"}, "plants_longitude_check"),
        ({"time_zone": "Mars"}, "time_zone is 'Mars'"),
        ({"time_zone": None}, '"time_zone"'),
        ({"plant_id": 0}, "plants_plant_id_check"),
        *(({"retired_at": at}, "plants_times_check") for at in ("infinity", "20000-01-01")),
        *(({"registered_at": at}, "plants_times_check") for at in ("-infinity", "20000-01-01")),
    ]
    for columns, words in wrong:
        row = {"name": "Bassa"} | columns
        marks = ", ".join(["%s"] * len(row))
        statement = f"INSERT INTO solar.plants ({', '.join(row)}) VALUES ({marks})"
        with pytest.raises(psycopg.IntegrityError, match=words):
            owner.execute(statement, list(row.values()))
    assert names(owner) == {1: "Alta"}


def test_the_number_and_the_zone_with_readings_are_immutable(stored: Stored) -> None:
    plant_id = registry.add(stored.warehouse, "Alta")
    stored.owner.execute("UPDATE solar.plants SET time_zone = %s", [MADRID])
    fill(stored.owner, plant_id)
    with pytest.raises(psycopg.errors.CheckViolation, match="the time_zone of plant 1 stays"):
        stored.owner.execute("UPDATE solar.plants SET time_zone = 'UTC'")
    with pytest.raises(psycopg.errors.CheckViolation, match="the number of plant 1 stays"):
        stored.owner.execute("UPDATE solar.plants SET plant_id = 7")
    stored.owner.execute(
        "UPDATE solar.plants SET time_zone = %s, latitude = 1, longitude = 1", [MADRID]
    )
    assert counts(stored.owner, plant_id) == [2, 1, 1, 1, 1, 1, 1]


def test_the_list_counts_days_by_their_state(stored: Stored) -> None:
    for name in ("new", "retired", "synced"):
        registry.add(stored.warehouse, name, 40.0, -3.5, "Pacific/Auckland")
    registry.retire(stored.warehouse, 2)
    stored.owner.execute(
        "INSERT INTO solar.days"
        " (plant_id, day, status, hours_expected, hours_present, requested_at)"
        " SELECT 3, current_date - 5 - ago::integer, status, 24,"
        " (status = 'complete')::integer * 24, now()"
        " FROM unnest(ARRAY['complete', 'complete', 'partial', 'failed', 'empty', 'closed'])"
        " WITH ORDINALITY AS made (status, ago)"
    )
    with stored.warehouse.engine.connect() as connection:
        new, retired, synced = registry.listing(connection)
    assert (new.name, new.time_zone, new.latitude) == ("new", "Pacific/Auckland", 40.0)
    assert (new.days_complete, new.days_missing, new.days_not_requested) == (0, 0, 1)
    assert (synced.days_complete, synced.days_missing) == (2, 2)
    assert [row.retired_at is None for row in (new, retired, synced)] == [True, False, True]
