"""What a modeller may build, and that it can change nothing of Isobar's or of other logins."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.postgres.roles import ANALYST, LOADER, MODELLER, OPERATOR, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.runtime.personal_logins import (
    create_login,
    create_missing,
    missing_grants,
    revoke_login,
    roles_of_others,
)
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.logins import login, prepare
from pipelines_tests.test_people import WHAT_ANALYSTS_TRY, errors_of

#: What an analyst may not and a modeller may.
THEIRS = [
    "CREATE TEMPORARY TABLE mine AS TABLE flights.legs",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION pg_trgm",  # PostgreSQL trusts it
]
WHAT_MODELLERS_TRY = [
    *(one for one in WHAT_ANALYSTS_TRY if one not in THEIRS),
    "CREATE TABLE metrics.mine (x integer)",
    "CREATE TABLE ops.mine (x integer)",
    "CREATE OR REPLACE VIEW enriched.itineraries AS SELECT 1 AS x",
    "CREATE TABLE IF NOT EXISTS mine (x integer REFERENCES solar.plants)",
    "CREATE TRIGGER mine BEFORE INSERT ON solar.plants EXECUTE FUNCTION solar.delete_plant()",
    "CREATE RULE mine AS ON INSERT TO solar.plants DO NOTHING",
    "CREATE POLICY mine ON solar.plants",
    "ALTER VIEW enriched.itineraries OWNER TO CURRENT_USER",
    "ALTER VIEW enriched.itineraries RENAME TO mine",
    "ALTER SCHEMA enriched RENAME TO mine",
    "DROP VIEW enriched.itineraries CASCADE",
    "DROP SCHEMA metrics CASCADE",
    "DELETE FROM ops.sql_objects",
    "UPDATE ops.watermarks SET name = 'mine'",
    "GRANT isobar_modeller TO isobar_analyst",
    "GRANT isobar_loader TO CURRENT_USER",
    "REASSIGN OWNED BY isobar_owner TO CURRENT_USER",
    "CREATE ROLE mine",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "ALTER ROLE CURRENT_USER SET temp_file_limit = -1",
    "SET ROLE isobar_analyst",
    "SET ROLE isobar_modeller",
    "SET ROLE isobar_analyst; ALTER ROLE isobar_analyst PASSWORD 'owned'",
    "SET ROLE isobar_owner",
    "CREATE PUBLICATION mine FOR TABLE flights.legs",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION solar.delete_plant()",
    "CREATE FOREIGN DATA WRAPPER mine",
    "SELECT * FROM bob.own",
    "INSERT INTO bob.own VALUES (2)",
    "DROP TABLE bob.own",
    "CREATE TABLE bob.mine (x integer)",
    "CREATE VIEW bob.mine AS SELECT 1 AS x",
    "SET ROLE bob",
    "ALTER ROLE bob PASSWORD 'mine'",
    "ALTER SCHEMA bob RENAME TO mine",
]


@contextmanager
def logins(owner: psycopg.Connection, **modellers: bool) -> Iterator[dict[str, str]]:
    """Logins by name, and whether each is a modeller; yields their addresses."""
    addresses = {}
    try:
        for name, is_modeller in modellers.items():
            password = create_login(owner, name, is_modeller=is_modeller, new_password=False)
            one = owner.info
            addresses[name] = f"postgresql://{name}:{password}@{one.host}:{one.port}/{one.dbname}"
        yield addresses
    finally:
        for name in modellers:
            with suppress(psycopg.errors.UndefinedObject):
                owner.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}".encode())


def test_a_modeller_changes_nothing_but_its_own(
    owner: psycopg.Connection, guarded: str, warehouse: Warehouse
) -> None:
    with warehouse.engine.connect() as _, logins(owner, jane=True, bob=True) as urls:
        with psycopg.connect(urls["bob"], autocommit=True) as bob:
            bob.execute("CREATE TABLE own AS SELECT 1 AS number")
        with psycopg.connect(urls["jane"], autocommit=True) as jane:
            assert errors_of(jane, WHAT_MODELLERS_TRY) == WHAT_MODELLERS_TRY


def test_a_modeller_builds_in_schemas_of_its_own(owner: psycopg.Connection, guarded: str) -> None:
    with logins(owner, jane=True) as urls, psycopg.connect(urls["jane"], autocommit=True) as jane:
        jane.execute("CREATE TABLE legs AS TABLE flights.legs")
        jane.execute("CREATE VIEW offers AS SELECT route FROM enriched.itineraries")
        jane.execute("CREATE TEMPORARY TABLE passing AS TABLE offers")
        jane.execute("CREATE SCHEMA jane_snapshots; CREATE TABLE jane_snapshots.kept (x integer)")
        jane.execute("CREATE TABLE replaced AS TABLE offers; ALTER TABLE replaced RENAME TO kept")
        found = jane.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE tableowner = 'jane'"
        )
        assert {*found} >= {("jane", "legs"), ("jane", "kept"), ("jane_snapshots", "kept")}
        assert jane.execute("SHOW statement_timeout").fetchone() == ("30min",)
        assert jane.execute("SHOW temp_file_limit").fetchone() == ("10GB",)


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


def test_an_analyst_can_become_a_modeller_and_keeps_its_password(
    owner: psycopg.Connection, guarded: str, warehouse: Warehouse
) -> None:
    with warehouse.engine.connect() as _, logins(owner, jane=False) as urls:
        with psycopg.connect(urls["jane"], autocommit=True) as jane:
            assert errors_of(jane, WHAT_ANALYSTS_TRY) == WHAT_ANALYSTS_TRY
        for _ in range(2):
            assert create_login(owner, "jane", is_modeller=True, new_password=False) is None
        with psycopg.connect(urls["jane"], autocommit=True) as jane:
            jane.execute("CREATE TABLE mine (x integer)")
        create_login(owner, "jane", is_modeller=False, new_password=False)
        with psycopg.connect(urls["jane"], autocommit=True) as jane:
            jane.execute("CREATE TABLE still_a_modeller (x integer)")
        assert create_login(owner, "jane", is_modeller=False, new_password=True)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(urls["jane"])


@pytest.mark.parametrize("correct", ["login", "migrate", "restore"])
def test_a_login_that_was_let_become_its_group_does_not_any_more(
    owner: psycopg.Connection, guarded: str, server: Connections, correct: str
) -> None:
    """As it could become isobar_analyst, it could change the password of the dashboards' login."""
    become = ["SET ROLE isobar_analyst", "SET ROLE isobar_modeller"]
    with logins(owner, jane=False) as urls:
        create_login(owner, "jane", is_modeller=True, new_password=False)
        with psycopg.connect(urls["jane"], autocommit=True) as jane:
            assert errors_of(jane, become) == become
            owner.execute("GRANT isobar_analyst, isobar_modeller TO jane WITH SET TRUE")
            assert errors_of(jane, become) == []
            roles = [one for one in roles_of_others(owner) if one.name == "jane"]
            grants = [(ANALYST, "jane"), (MODELLER, "jane")]
            assert sorted(missing_grants(owner, roles)) == grants
            if correct == "login":
                create_login(owner, "jane", is_modeller=True, new_password=False)
            elif correct == "migrate":
                prepare(server.url(SUPERUSER, guarded))
            else:
                create_missing(owner, roles)
            jane.execute("RESET ROLE")
            assert errors_of(jane, become) == become
            assert missing_grants(owner, roles) == []


def test_a_revoked_login_cannot_log_in_again_while_its_sessions_are_ended(
    owner: psycopg.Connection, guarded: str, server: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = psycopg.Connection.execute
    tried: list[str] = []

    def execute_and_log_in(connection: psycopg.Connection, query: Any, *given: Any) -> Any:
        result = execute(connection, query, *given)
        if "pg_terminate_backend" in str(query):
            with pytest.raises(psycopg.OperationalError, match=r"not permitted|authentication"):
                psycopg.connect(urls["jane"])
            tried.append(str(query))
        return result

    url = server.url(SUPERUSER, guarded)
    with logins(owner, jane=True) as urls, psycopg.connect(url) as connection:
        monkeypatch.setattr(psycopg.Connection, "execute", execute_and_log_in)
        assert revoke_login(connection, "jane") is True
    assert tried


def test_a_revoked_login_is_gone_or_keeps_what_it_owns(
    owner: psycopg.Connection, guarded: str
) -> None:
    with logins(owner, jane=True, bob=True) as urls:
        with psycopg.connect(urls["jane"], autocommit=True) as jane:
            jane.execute("CREATE TABLE mine AS SELECT 7 AS number")
            assert revoke_login(owner, "jane") is False
            with pytest.raises(psycopg.OperationalError, match="terminating connection"):
                jane.execute("TABLE mine")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(urls["jane"])
        assert owner.execute("TABLE jane.mine").fetchone() == (7,)
        rights = "SELECT pg_has_role('jane', 'isobar_analyst', 'MEMBER')"
        assert owner.execute(rights).fetchone() == (False,)
        assert revoke_login(owner, "bob") is True
        assert owner.execute("SELECT to_regnamespace('bob')").fetchone() == (None,)
        with pytest.raises(PermanentFailure, match="there is no login bob"):
            revoke_login(owner, "bob")
        password = create_login(owner, "jane", is_modeller=True, new_password=False)
        again = urls["jane"].replace(urls["jane"].split(":")[2].split("@")[0], password or "")
        with psycopg.connect(again) as jane:
            assert jane.execute("TABLE mine").fetchone() == (7,)


def test_roles_and_schemas_of_others_are_not_taken(owner: psycopg.Connection, guarded: str) -> None:
    owner.execute("DROP ROLE IF EXISTS stranger")
    owner.execute("CREATE ROLE stranger LOGIN PASSWORD 'own'")
    try:
        for change in (
            lambda: create_login(owner, "stranger", is_modeller=True, new_password=True),
            lambda: revoke_login(owner, "stranger"),
        ):
            with pytest.raises(PermanentFailure, match="has not made it"):
                change()
        with (
            pytest.raises(
                PermanentFailure, match="schema solar exists and belongs to isobar_owner"
            ),
            owner.transaction(),
        ):
            create_login(owner, "solar", is_modeller=True, new_password=False)
        assert owner.execute("SELECT FROM pg_roles WHERE rolname = 'solar'").rowcount == 0
    finally:
        owner.execute("DROP ROLE stranger")
