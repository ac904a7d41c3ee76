"""The rights of each role over every object that there is, and over what comes later."""

import pytest
from psycopg import Connection

from pipelines.postgres.roles import ANALYST, LOADER, MODELLER, OPERATOR

ROLES = ("public", ANALYST, MODELLER, OPERATOR, LOADER)
WRITES = {"INSERT", "UPDATE", "DELETE"}
OF_MIGRATE = {"ops.sql_objects", "ops.source_parts", "ops.revision"}
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
#: The schema of relations and functions, where it is ours.
OURS = "pg_namespace ON {}namespace = pg_namespace.oid AND nspowner = 'isobar_owner'::regrole"
RELATIONS = (
    f"SELECT pg_class.oid, nspname || '.' || relname FROM pg_class JOIN {OURS.format('rel')}"
)
TABLES = f"{RELATIONS} WHERE relkind IN ('r', 'p', 'v', 'm', 'f')"
SEQUENCES = f"{RELATIONS} WHERE relkind = 'S'"
FUNCTIONS = f"""SELECT pg_proc.oid, proname || CASE WHEN prosecdef THEN ' as owner' ELSE '' END
FROM pg_proc JOIN {OURS.format("pro")}"""
SCHEMAS = "SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'"
DATABASE = "SELECT oid, 'this one' FROM pg_database WHERE datname = current_database()"
#: Functions of PostgreSQL's own by which everyone could write, or block loads.
CLOSED = """SELECT oid, proname FROM pg_proc WHERE proname ~
'^(lo_creat|lo_create|lo_from_bytea|pg_logical_emit_message|pg_export_snapshot)$'"""
LOCKS = "SELECT oid, proname FROM pg_proc WHERE proname ~ '^pg_(try_)?advisory_.*lock'"
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
def when(owner: Connection, guarded: str, request: pytest.FixtureRequest) -> str:
    """Whether the rights are those of today, or also on objects that come later."""
    if request.param == "later":
        owner.execute(LATER)
    return str(request.param)


def rights(
    owner: Connection, kind: str, objects: str, *privileges: str
) -> dict[tuple[str, str], set[str]]:
    """Return the rights of each role on each object of a kind, by role and name."""
    may = f"has_{kind}_privilege(role, one.oid, privilege)"
    rows = owner.execute(
        f"SELECT role, name, array_agg(privilege) FILTER (WHERE {may})"
        f" FROM ({objects}) AS one (oid, name) CROSS JOIN unnest(%s::text[]) AS role"
        " CROSS JOIN unnest(%s::text[]) AS privilege GROUP BY role, name",
        [list(ROLES), list(privileges)],
    )
    return {(role, name): set(found or ()) for role, name, found in rows.fetchall()}


def rights_wanted(role: str, table: str, newest: set[str]) -> set[str]:
    rights = {
        "public": set(),
        ANALYST: {"SELECT"},
        MODELLER: {"SELECT"},
        OPERATOR: {"SELECT"} | OF_OPERATOR.get(table, set()),
        LOADER: {"SELECT"} | newest | WRITES,
    }[role]
    return rights - WRITES if role == LOADER and table in OF_MIGRATE else rights


def test_each_role_has_exactly_its_rights_on_every_relation(owner: Connection, when: str) -> None:
    newest = {"MAINTAIN"} if owner.info.server_version >= 170000 else set()
    all_rights = ("SELECT", *WRITES, "TRUNCATE", "REFERENCES", "TRIGGER", *newest)
    found = rights(owner, "table", TABLES, *all_rights)
    tables = {table for _, table in found}
    assert tables >= {*OF_MIGRATE, *OF_OPERATOR, "enriched.itineraries"}
    assert ("later.things" in tables) is (when == "later")
    assert found == {one: rights_wanted(*one, newest) for one in found}
    columns = owner.execute(
        f"""
        SELECT role, name, attname, privilege FROM ({TABLES}) AS one (oid, name)
        JOIN pg_attribute ON attrelid = one.oid AND attnum > 0 AND NOT attisdropped
        CROSS JOIN unnest(%s::text[]) AS role
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS privilege
        WHERE has_column_privilege(role, attrelid, attnum, privilege)
            AND NOT has_table_privilege(role, attrelid, privilege)
        """,
        [list(ROLES)],
    ).fetchall()
    assert set(columns) == {(OPERATOR, *column, "UPDATE") for column in COLUMNS_OF_OPERATOR}


def test_functions_lend_nobody_the_rights_of_their_owner(owner: Connection, when: str) -> None:
    found = rights(owner, "function", FUNCTIONS, "EXECUTE")
    assert len({name for _, name in found}) > 8
    for (role, name), may in found.items():
        assert bool(may) is (role != "public" and not name.endswith(" as owner")), (role, name)
    settings = "SELECT DISTINCT proconfig FROM pg_proc JOIN " + OURS.format("pro")
    as_owner = owner.execute(f"{settings} WHERE prosecdef").fetchall()
    assert as_owner == [(["search_path=pg_catalog, pg_temp"],)]
    closed = rights(owner, "function", CLOSED, "EXECUTE")
    assert len(closed) == 5 * len(ROLES)
    assert not any(closed.values())
    locks = rights(owner, "function", LOCKS, "EXECUTE")
    assert {role for (role, _), may in locks.items() if may} == {OPERATOR, LOADER}


def test_nobody_but_the_owner_makes_objects(owner: Connection, when: str) -> None:
    of_owner = "SELECT nspname FROM pg_namespace WHERE nspowner = 'isobar_owner'::regrole"
    ours = {name for (name,) in owner.execute(of_owner)}
    for (role, schema), may in rights(owner, "schema", SCHEMAS, "USAGE", "CREATE").items():
        assert may == ({"USAGE"} if schema not in ours or role in ROLES[1:] else set()), schema
    found = rights(owner, "sequence", SEQUENCES, "SELECT", "USAGE", "UPDATE")
    sequences = {one: may for one, may in found.items() if may and one[0] != LOADER}
    assert sequences == {(OPERATOR, "solar.plants_plant_id_seq"): {"USAGE"}}
    database = rights(owner, "database", DATABASE, "CREATE", "TEMPORARY")
    assert {role: may for (role, _), may in database.items() if may} == {
        LOADER: {"TEMPORARY"},
        MODELLER: {"CREATE", "TEMPORARY"},
    }


def test_roles_have_no_server_privileges_and_none_over_each_other(
    owner: Connection, guarded: str
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
    assert members.fetchall() == [(MODELLER, ANALYST)]


def test_functions_change_nothing_and_may_run_in_parallel(owner: Connection) -> None:
    others = (
        "SELECT proname FROM pg_proc WHERE pronamespace = 'metrics'::regnamespace"
        " AND (provolatile, proparallel) <> ('s', 's')"
    )
    assert owner.execute(others).fetchall() == []
