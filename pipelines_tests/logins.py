"""Logins as people have them, and a database as a migration leaves it for them."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pipelines.migrations import apply
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import engine_for
from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import blocks


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


def create_login(owner: psycopg.Connection, name: str, *, is_modeller: bool) -> str:
    """Create a login as docs/connect.md says; return its address."""
    of_analyst, of_modeller, *_ = blocks(PROJECT / "docs" / "connect.md", "sql")
    script = of_modeller.replace("dbt", name) if is_modeller else of_analyst.replace("jane", name)
    owner.execute(script.encode())
    at = owner.info
    return f"postgresql://{name}:a-long-password@{at.host}:{at.port}/{at.dbname}"


@contextmanager
def logins(owner: psycopg.Connection, **modellers: bool) -> Iterator[dict[str, str]]:
    """The addresses of logins by name, and whether each is a modeller."""
    try:
        yield {
            name: create_login(owner, name, is_modeller=is_modeller)
            for name, is_modeller in modellers.items()
        }
    finally:
        for name in modellers:
            owner.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}".encode())
