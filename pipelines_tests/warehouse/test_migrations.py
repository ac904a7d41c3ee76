"""The schema: made once, made the same, and every object readable without a manual."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import psycopg
import pytest
from psycopg import Connection

from pipelines.definitions import definitions
from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.migrations import apply
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.warehouse.schemas import condition, differences

Add = Callable[[dict[str, str]], None]
OURS = "nspowner = 'isobar_owner'::regrole"
ALL_COMMENTS = """
SELECT objoid, objsubid, description FROM pg_description
WHERE classoid = 'pg_class'::regclass
"""
ALL_OBJECTS = f"""
SELECT nspname, relname, pg_class.xmin::text, pg_class.oid::text
FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid WHERE {OURS} ORDER BY 1, 2
"""


@pytest.fixture
def url(server: Connections, database: str) -> str:
    return server.url(SUPERUSER, database)


@pytest.fixture
def empty_url(server: Connections, empty_database: str) -> str:
    return server.url(SUPERUSER, empty_database)


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Sets which views and functions there are beside or instead of ours."""
    files = apply.object_files()
    return lambda more: monkeypatch.setattr(apply, "object_files", lambda *_: files | more)


def test_migrating_twice_changes_nothing(url: str, owner: Connection) -> None:
    assert differences(url) == [], "tables are what tables.py declares"
    before = owner.execute(ALL_OBJECTS).fetchall()
    messages: list[str] = []
    apply.migrate(url, messages.append)
    assert owner.execute(ALL_OBJECTS).fetchall() == before
    assert messages == []


def test_two_migrations_at_once_end_in_one_schema(empty_url: str) -> None:
    messages: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(apply.migrate, [empty_url] * 4, [messages.append] * 4))
    assert messages == ["Created the tables and views."]


def test_a_migration_that_fails_leaves_nothing(empty_url: str, add: Add) -> None:
    add({"enriched.broken": "CREATE VIEW enriched.broken AS SELECT no_such_column"})
    words = r"gave up in enriched\.broken\.sql, nothing was changed: .*no_such_column"
    with pytest.raises(PermanentFailure, match=words):
        apply.migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute(ALL_OBJECTS).fetchall() == []


def test_a_view_is_replaced_with_its_dependants(url: str, owner: Connection, add: Add) -> None:
    one = {
        "enriched.a": "CREATE OR REPLACE VIEW enriched.a AS SELECT x, x AS y FROM enriched.b",
        "enriched.b": "CREATE OR REPLACE VIEW enriched.b AS SELECT 1 AS x, 2 AS gone",
    }
    add(one)
    apply.migrate(url)
    owner.execute("CREATE ROLE ana; GRANT SELECT ON enriched.a TO ana")
    add(one | {"enriched.b": "CREATE OR REPLACE VIEW enriched.b AS SELECT 5 AS x"})
    apply.migrate(url)
    assert owner.execute("SELECT * FROM enriched.a").fetchall() == [(5, 5)]
    right = "SELECT has_table_privilege('ana', 'enriched.a', 'SELECT')"
    assert owner.execute(right).fetchone() == (True,)
    owner.execute("DROP OWNED BY ana; DROP ROLE ana")
    add({})
    apply.migrate(url)
    assert owner.execute("SELECT to_regclass('enriched.a')").fetchone() == (None,)


def test_a_view_returned_by_a_function_is_replaced(url: str, owner: Connection, add: Add) -> None:
    """As enriched.track returns rows of enriched.shipments: it depends on their type."""
    files = apply.object_files()
    owner.execute("CREATE ROLE ana; GRANT SELECT ON enriched.shipments TO ana WITH GRANT OPTION")
    owner.execute("GRANT EXECUTE ON FUNCTION enriched.track TO ana")
    statement, _, comments = files["enriched.shipments"].partition("\nCOMMENT ON ")
    narrow = "CREATE OR REPLACE VIEW enriched.shipments AS SELECT other.* FROM (" + (
        statement.partition(" AS\n")[2].rstrip().removesuffix(";") + ") AS shipments"
        " CROSS JOIN LATERAL (SELECT 1 AS one, shipments.*) AS other"
    )
    add({"enriched.shipments": f"{narrow};\nCOMMENT ON {comments}"})
    apply.migrate(url)
    assert owner.execute("SELECT one FROM enriched.shipments").fetchall() == []
    kept = (
        "SELECT has_table_privilege('ana', 'enriched.shipments', 'SELECT WITH GRANT OPTION'),"
        " has_function_privilege('ana', 'enriched.track(text, text)', 'EXECUTE')"
    )
    assert owner.execute(kept).fetchone() == (True, True)
    owner.execute("DROP OWNED BY ana; DROP ROLE ana")


def test_a_function_with_other_arguments_is_replaced(url: str, owner: Connection, add: Add) -> None:
    body = "RETURNS integer LANGUAGE sql AS 'SELECT 1'"
    for arguments in ("x integer", "x integer, y text", ""):
        add({"metrics.f": f"CREATE OR REPLACE FUNCTION metrics.f({arguments}) {body}"})
        apply.migrate(url)
        owner.execute("GRANT EXECUTE ON FUNCTION metrics.f TO PUBLIC")  # lost with the arguments
        messages: list[str] = []
        apply.migrate(url, messages.append)
        assert messages == []
        count = "SELECT count(*) FROM pg_proc WHERE proname = 'f'"
        assert owner.execute(count).fetchone() == (1,)
    add({})
    apply.migrate(url)
    assert owner.execute(count).fetchone() == (0,)


def test_tables_of_a_later_version_are_rejected(url: str, owner: Connection) -> None:
    owner.execute("UPDATE ops.revision SET version_num = '9999'")
    with pytest.raises(PermanentFailure, match="of a later version of Isobar"):
        apply.migrate(url)
    assert condition(url) == "foreign"


@pytest.mark.parametrize("table", ["alembic_version", "alembic_version_flights"])
def test_a_database_of_an_older_version_is_left_alone(empty_url: str, table: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as owner:
        owner.execute(f"CREATE SCHEMA ops; CREATE TABLE ops.{table} (version_num text)".encode())
        assert condition(empty_url) == "foreign"
        with pytest.raises(PermanentFailure, match=r"of Isobar 1\.0 or 2\.0") as caught:
            apply.migrate(empty_url)
        assert "load the sources again" in caught.value.remedy
        schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'flights'"
        assert owner.execute(schemas).fetchone() == (0,)


def test_a_database_of_another_encoding_is_rejected(server: Connections) -> None:
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
        try:
            with pytest.raises(PermanentFailure, match="with the encoding LATIN1"):
                apply.migrate(server.url(SUPERUSER, "latin"))
        finally:
            connection.execute("DROP DATABASE latin")


def test_a_changed_comment_needs_no_revision(url: str, owner: Connection) -> None:
    before = set(owner.execute(ALL_COMMENTS).fetchall())
    owner.execute("COMMENT ON TABLE solar.days IS 'One row per day; ''as was''.'")
    owner.execute("COMMENT ON COLUMN solar.days.day IS NULL")
    owner.execute("UPDATE ops.sql_objects SET sha256 = 'old' WHERE name = 'solar/comments'")
    assert condition(url) == "other views"
    apply.migrate(url)
    assert condition(url) == "current"
    assert set(owner.execute(ALL_COMMENTS).fetchall()) == before
    assert differences(url) == []


def test_declared_dependencies_of_views_are_what_their_sql_reads(owner: Connection) -> None:
    """A check that fails on a table stops every view that reads it."""
    read = owner.execute(
        """
        SELECT DISTINCT view_schema, view_name, table_schema, table_name
        FROM information_schema.view_table_usage
        WHERE view_schema IN ('enriched', 'metrics')
            AND view_name NOT IN ('freshness', 'health') -- the platform's own are no assets
        """
    ).fetchall()
    written_with = {
        **{("solar", name): ("solar", "readings") for name in ("corrections", "days", "syncs")},
        ("solar", "missing_hours"): ("solar", "readings"),  # views that are no assets
        ("solar", "gaps"): ("solar", "coverage"),
        ("bookings", "hotels"): ("bookings", "events"),
        ("bookings", "books"): ("bookings", "events"),
        ("flights", "rejected_offers"): ("flights", "prices"),
        ("flights", "lowest_prices"): ("flights", "prices"),
        **{
            ("shipments", name): ("shipments", "shipments")
            for name in ("rejected_news", "rules", "states", "status_days")
        },
        **{("weather", name): ("weather", "observations") for name in ("fetch_state", "quotas")},
        **{
            ("weather", name): ("weather", "places")  # views that are no assets
            for name in ("requested_places", "weather_requests")
        },
    }
    graph = definitions.resolve_asset_graph()
    for schema, name, *table in read:
        parents = graph.get(dg.AssetKey([schema, name])).parent_keys
        source = written_with.get((table[0], table[1]), table)
        assert dg.AssetKey(source) in parents, (name, table)


def test_an_upgrade_stops_at_a_view_that_others_use_and_names_theirs(
    url: str, owner: Connection, add: Add
) -> None:
    add({"enriched.a": "CREATE OR REPLACE VIEW enriched.a AS SELECT 1 AS x, 2 AS gone"})
    apply.migrate(url)
    owner.execute("CREATE MATERIALIZED VIEW public.mine AS SELECT gone FROM enriched.a")
    changed = {
        "enriched.a": "CREATE OR REPLACE VIEW enriched.a AS SELECT 5 AS x",
        "enriched.new": "CREATE OR REPLACE VIEW enriched.new AS SELECT 2 AS two",
    }
    before = owner.execute(ALL_OBJECTS).fetchall()
    for files in (changed, {}):  # also a version that has no such view
        add(files)
        with pytest.raises(PermanentFailure, match=r"view (public\.)?mine depends on view"):
            apply.migrate(url)
        assert owner.execute(ALL_OBJECTS).fetchall() == before
    add(changed)
    owner.execute("DROP MATERIALIZED VIEW public.mine")
    apply.migrate(url)
    assert owner.execute("TABLE enriched.a").fetchall() == [(5,)]
    assert owner.execute("SELECT two FROM enriched.new").fetchall() == [(2,)]


def test_a_locked_table_is_waited_for_briefly_and_reported(
    url: str, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "TURN_WAIT", "100ms")
    monkeypatch.setattr(apply, "TABLE_WAIT", "100ms")
    owner.execute("DROP VIEW enriched.itineraries CASCADE")
    of_a_load = "SELECT pg_advisory_xact_lock_shared(hashtextextended('isobar migrate', 0))"
    for statement in (b"LOCK TABLE flights.itineraries", of_a_load.encode()):
        with psycopg.connect(url) as someone:
            someone.execute(statement)
            with pytest.raises(TransientFailure, match=r"gave up.*, nothing was changed"):
                apply.migrate(url)
    apply.migrate(url)


def test_every_table_view_function_and_column_has_a_comment(owner: Connection) -> None:
    without = owner.execute(
        f"""
        SELECT nspname || '.' || relname || coalesce('.' || attname, '')
        FROM pg_class
        JOIN pg_namespace ON relnamespace = pg_namespace.oid
        LEFT JOIN LATERAL (
            SELECT attname, attnum FROM pg_attribute
            WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
            UNION ALL SELECT NULL, 0
        ) AS part ON TRUE
        WHERE {OURS} AND relkind IN ('r', 'v', 'm')
            AND CASE attnum WHEN 0 THEN obj_description(pg_class.oid, 'pg_class')
                ELSE col_description(pg_class.oid, attnum) END IS NULL
        UNION ALL
        SELECT nspname || '.' || proname FROM pg_proc
        JOIN pg_namespace ON pronamespace = pg_namespace.oid
        WHERE {OURS} AND obj_description(pg_proc.oid, 'pg_proc') IS NULL
        UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE {OURS} AND obj_description(oid, 'pg_namespace') IS NULL
        """
    ).fetchall()
    assert without == []
