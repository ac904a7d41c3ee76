"""Logins on a server of one's own: who may enter as which role, by which password."""

import os
from collections.abc import Iterable, Mapping

import psycopg
from psycopg import sql

from pipelines.config.secret_files import secret
from pipelines.failures import PermanentFailure
from pipelines.postgres.clients import connect, place_of, revoke_public_connect
from pipelines.postgres.roles import ANALYST, DAGSTER, LOADER, OPERATOR

OWNER_PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 - the name of one
#: The roles that log in, and the variables that hold their passwords.
PASSWORDS = {
    LOADER: "LOADER_PASSWORD",
    ANALYST: "ANALYST_PASSWORD",
    OPERATOR: "OPERATOR_PASSWORD",
    DAGSTER: "DAGSTER_PASSWORD",
}


def passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """The password of each role that logs in. Raises `PermanentFailure` when one is not set."""
    if names := missing(environment, PASSWORDS.values()):
        raise PermanentFailure(
            "configuration",
            f"not set: {', '.join(names)}",
            place="the environment or .env",
            remedy="Set each to a long random word, or <name>_FILE to a file that holds it.",
        )
    return {role: secret(environment, name) for role, name in PASSWORDS.items()}


def missing(environment: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Which of these passwords are set neither by variable nor by file."""
    return [name for name in names if not secret(environment, name)]


def set_role_passwords(url: str, password_of: Mapping[str, str]) -> None:
    """Let each role of a migrated database log in by its password, and no more by the last one.

    Dagster's role and a database of its own are made where they are missing. A password leaves
    this process hashed. Raises `PermanentFailure` for a user who may not do that.
    """
    try:
        with connect(url, autocommit=True) as connection:
            _reject_mighty(connection, url)
            query = "SELECT 1 FROM pg_roles WHERE rolname = %s"
            if connection.execute(query, [DAGSTER]).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(DAGSTER)))
            for role, password in password_of.items():
                hashed = connection.pgconn.encrypt_password(
                    os.fsencode(password), role.encode(), b"scram-sha-256"
                )
                statement = sql.SQL("ALTER ROLE {} LOGIN VALID UNTIL 'infinity' PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(role), hashed.decode()))
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [DAGSTER]).fetchone() is None:
                names = sql.Identifier(DAGSTER), sql.Identifier(DAGSTER)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
            for name in _closed(connection):
                revoke_public_connect(connection, name)
    except psycopg.Error as error:
        raise PermanentFailure(
            "database",
            f"the logins could not be created: {str(error).strip()}",
            place=place_of(url),
            remedy="DATABASE_URL has to be a superuser here, or one who made these roles.",
        ) from error


def _reject_mighty(connection: psycopg.Connection, url: str) -> None:
    """A role of ours that may do anything was made by somebody for something else."""
    query = """
    SELECT rolname FROM pg_roles
    WHERE rolname = ANY(%s) AND (rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls)
    """
    mighty = [name for (name,) in connection.execute(query, [list(PASSWORDS)]).fetchall()]
    if mighty:
        raise PermanentFailure(
            "database",
            f"roles have too many rights: {', '.join(mighty)}",
            place=place_of(url),
            remedy="As an administrator: ALTER ROLE … NOSUPERUSER NOCREATEROLE NOREPLICATION"
            " NOBYPASSRLS, then run again.",
        )


def _closed(connection: psycopg.Connection) -> list[str]:
    """Return the databases that only their owners may connect to.

    On a server that was created for Isobar by its first user, these are all but the warehouse;
    on any other server, Dagster's alone.
    """
    query = "SELECT oid = 10 AND rolname = 'isobar' FROM pg_roles WHERE rolname = current_user"
    is_ours = connection.execute(query).fetchone() == (True,)
    return [DAGSTER, "postgres", "template1"] if is_ours else [DAGSTER]
