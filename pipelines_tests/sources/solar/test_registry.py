"""The registry of plants: what it accepts, what it rejects, and what plain SQL cannot do either."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar import registry
from pipelines.sources.solar.sandbox.sun import DEMO_PLANTS
from pipelines.warehouse.connection import Warehouse

MADRID = "Europe/Madrid"
HUGE = 10**30
OF_A_PLANT = (
    "solar.readings",
    "solar.corrections",
    "solar.days",
    "solar.syncs",
    "metrics.solar_plant_health",
)
ROWS_OF_A_PLANT = """
INSERT INTO solar.readings VALUES ({id}, '2026-09-01 10:00Z', 1, 1, 1, 1, 1);
INSERT INTO solar.readings VALUES ({id}, '2026-09-01 11:00Z', 1, 1, 1, 1, 1);
INSERT INTO solar.corrections VALUES (DEFAULT, {id}, '2026-09-01 10:00Z', 1, 1, 1, 1, 1, 2);
INSERT INTO solar.days (plant_id, day, status, hours_expected, hours_present, requested_at)
VALUES ({id}, '2026-09-01', 'partial', 24, 2, now());
INSERT INTO solar.syncs (plant_id, began_at, history_from) VALUES ({id}, now(), '2026-01-01');
INSERT INTO metrics.solar_plant_health
(plant_id, plant_name, day, longest_gap_hours, flat_hours, sensor_issues, computed_at)
SELECT plant_id, name, '2026-09-01', 0, 0, ARRAY[]::text[], now()
FROM solar.plants WHERE plant_id = {id};
"""
DAYS_OF_ALL_KINDS = """
INSERT INTO solar.days (plant_id, day, status, hours_expected, hours_present, requested_at)
SELECT
    plant_id,
    current_date - ago,
    status,
    24,
    CASE status WHEN 'complete' THEN 24 WHEN 'partial' THEN 23 ELSE 0 END,
    now()
FROM unnest(ARRAY[2, 3, 5]) AS plant_id
CROSS JOIN generate_series(3, 60) AS ago
CROSS JOIN LATERAL (
    SELECT (ARRAY['complete', 'complete', 'partial', 'failed', 'empty'])
        [1 + (ago + plant_id) % 5] AS status
) AS made
WHERE ago % 7 <> 0
"""
DEMO = [
    {
        "plant_id": plant.id,
        "name": plant.name,
        "latitude": plant.latitude,
        "longitude": plant.longitude,
        "time_zone": plant.zone,
    }
    for plant in DEMO_PLANTS
]


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


@pytest.fixture
def another(server: Connections, database: str) -> Callable[[], psycopg.Connection]:
    """Opens another session of the same database; it commits when it is left."""
    return lambda: psycopg.connect(server.url(SUPERUSER, database))


@contextmanager
def synced(connection: psycopg.Connection, plant_id: int) -> Iterator[None]:
    """While a session syncs a plant."""
    key = f"isobar sync of plant {plant_id}"
    with connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        connection.commit()
        yield
        connection.execute("SELECT pg_advisory_unlock_all()")  # a session closes late


def wait_for_lock(owner: psycopg.Connection) -> None:
    """Until a session waits for another one."""
    query = "SELECT FROM pg_locks WHERE NOT granted"
    while not owner.execute(query).fetchall():
        time.sleep(0.01)


@pytest.mark.answers("P01")
def test_a_plant_is_registered_with_a_number_of_its_own(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    first = registry.add(warehouse, "  Łąka \U0001f31e 'Süd'; --  ", 37.09, -2.36, MADRID)
    second = registry.add(warehouse, "n" * 50)
    assert (first, second) == (1, 2)
    rows = owner.execute(
        "SELECT plant_id, name, latitude, longitude, time_zone, retired_at,"
        " now() - registered_at < interval '1 minute' FROM solar.plants ORDER BY plant_id"
    ).fetchall()
    assert rows == [
        (1, "Łąka \U0001f31e 'Süd'; --", 37.09, -2.36, MADRID, None, True),
        (2, "n" * 50, None, None, "UTC", None, True),
    ]


def test_rejected_registrations_use_up_no_number(warehouse: Warehouse) -> None:
    assert registry.add(warehouse, "one") == 1
    for name, latitude in (("one", None), ("", None), ("n" * 51, None), ("north", 95.0)):
        with pytest.raises(PermanentFailure):
            registry.add(warehouse, name, latitude, latitude)
    with pytest.raises(PermanentFailure):
        registry.add(warehouse, "two", time_zone="Mars/Olympus")
    assert registry.add(warehouse, "two") == 2


@pytest.mark.answers("P03")
def test_a_plant_is_found_by_its_number(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    registry.add(warehouse, "Alta")
    plant_id = registry.add(warehouse, "Bassa")
    owner.execute("SET ROLE isobar_analyst")
    query = "SELECT name FROM solar.plants WHERE plant_id = %s"
    assert owner.execute(query, [plant_id]).fetchall() == [("Bassa",)]
    assert owner.execute(query, [99]).fetchall() == []


def test_a_number_that_was_given_by_hand_is_passed_over(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    owner.execute("INSERT INTO solar.plants (plant_id, name) VALUES (1, 'A'), (2, 'B'), (4, 'C')")
    assert [registry.add(warehouse, name) for name in ("D", "E")] == [3, 5]


@pytest.mark.answers("P21")
@pytest.mark.parametrize("name", ["Alta", " Alta\t", "", "  ", "\N{NO-BREAK SPACE}\n", "n" * 51])
def test_duplicate_empty_and_overlong_names_are_rejected(
    warehouse: Warehouse, owner: psycopg.Connection, name: str
) -> None:
    registry.add(warehouse, "Alta")
    other = registry.add(warehouse, "Bassa")
    words = "the name is taken" if "Alta" in name else "50 characters at most and is not empty"
    with pytest.raises(PermanentFailure, match=words):
        registry.add(warehouse, name)
    with pytest.raises(PermanentFailure, match=words):
        registry.rename(warehouse, other, name)
    assert names(owner) == {1: "Alta", 2: "Bassa"}


@pytest.mark.parametrize("broken", ["a\0b", "a\ud800b", "a\x1b[2Jb", "a\nb", "\0" * 60])
def test_a_non_text_name_or_zone_is_rejected_printably(
    warehouse: Warehouse, owner: psycopg.Connection, broken: str
) -> None:
    plant_id = registry.add(warehouse, "Alta")
    for change in (
        lambda: registry.add(warehouse, broken),
        lambda: registry.rename(warehouse, plant_id, broken),
        lambda: registry.add(warehouse, "Bassa", time_zone=broken),
    ):
        with pytest.raises(
            PermanentFailure, match="has control characters or broken ones"
        ) as caught:
            change()
        assert str(caught.value).replace("\n", "").isprintable()
        str(caught.value).encode()
    assert names(owner) == {1: "Alta"}


@pytest.mark.parametrize(
    ("latitude", "longitude", "words"),
    [
        (37.0, None, "latitude and longitude come together"),
        (None, 0.0, "latitude and longitude come together"),
        (90.1, 0.0, "the latitude is not from -90 to 90"),
        (float("nan"), 0.0, "the latitude is not from -90 to 90"),
        (0.0, float("-inf"), "the longitude is not from -180 to 180"),
    ],
)
def test_invalid_coordinates_are_rejected(
    warehouse: Warehouse, latitude: float | None, longitude: float | None, words: str
) -> None:
    with pytest.raises(PermanentFailure, match=words) as caught:
        registry.add(warehouse, "Alta", latitude, longitude)
    assert "'Alta' was not registered" in str(caught.value)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "utc", "+02", "../etc/passwd", "UTC' --"])
def test_an_unknown_time_zone_is_rejected(warehouse: Warehouse, zone: str) -> None:
    with pytest.raises(
        PermanentFailure, match="must be UTC or the name of the zone of a place"
    ) as caught:
        registry.add(warehouse, "Alta", time_zone=zone)
    assert "what to do: UTC, Europe/Madrid: SELECT name FROM pg_timezone_names" in str(caught.value)


@pytest.mark.answers("P04")
def test_a_plant_is_renamed(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    plant_id = registry.add(warehouse, "Alta")
    registry.rename(warehouse, plant_id, " Sierra Alta ")
    registry.rename(warehouse, plant_id, "Sierra Alta")
    assert names(owner) == {plant_id: "Sierra Alta"}
    assert registry.add(warehouse, "Alta") == 2


@pytest.mark.answers("P62")
@pytest.mark.parametrize("plant_id", [99, 0, -1, 2**31, 2**63, HUGE, -HUGE])
def test_an_unknown_plant_is_a_permanent_error_of_its_own(
    warehouse: Warehouse, plant_id: int
) -> None:
    """It was answered with 400, as what is wrongly written, and not with 404."""
    for change in (
        lambda: registry.rename(warehouse, plant_id, "Alta"),
        lambda: registry.retire(warehouse, plant_id),
        lambda: registry.delete(warehouse, plant_id),
    ):
        with pytest.raises(PermanentFailure, match=f"there is no plant {plant_id}\n"):
            change()


def test_retiring_keeps_the_data_and_again_changes_nothing(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    plant_id = registry.add(warehouse, "Alta")
    fill(owner, plant_id)
    since = registry.retire(warehouse, plant_id)
    assert abs(dt.datetime.now(dt.UTC) - since) < dt.timedelta(minutes=1)
    assert registry.retire(warehouse, plant_id) == since
    query = "SELECT retired_at FROM solar.plants"
    assert owner.execute(query).fetchall() == [(since,)]
    assert counts(owner, plant_id) == [2, 1, 1, 1, 1]


@pytest.mark.answers("P05")
def test_deleting_a_plant_deletes_its_data_and_no_others(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    deleted, kept = registry.add(warehouse, "Alta"), registry.add(warehouse, "Bassa")
    for plant_id in (deleted, kept):
        fill(owner, plant_id)
    assert registry.delete(warehouse, deleted) == 2
    assert counts(owner, deleted) == [0, 0, 0, 0, 0]
    assert counts(owner, kept) == [2, 1, 1, 1, 1]
    assert names(owner) == {kept: "Bassa"}
    assert registry.add(warehouse, "Alta") == 3


def test_deleting_by_hand_deletes_the_data_too(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    plant_id = registry.add(warehouse, "Alta")
    fill(owner, plant_id)
    owner.execute("SET ROLE isobar_loader")
    owner.execute("DELETE FROM solar.plants")
    assert counts(owner, plant_id) == [0, 0, 0, 0, 0]


@pytest.mark.answers("P20", "P62")
def test_deleting_a_plant_during_its_sync_fails_temporarily(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    another: Callable[[], psycopg.Connection],
) -> None:
    """It was answered with 200, as if it were done."""
    busy, idle = registry.add(warehouse, "Alta"), registry.add(warehouse, "Bassa")
    fill(owner, busy)
    words = "Data sync of plant 1 is running. Please try again later!"
    with synced(another(), busy):
        with pytest.raises(TransientFailure) as caught:
            registry.delete(warehouse, busy)
        assert caught.value.problem == words
        with pytest.raises(psycopg.errors.ObjectInUse, match=words):
            owner.execute("DELETE FROM solar.plants WHERE plant_id = %s", [busy])
        assert counts(owner, busy) == [2, 1, 1, 1, 1]
        registry.delete(warehouse, idle)
    assert registry.delete(warehouse, busy) == 2


def test_a_delete_waits_for_concurrent_writes_and_deletes_them(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    another: Callable[[], psycopg.Connection],
) -> None:
    plant_id = registry.add(warehouse, "Alta")
    with ThreadPoolExecutor() as pool:
        with another() as writer:
            writer.execute("SELECT FROM solar.plants WHERE plant_id = 1 FOR KEY SHARE")
            deleting = pool.submit(registry.delete, warehouse, plant_id)
            wait_for_lock(owner)
            fill(writer, plant_id)
        assert deleting.result(timeout=20) == 2
    assert counts(owner, plant_id) == [0, 0, 0, 0, 0]


def test_a_plant_locked_for_long_is_skipped_with_a_message(
    warehouse: Warehouse,
    another: Callable[[], psycopg.Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "LOCK_SECONDS", 1)
    plant_id = registry.add(warehouse, "Alta")
    with another() as forgotten:
        forgotten.execute("UPDATE solar.plants SET latitude = 1, longitude = 1")
        with pytest.raises(TransientFailure, match="another session has been changing it"):
            registry.rename(warehouse, plant_id, "Bassa")
    registry.rename(warehouse, plant_id, "Bassa")


def test_concurrent_registrations_of_one_name_reject_one(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    def outcome(_: int) -> int | str:
        try:
            return registry.add(warehouse, "Alta")
        except Failure as failure:
            return failure.problem

    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(outcome, range(4)))
    assert sum(isinstance(outcome, int) for outcome in outcomes) == 1
    assert outcomes.count("'Alta' was not registered: the name is taken") == 3
    assert len(names(owner)) == 1


def test_a_name_being_registered_by_plain_sql_is_rejected(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    another: Callable[[], psycopg.Connection],
) -> None:
    with ThreadPoolExecutor() as pool:
        with another() as by_hand:
            by_hand.execute("INSERT INTO solar.plants (name) VALUES ('Alta')")
            adding = pool.submit(registry.add, warehouse, "Alta")
            wait_for_lock(owner)
        with pytest.raises(PermanentFailure, match="the name is taken"):
            adding.result(timeout=20)


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ({"name": "Alta"}, psycopg.errors.UniqueViolation, "plants_name_key"),
        ({"name": " "}, psycopg.errors.CheckViolation, "plants_name_check"),
        ({"name": "n" * 51}, psycopg.errors.CheckViolation, "plants_name_check"),
        ({"name": None}, psycopg.errors.NotNullViolation, '"name"'),
        ({"latitude": 1}, psycopg.errors.CheckViolation, "plants_coordinates_check"),
        ({"longitude": 1}, psycopg.errors.CheckViolation, "plants_coordinates_check"),
        (
            {"latitude": -91, "longitude": 1},
            psycopg.errors.CheckViolation,
            "plants_latitude_check",
        ),
        (
            {"latitude": 1, "longitude": "NaN"},
            psycopg.errors.CheckViolation,
            "plants_longitude_check",
        ),
        ({"time_zone": "Mars"}, psycopg.errors.CheckViolation, "time_zone is 'Mars'"),
        ({"time_zone": None}, psycopg.errors.NotNullViolation, '"time_zone"'),
        ({"plant_id": 0}, psycopg.errors.CheckViolation, "plants_plant_id_check"),
    ],
)
def test_plain_sql_obeys_the_same_rules(
    owner: psycopg.Connection,
    columns: dict[str, object],
    error: type[psycopg.Error],
    words: str,
) -> None:
    owner.execute("SET ROLE isobar_loader")
    owner.execute("INSERT INTO solar.plants (name) VALUES ('Alta')")
    row = {"name": "Bassa"} | columns
    marks = ", ".join(["%s"] * len(row))
    statement = f"INSERT INTO solar.plants ({', '.join(row)}) VALUES ({marks})"
    with pytest.raises(error, match=words):
        owner.execute(statement, list(row.values()))
    assert names(owner) == {1: "Alta"}


def test_the_number_and_the_zone_with_readings_are_immutable(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    plant_id = registry.add(warehouse, "Alta")
    owner.execute("UPDATE solar.plants SET time_zone = %s", [MADRID])
    with pytest.raises(
        psycopg.errors.CheckViolation, match="must be UTC or the name of the zone of a place"
    ):
        owner.execute("UPDATE solar.plants SET time_zone = 'Mars'")
    fill(owner, plant_id)
    with pytest.raises(psycopg.errors.CheckViolation, match="the time_zone of plant 1 stays"):
        owner.execute("UPDATE solar.plants SET time_zone = 'UTC'")
    with pytest.raises(psycopg.errors.CheckViolation, match="the number of plant 1 stays"):
        owner.execute("UPDATE solar.plants SET plant_id = 7")
    owner.execute("UPDATE solar.plants SET time_zone = %s, latitude = 1, longitude = 1", [MADRID])
    assert counts(owner, plant_id) == [2, 1, 1, 1, 1]


@pytest.mark.answers("P02")
def test_the_list_counts_days_as_the_coverage_does(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    for name in ("new", "synced", "retired", "retired before it was synced", "partly"):
        registry.add(warehouse, name, 40.0, -3.5, "Pacific/Auckland")
    owner.execute(
        "INSERT INTO solar.syncs (plant_id, began_at, history_from)"
        " SELECT plant_id, now(), current_date - 40 FROM solar.plants WHERE plant_id IN (2, 3)"
    )
    owner.execute(DAYS_OF_ALL_KINDS)
    owner.execute(
        "UPDATE solar.plants SET retired_at = now() - interval '20 days' WHERE name = 'retired'"
    )
    registry.retire(warehouse, 4)
    with warehouse.engine.connect() as connection:
        rows = registry.listing(connection)
    missing = [(row.plant_id, row.days_missing, row.days_not_requested) for row in rows]
    query = (
        "SELECT plant_id, count(*) FILTER (WHERE status IN ('partial', 'failed')),"
        " count(*) FILTER (WHERE status = 'not requested')"
        " FROM solar.coverage GROUP BY plant_id ORDER BY plant_id"
    )
    assert missing == owner.execute(query).fetchall()
    assert missing[0] == (1, 0, 1)
    query = "SELECT count(*) FROM solar.days WHERE plant_id = %s AND status = 'complete'"
    stored = [owner.execute(query, [row.plant_id]).fetchone() for row in rows]
    assert [(row.days_complete,) for row in rows] == stored
    second = rows[1]
    assert (second.name, second.time_zone) == ("synced", "Pacific/Auckland")
    assert (second.latitude, second.longitude, second.retired_at) == (40.0, -3.5, None)
    assert [row.name for row in rows if row.retired_at] == [
        "retired",
        "retired before it was synced",
    ]


def test_a_plant_may_have_a_number_of_ones_own(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    assert registry.add(warehouse, "Alta", plant_id=17) == 17
    with pytest.raises(PermanentFailure, match="there is a plant 17 already"):
        registry.add(warehouse, "Bassa", plant_id=17)
    for number in (0, -1, 2**31 - 1, 2**40):
        with pytest.raises(PermanentFailure, match=f"{number} is not the number of a plant"):
            registry.add(warehouse, "Bassa", plant_id=number)
    assert registry.add(warehouse, "Bassa") == 1


def test_a_plant_is_moved_and_reactivated(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    plant_id = registry.add(warehouse, "Alta")
    registry.retire(warehouse, plant_id)
    registry.unretire(warehouse, plant_id)
    registry.set_location(warehouse, plant_id, 37.1, -3.4)
    assert owner.execute("SELECT retired_at, latitude, longitude FROM solar.plants").fetchall() == [
        (None, 37.1, -3.4)
    ]
    with pytest.raises(PermanentFailure, match="the latitude is not from -90 to 90"):
        registry.set_location(warehouse, plant_id, 91, 0)
    for change in (
        registry.unretire,
        lambda store, number: registry.set_location(store, number, 1, 1),
    ):
        with pytest.raises(PermanentFailure, match="there is no plant 9"):
            change(warehouse, 9)


def test_an_empty_registry_lists_nothing(warehouse: Warehouse) -> None:
    with warehouse.engine.connect() as connection:
        assert registry.listing(connection) == []


def test_sandbox_plants_are_registered_once_and_stay_deleted(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    assert registry.register_demo(warehouse, DEMO)
    assert names(owner) == {1: "Sierra Alta", 2: "Havel North", 3: "Montado South"}
    assert not registry.register_demo(warehouse, DEMO)
    assert registry.add(warehouse, "Alta") == 4
    for plant_id in (2, 4, 1, 3):
        registry.delete(warehouse, plant_id)
    assert not registry.register_demo(warehouse, DEMO)
    assert names(owner) == {}


def test_a_registry_with_own_plants_gets_no_sandbox_plants(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    registry.delete(warehouse, registry.add(warehouse, "Alta"))
    assert not registry.register_demo(warehouse, DEMO)
    assert names(owner) == {}


def test_a_plant_with_a_manual_number_prevents_sandbox_plants(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    owner.execute("INSERT INTO solar.plants (plant_id, name) VALUES (2, 'Alta')")
    assert not registry.register_demo(warehouse, DEMO)
    assert names(owner) == {2: "Alta"}


def test_two_commands_at_once_register_the_sandboxs_plants_once(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: registry.register_demo(warehouse, DEMO), range(4)))
    assert sorted(done) == [False, False, False, True]
    assert len(names(owner)) == 3


def test_an_interrupted_registration_of_sandbox_plants_is_completed_later(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """The plants were there, their numbers not yet drawn: the next plant would have got the 1."""
    statement = "INSERT INTO solar.plants (plant_id, name) VALUES (%s, %s)"
    for plant in DEMO_PLANTS:
        owner.execute(statement, [plant.id, plant.name])
    assert not registry.register_demo(warehouse, DEMO)
    by_hand = "INSERT INTO solar.plants (name) VALUES ('Alta') RETURNING plant_id"
    assert owner.execute(by_hand).fetchall() == [(4,)]


@pytest.mark.parametrize("zone", ["CET", "EST5EDT", "posix/Europe/Madrid", "Foo+3", "localtime"])
def test_non_geographic_zones_are_rejected(warehouse: Warehouse, zone: str) -> None:
    with pytest.raises(PermanentFailure, match="UTC or the name of the zone of a place"):
        registry.add(warehouse, "here", time_zone=zone)


@pytest.mark.parametrize("at", ["infinity", "-infinity", "20000-01-01"])
def test_impossible_times_are_rejected(owner: psycopg.Connection, at: str) -> None:
    owner.execute("INSERT INTO solar.plants (name) VALUES ('here')")
    for column in ("retired_at", "registered_at"):
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute(f"UPDATE solar.plants SET {column} = '{at}'")
