"""What a modeller may build, and that it can change nothing of Isobar's or of other logins."""

import psycopg

from pipelines.postgres.roles import ANALYST, LOADER, OPERATOR, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.logins import login, logins
from pipelines_tests.test_people import OF_ANALYSTS, errors_of

WHAT_MODELLERS_TRY = [
    *OF_ANALYSTS,
    "CREATE TABLE metrics.mine (x integer)",
    "CREATE OR REPLACE VIEW enriched.itineraries AS SELECT 1 AS x",
    "CREATE TABLE IF NOT EXISTS mine (x integer REFERENCES solar.plants)",
    "CREATE TRIGGER mine BEFORE INSERT ON solar.plants EXECUTE FUNCTION solar.delete_plant()",
    "ALTER VIEW enriched.itineraries OWNER TO CURRENT_USER",
    "DROP SCHEMA metrics CASCADE",
    "GRANT isobar_modeller TO isobar_analyst",
    "GRANT isobar_loader TO CURRENT_USER",
    "REASSIGN OWNED BY isobar_owner TO CURRENT_USER",
    "CREATE ROLE mine",
    "ALTER ROLE CURRENT_USER SET temp_file_limit = -1",
    "SET ROLE isobar_modeller",
    "SET ROLE isobar_analyst; ALTER ROLE isobar_analyst PASSWORD 'owned'",
    "CREATE PUBLICATION mine FOR TABLE flights.legs",
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION solar.delete_plant()",
    "SELECT * FROM bob.own",
    "INSERT INTO bob.own VALUES (2)",
    "SET ROLE bob",
]


def test_a_modeller_changes_nothing_but_its_own(
    owner: psycopg.Connection, guarded: str, warehouse: Warehouse
) -> None:
    with warehouse.engine.connect() as _, logins(owner, jane=True, bob=True) as urls:
        with psycopg.connect(urls["bob"], autocommit=True) as bob:
            bob.execute("CREATE TABLE own AS SELECT 1 AS number")
        with psycopg.connect(urls["jane"], autocommit=True) as jane:
            assert errors_of(jane, WHAT_MODELLERS_TRY) == WHAT_MODELLERS_TRY
            assert jane.execute("SHOW statement_timeout").fetchone() == ("30min",)


def test_a_schema_named_like_a_login_catches_no_name(
    owner: psycopg.Connection, guarded: str, server: Connections
) -> None:
    """A schema "$user" on the search path would give a modeller the rights of that login."""
    names = (SUPERUSER, LOADER, ANALYST, OPERATOR)
    with logins(owner, jane=True) as urls:
        with psycopg.connect(urls["jane"], autocommit=True) as jane:
            for name in (*names, "isobar_owner"):
                jane.execute(f"CREATE SCHEMA {name}".encode())
                jane.execute(
                    f"CREATE FUNCTION {name}.lower(character varying) RETURNS text"
                    " LANGUAGE sql AS $$ SELECT 'caught' $$".encode()
                )
                jane.execute(f"GRANT USAGE ON SCHEMA {name} TO PUBLIC".encode())
            jane.execute("SET search_path = isobar")
            lower = "SELECT lower(CAST('FREE' AS character varying))"
            assert jane.execute(lower).fetchone() == ("caught",), "the attack works where it can"
        for name in names:
            with login(server, guarded, name) as session:
                assert session.execute(lower).fetchone() == ("free",), name
        with login(server, guarded, SUPERUSER) as session:
            session.execute("SET ROLE isobar_owner")
            assert session.execute(lower).fetchone() == ("free",)
