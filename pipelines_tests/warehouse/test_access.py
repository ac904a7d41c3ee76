"""The rights of each role over every object that there is, and over what comes later."""

import psycopg
import pytest

from pipelines.postgres.roles import ANALYST, LOADER, MODELLER, OPERATOR

ROLES = ("public", ANALYST, MODELLER, OPERATOR, LOADER)
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
WRITES = {"INSERT", "UPDATE", "DELETE"}
OF_MIGRATE = {"ops.sql_objects", "ops.revision"}
OF_OPERATOR = {
    "solar.plants": WRITES,
    "bookings.hotels": WRITES,
    "weather.observations": {"DELETE"},
    "weather.hourly": {"DELETE"},
    "weather.fetch_state": {"DELETE"},
    "ops.inbox_files": {"DELETE"},
}
COLUMNS_OF_OPERATOR = {
    ("solar.days", "retry_at"),
    ("weather.places", "latitude"),
    ("weather.places", "longitude"),
    ("weather.places", "geocoding_status"),
    ("weather.places", "geocoded_name"),
    ("weather.places", "geocoded_at"),
    ("weather.places", "geocoding_problem"),
    ("weather.places", "geocoding_candidates"),
    ("weather.api_requests", "outcome"),
}
IS_OURS = "nspowner = 'isobar_owner'::regrole"
LATER = """
SET ROLE isobar_owner;
CREATE SCHEMA later;
CREATE TABLE later.things (thing_id integer GENERATED ALWAYS AS IDENTITY, x integer);
CREATE TABLE solar.more (x integer);
CREATE VIEW enriched.more AS TABLE solar.more;
CREATE MATERIALIZED VIEW metrics.more AS TABLE solar.more;
CREATE FUNCTION metrics.answer() RETURNS integer LANGUAGE sql AS 'SELECT 42';
RESET ROLE;
"""


@pytest.fixture(params=["now", "later"])
def when(owner: psycopg.Connection, guarded: str, request: pytest.FixtureRequest) -> str:
    """Whether the rights are those of today, or also on objects that come later."""
    if request.param == "later":
        owner.execute(LATER)
    return str(request.param)


def rights_on_tables(owner: psycopg.Connection) -> dict[tuple[str, str], set[str]]:
    """Return the rights by role and relation in all of our schemas."""
    privileges = [*PRIVILEGES, *(["MAINTAIN"] if owner.info.server_version >= 170000 else [])]
    rows = owner.execute(
        f"""
        SELECT
            role, nspname || '.' || relname,
            array_agg(privilege) FILTER (WHERE has_table_privilege(role, pg_class.oid, privilege))
        FROM pg_class INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
        CROSS JOIN unnest(%s::text[]) AS role CROSS JOIN unnest(%s::text[]) AS privilege
        WHERE {IS_OURS} AND relkind IN ('r', 'p', 'v', 'm', 'f')
        GROUP BY role, nspname, relname
        """,
        [list(ROLES), privileges],
    ).fetchall()
    return {(role, table): set(rights or ()) for role, table, rights in rows}


def rights_wanted(role: str, table: str, newest: set[str]) -> set[str]:
    rights = {
        "public": set(),
        ANALYST: {"SELECT"},
        MODELLER: {"SELECT"},
        OPERATOR: {"SELECT"} | OF_OPERATOR.get(table, set()),
        LOADER: {"SELECT"} | newest | WRITES,
    }[role]
    return rights - WRITES if role == LOADER and table in OF_MIGRATE else rights


def test_each_role_has_exactly_its_rights_on_every_relation(
    owner: psycopg.Connection, when: str
) -> None:
    newest = {"MAINTAIN"} if owner.info.server_version >= 170000 else set()
    rights = rights_on_tables(owner)
    tables = {table for _, table in rights}
    assert tables >= {*OF_MIGRATE, *OF_OPERATOR, "enriched.itineraries"}
    assert ("later.things" in tables) is (when == "later")
    assert rights == {one: rights_wanted(*one, newest) for one in rights}


def test_single_columns_are_the_operators_alone(owner: psycopg.Connection, when: str) -> None:
    rows = owner.execute(
        f"""
        SELECT role, nspname || '.' || relname, attname, privilege
        FROM pg_attribute
        INNER JOIN pg_class ON pg_class.oid = attrelid
        INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
        CROSS JOIN unnest(%s::text[]) AS role
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS privilege
        WHERE {IS_OURS} AND attnum > 0 AND NOT attisdropped
            AND has_column_privilege(role, attrelid, attnum, privilege)
            AND NOT has_table_privilege(role, attrelid, privilege)
        """,
        [list(ROLES)],
    ).fetchall()
    assert set(rows) == {(OPERATOR, *column, "UPDATE") for column in COLUMNS_OF_OPERATOR}


def test_functions_lend_nobody_the_rights_of_their_owner(
    owner: psycopg.Connection, when: str
) -> None:
    rows = owner.execute(
        f"""
        SELECT role, pg_proc.oid::regprocedure::text, prosecdef, proconfig,
            has_function_privilege(role, pg_proc.oid, 'EXECUTE')
        FROM pg_proc INNER JOIN pg_namespace ON pg_namespace.oid = pronamespace
        CROSS JOIN unnest(%s::text[]) AS role
        WHERE {IS_OURS}
        """,
        [list(ROLES)],
    ).fetchall()
    assert len({row[1] for row in rows}) > 8
    for role, name, as_owner, settings, may_call in rows:
        assert may_call is (role != "public" and not as_owner), (role, name)
        assert not as_owner or settings == ["search_path=pg_catalog, pg_temp"], name


def test_nobody_but_the_owner_makes_objects(owner: psycopg.Connection, when: str) -> None:
    names = [list(ROLES)]
    schemas = owner.execute(
        f"""
        SELECT role, nspname, has_schema_privilege(role, pg_namespace.oid, 'USAGE'),
            has_schema_privilege(role, pg_namespace.oid, 'CREATE'), {IS_OURS}
        FROM pg_namespace CROSS JOIN unnest(%s::text[]) AS role
        WHERE nspname !~ '^pg_(toast|temp)'
        """,
        names,
    ).fetchall()
    for role, schema, may_use, may_create, is_ours in schemas:
        assert may_create is False, (role, schema)
        assert may_use is (not is_ours or role in ROLES[1:]), (role, schema)
    sequences = owner.execute(
        f"""
        SELECT role, nspname || '.' || relname, privilege
        FROM pg_class INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
        CROSS JOIN unnest(%s::text[]) AS role
        CROSS JOIN unnest(ARRAY['SELECT', 'USAGE', 'UPDATE']) AS privilege
        WHERE {IS_OURS} AND relkind = 'S' AND role <> '{LOADER}'
            AND has_sequence_privilege(role, pg_class.oid, privilege)
        """,
        names,
    ).fetchall()
    assert sequences == [(OPERATOR, "solar.plants_plant_id_seq", "USAGE")]
    database = owner.execute(
        """
        SELECT role, privilege FROM unnest(%s::text[]) AS role
        CROSS JOIN unnest(ARRAY['CREATE', 'TEMPORARY']) AS privilege
        WHERE has_database_privilege(role, current_database(), privilege)
        """,
        names,
    ).fetchall()
    assert sorted(database) == [
        (LOADER, "TEMPORARY"),
        (MODELLER, "CREATE"),
        (MODELLER, "TEMPORARY"),
    ]


def test_roles_have_no_server_privileges_and_none_over_each_other(
    owner: psycopg.Connection, guarded: str
) -> None:
    ours = [[*ROLES[1:], "isobar_owner"]]
    powers = owner.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolcreaterole"
        " OR rolcreatedb OR rolbypassrls OR rolreplication)",
        ours,
    )
    assert powers.fetchall() == []
    members = owner.execute(
        "SELECT member::regrole, roleid::regrole FROM pg_auth_members"
        " WHERE member = ANY(%s::text[]::regrole[])",
        ours,
    )
    assert [one for one in members if one[1].endswith("analyst")] == [(MODELLER, ANALYST)]


def test_functions_of_analysts_change_nothing_and_may_run_in_parallel(
    owner: psycopg.Connection,
) -> None:
    others = (
        "SELECT proname FROM pg_proc WHERE pronamespace = 'metrics'::regnamespace"
        " AND (provolatile, proparallel) <> ('s', 's')"
    )
    assert owner.execute(others).fetchall() == []
