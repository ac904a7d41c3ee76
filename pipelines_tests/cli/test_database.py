"""`isobar database`: personal logins, and that a look changes nothing."""

import re
from pathlib import Path

import psycopg
import pytest

from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.command import isobar
from pipelines_tests.test_people import errors_of


@pytest.mark.parametrize("is_superuser", [True, False])
def test_the_command_makes_a_login_for_any_owner_of_a_database(
    empty_state: Path, server: Connections, template: str, empty_database: str, is_superuser: bool
) -> None:
    """As on a managed server: the owner of the database has CREATEROLE, and is no superuser."""
    name, groups = f"of_{empty_database}", ("owner", "loader", "analyst", "operator", "modeller")
    at, url = f"127.0.0.1:{server.port}/{empty_database}", server.url(SUPERUSER, empty_database)
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as admin:
        if not is_superuser:
            admin.execute("DROP ROLE IF EXISTS managed_owner")
            admin.execute("CREATE ROLE managed_owner LOGIN CREATEROLE PASSWORD 'managed'")
            for role in groups:
                grant = f"GRANT isobar_{role} TO managed_owner WITH ADMIN OPTION, SET FALSE"
                admin.execute(grant.encode())
            admin.execute(f"ALTER DATABASE {empty_database} OWNER TO managed_owner".encode())
            url = f"postgresql://managed_owner:managed@{at}?sslmode=disable"
        migrate(url)
        made = isobar(empty_state, "database", "login", name, "--modeller", DATABASE_URL=url)
        try:
            assert made.returncode == 0, made.stderr
            (address,) = made.stdout.splitlines()
            assert re.fullmatch(f"postgresql://{name}:[^@]+@{at}", address)
            with psycopg.connect(address, autocommit=True) as session:
                session.execute("CREATE TABLE mine AS TABLE flights.legs")
                session.execute("CREATE TEMPORARY TABLE passing (x integer)")
                session.execute("CREATE SCHEMA more")
                assert errors_of(session, ["DELETE FROM flights.legs", "SET ROLE isobar_owner"])
            again = isobar(empty_state, "database", "login", name, "--modeller", DATABASE_URL=url)
            assert (again.returncode, again.stdout) == (0, "")
            revoked = isobar(empty_state, "database", "login", name, "--revoke", DATABASE_URL=url)
            assert "It owns objects, which are kept" in revoked.stderr
            analyst = f"an_{empty_database}"
            made = isobar(empty_state, "database", "login", analyst, DATABASE_URL=url)
            with psycopg.connect(made.stdout.strip()) as session:
                session.execute("DECLARE reading CURSOR FOR SELECT * FROM generate_series(1, 9)")
                words = ("database", "login", analyst, "--revoke")
                revoked = isobar(empty_state, *words, DATABASE_URL=url)
                assert revoked.stderr.strip() == f"Revoked the login {analyst}."
                with pytest.raises(psycopg.OperationalError, match="terminating connection"):
                    session.execute("FETCH ALL FROM reading")  # of which no right is checked
            taken = isobar(empty_state, "database", "login", "isobar_loader", DATABASE_URL=url)
            assert taken.returncode == 2
        finally:
            with psycopg.connect(server.url(SUPERUSER, empty_database), autocommit=True) as owner:
                owner.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}".encode())


@pytest.mark.parametrize("name", ["public", "none"])
def test_a_login_cannot_have_a_name_that_postgresql_reserves(empty_state: Path, name: str) -> None:
    rejected = isobar(empty_state, "database", "login", name)
    assert rejected.returncode == 2
    assert f"PostgreSQL reserves the name {name}; choose another" in rejected.stderr


def test_psql_and_url_create_no_tables(
    empty_state: Path, server: Connections, empty_database: str
) -> None:
    """Incident: a look at an empty database with psql migrated it."""
    url = server.url(SUPERUSER, empty_database)
    tables = "SELECT count(*) FROM pg_namespace WHERE nspname = 'ops'"
    seen = isobar(empty_state, "database", "psql", "-Atc", tables, DATABASE_URL=url)
    assert (seen.returncode, seen.stdout) == (0, "0\n"), seen.stderr
    assert isobar(empty_state, "database", "url", DATABASE_URL=url).stdout.strip() == url
    with psycopg.connect(url) as connection:
        assert connection.execute(tables).fetchone() == (0,)
    assert isobar(empty_state, "database", "psql", "-Atc", tables).stdout == "0\n"
