"""Role passwords and connect privileges on an external server."""

import os
from collections.abc import Iterable, Mapping

from psycopg import sql

from pipelines.config.env_validation import secret
from pipelines.failures import PermanentFailure
from pipelines.postgres.clients import connect, create_database, place_of, revoke_public_connect
from pipelines.postgres.errors import translated
from pipelines.postgres.roles import ANALYST, DAGSTER, LOADER, OPERATOR

OWNER_PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 - the name of one
#: Roles that log in, and the variables that hold their passwords.
PASSWORDS = {
    LOADER: "LOADER_PASSWORD",
    ANALYST: "ANALYST_PASSWORD",
    OPERATOR: "OPERATOR_PASSWORD",
    DAGSTER: "DAGSTER_PASSWORD",
}


def passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the password of each login role. Raises `PermanentFailure` if one is not set."""
    if names := missing(environment, PASSWORDS.values()):
        raise PermanentFailure(
            "configuration",
            f"not set: {', '.join(names)}",
            place="the environment or .env",
            remedy="Set each to a long random word, or <name>_FILE to a file that holds it.",
        )
    return {role: secret(environment, name) for role, name in PASSWORDS.items()}


def missing(environment: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Return the names of the passwords that neither a variable nor a file sets."""
    return [name for name in names if not secret(environment, name)]


def set_role_passwords(url: str, password_of: Mapping[str, str]) -> None:
    """Set the password of each role of a migrated database; previous passwords stop working.

    Dagster's role and database are created if they are missing. Passwords are hashed before they
    leave this process. Raises `PermanentFailure` if the user lacks the rights.
    """
    with (
        translated(
            "database",
            "the logins could not be created",
            place=place_of(url),
            remedy="DATABASE_URL has to be a superuser here, or one who made these roles.",
        ),
        connect(url, autocommit=True) as connection,
    ):
        query = "SELECT 1 FROM pg_roles WHERE rolname = %s"
        if connection.execute(query, [DAGSTER]).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(DAGSTER)))
        for role, password in password_of.items():
            hashed = connection.pgconn.encrypt_password(
                os.fsencode(password), role.encode(), b"scram-sha-256"
            )
            statement = sql.SQL("ALTER ROLE {} LOGIN VALID UNTIL 'infinity' PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(role), hashed.decode()))
        create_database(connection, DAGSTER, DAGSTER)
        query = "SELECT oid = 10 AND rolname = 'isobar' FROM pg_roles WHERE rolname = current_user"
        is_ours = connection.execute(query).fetchone() == (True,)  # the server was made for Isobar
        for name in (DAGSTER, *(("postgres", "template1") if is_ours else ())):
            revoke_public_connect(connection, name)
