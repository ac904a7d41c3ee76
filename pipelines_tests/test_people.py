"""Rights and time limits of analysts, operators and runs in the database."""

from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from pipelines.failures import PermanentFailure
from pipelines.migrations import apply
from pipelines.postgres.roles import ANALYST, LOADER, OPERATOR, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import isobar
from pipelines_tests.logins import login, member_of, prepare
from pipelines_tests.solar_rows import add_readings

#: What the catalogue does not show (`warehouse/test_access.py` reads all rights), and one or two
#: of what it shows.
NOBODY_MAY = [
    "TRUNCATE flights.legs",
    "CREATE TABLE public.mine (x integer)",
    "COMMENT ON TABLE flights.legs IS 'mine'",
    "SELECT lo_import('/etc/passwd')",
    "SELECT solar.delete_plant()",
    "COPY flights.legs TO PROGRAM 'cat'",
    "COPY flights.legs FROM '/etc/passwd'",
    "TABLE pg_authid",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_reload_conf()",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "ALTER ROLE isobar PASSWORD 'mine'",
    "SET ROLE isobar_owner",
    "SET SESSION AUTHORIZATION isobar",
]
OF_ANALYSTS = [
    *NOBODY_MAY,
    "INSERT INTO solar.plants (name) VALUES ('mine')",
    "DO $$ BEGIN LOCK TABLE flights.legs IN SHARE MODE; END $$",
    "SELECT weather.correct_place('IR tehran', 35.69, 51.39)",
    "SET ROLE isobar_operator",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'isobar_loader'",
]
OF_OPERATORS = [
    *NOBODY_MAY,
    "INSERT INTO ops.quarantine DEFAULT VALUES",
    "UPDATE solar.days SET status = 'complete'",
    "TRUNCATE solar.plants CASCADE",
    "ALTER TABLE solar.plants DISABLE TRIGGER ALL",
    "SET ROLE isobar_analyst",
]
OF_RUNS = [
    *NOBODY_MAY,
    "CREATE OR REPLACE VIEW ops.quarantine_summary AS SELECT 1 AS x",
    "CREATE INDEX mine ON flights.legs (leg_id)",
    "ALTER TABLE flights.legs DISABLE TRIGGER ALL",
    "DROP TABLE flights.legs CASCADE",
    "DROP FUNCTION solar.delete_plant CASCADE",
    "UPDATE ops.revision SET version_num = 'mine'",
]


def errors_of(connection: psycopg.Connection, statements: list[str]) -> list[str]:
    """Return the statements that PostgreSQL rejects for want of rights."""
    problems = []
    for statement in statements:
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            problems.append(statement)
        except psycopg.Error:
            pass
    return problems


@pytest.mark.parametrize(
    ("role", "tried"), [(ANALYST, OF_ANALYSTS), (OPERATOR, OF_OPERATORS), (LOADER, OF_RUNS)]
)
def test_a_role_changes_nothing_but_what_is_its_to_change(
    server: Connections,
    guarded: str,
    owner: psycopg.Connection,
    warehouse: Warehouse,
    role: str,
    tried: list[str],
) -> None:
    """Neither by its own login nor by that of a person who has it."""
    with (
        warehouse.engine.connect() as _,  # somebody to terminate
        login(server, guarded, role) as own,
        member_of(owner, server, role) as address,
        psycopg.connect(address, autocommit=True) as jane,
    ):
        assert errors_of(own, tried) == tried
        assert errors_of(jane, tried) == tried
        others = [one for one in ("isobar", "isobar_loader") if one != role]
        query = "SELECT DISTINCT usename, query FROM pg_stat_activity WHERE usename = ANY(%s)"
        seen = sorted(jane.execute(query, [others]).fetchall())
        assert seen == [(one, "<insufficient privilege>") for one in others]


def test_plant_and_quarantine_commands_work_with_an_operators_login(
    server: Connections, guarded: str, owner: psycopg.Connection, state: Path
) -> None:
    with member_of(owner, server, OPERATOR) as address:
        environment = {"DATABASE_URL": address, "ISOBAR_SOURCES": "live"}
        for words in (
            ("plants", "add", "Roof"),
            ("plants", "rename", "1", "Barn"),
            ("plants", "retire", "1"),
            ("plants", "list"),
            ("plants", "delete", "1", "--yes"),
            ("quarantine", "list"),
            ("quarantine", "show", "solar"),
        ):
            if "delete" in words:
                add_readings(owner, 1, "2026-01-01", "2026-01-03")
            done = isobar(state, *words, **environment)
            assert done.returncode == 0, done.stderr
    for table in ("plants", "readings", "days"):
        assert owner.execute(f"SELECT count(*) FROM solar.{table}").fetchone() == (0,)


def test_an_analysts_query_times_out_but_a_load_does_not(
    server: Connections, guarded: str, owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    with member_of(owner, server, ANALYST) as address:
        with psycopg.connect(address) as jane:
            assert jane.execute("SHOW statement_timeout").fetchone() == ("5min",)
            idle = jane.execute("SHOW idle_in_transaction_session_timeout").fetchone()
            assert idle == ("5min",)
            assert jane.execute("SHOW search_path").fetchone() == ("public",)
        owner.execute(f"ALTER DATABASE {guarded} SET statement_timeout = '200ms'")
        prepare(server.url(SUPERUSER, guarded))  # and what an administrator set is kept
        ended = pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout")
        with psycopg.connect(address) as jane, ended:
            jane.execute("SELECT pg_sleep(300)")
    with warehouse.transaction("solar") as connection:
        connection.execute(text("SELECT pg_sleep(0.4)"))
    with login(server, guarded, SUPERUSER) as migrates:
        migrates.execute("SELECT pg_sleep(0.4)")


def test_an_analyst_fills_the_disk_so_far_and_no_further(server: Connections, guarded: str) -> None:
    with login(server, guarded, ANALYST) as analyst:
        assert analyst.execute("SHOW temp_file_limit").fetchone() == ("10GB",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("SET temp_file_limit = -1")


@pytest.mark.parametrize(("role", "most"), [(ANALYST, 50), (OPERATOR, 20)])
def test_people_cannot_use_up_all_sessions(
    server: Connections, guarded: str, role: str, most: int
) -> None:
    with ExitStack() as sessions:
        for _ in range(most):
            sessions.enter_context(login(server, guarded, role))
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            sessions.enter_context(login(server, guarded, role))
        sessions.enter_context(login(server, guarded, LOADER))


def test_a_non_superuser_owner_secures_the_database_where_permitted(
    server: Connections, empty_database: str, owner: psycopg.Connection
) -> None:
    """As on a managed server."""
    owner.execute("DROP ROLE IF EXISTS managed")
    owner.execute("CREATE ROLE managed LOGIN CREATEROLE PASSWORD 'managed'")
    for role in ("isobar_owner", LOADER, ANALYST, OPERATOR):
        owner.execute(f"GRANT {role} TO managed WITH ADMIN OPTION, SET FALSE")
    owner.execute(f"ALTER DATABASE {empty_database} OWNER TO managed")
    address = f"postgresql://managed:managed@127.0.0.1:{server.port}/{empty_database}"
    apply.migrate(address)
    with login(server, empty_database, ANALYST) as analyst:
        tried = [one for one in OF_ANALYSTS if "pg_terminate" not in one]  # no run is there
        assert errors_of(analyst, tried) == tried
        assert analyst.execute("SHOW statement_timeout").fetchone() == ("5min",)
    with psycopg.connect(address) as managed:
        assert managed.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_a_missing_operator_role_is_reported_to_unprivileged_owners(
    server: Connections, empty_database: str, owner: psycopg.Connection
) -> None:
    """As after an upgrade, where an administrator had made the roles of the version before."""
    owner.execute("DROP ROLE IF EXISTS restricted")
    owner.execute("CREATE ROLE restricted LOGIN PASSWORD 'restricted'")
    for role in ("isobar_owner", LOADER, ANALYST):
        owner.execute(f"GRANT {role} TO restricted")
    owner.execute(f"ALTER DATABASE {empty_database} OWNER TO restricted")
    owner.execute(f"ALTER ROLE {OPERATOR} RENAME TO operator_away")
    try:
        with pytest.raises(PermanentFailure, match="there is no role isobar_operator"):
            apply.migrate(
                f"postgresql://restricted:restricted@127.0.0.1:{server.port}/{empty_database}"
            )
    finally:
        owner.execute(f"ALTER ROLE operator_away RENAME TO {OPERATOR}")
