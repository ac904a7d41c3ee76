"""Databases that tests make and throw away."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from pipelines.ingest.load import Owner
from pipelines.migrations import source_roles
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections

#: How many sessions wait for a lock of the session that runs this query. Sessions of the
#: platform wait for each other's locks for a moment too; those do not count.
WAITING_FOR_THIS_SESSION = (
    "SELECT count(DISTINCT pid) FROM pg_locks"
    " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


def isolate(connection: psycopg.Connection, source: Owner) -> None:
    """Give a source that a test made up its role, and the function that runs its statements."""
    with connection.transaction():
        connection.execute(source_roles.role_script(source.name).encode())
        connection.execute("SET LOCAL ROLE isobar_owner")
        for script in source_roles.function_file(source).values():
            connection.execute(script.encode())


@contextmanager
def made(server: Connections, template: str = "template1") -> Iterator[str]:
    """The name of a copy of the template, which goes again, as does what Dagster has beside it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    yield name
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        for one in (name, f"{name}_dagster"):
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(one))
            )
