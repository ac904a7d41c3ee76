"""Logins as people have them, and a database as a migration leaves it for them."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pipelines.migrations import apply
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import engine_for


def prepare(url: str) -> None:
    """Prepare roles, as a migration does first."""
    engine = engine_for(url, role=None)
    with engine.begin() as connection:
        apply.prepare(connection)
    engine.dispose()


@contextmanager
def login(server: Connections, database: str, role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url(role, database), autocommit=True) as connection:
        yield connection


@contextmanager
def member_of(owner: psycopg.Connection, server: Connections, role: str) -> Iterator[str]:
    """The address of a login that has only what the role has."""
    owner.execute("DROP ROLE IF EXISTS jane")
    owner.execute(f"CREATE ROLE jane LOGIN PASSWORD 'jane'; GRANT {role} TO jane")
    try:
        yield f"postgresql://jane:jane@127.0.0.1:{server.port}/{owner.info.dbname}"
    finally:
        owner.execute("DROP ROLE jane")
