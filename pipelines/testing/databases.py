"""PostgreSQL for tests: a server of the session, and databases that tests make and throw away."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

    from pipelines.postgres.server import Connections

#: A file system in memory: servers start and copies are made there in a tenth of the time.
MEMORY = Path("/dev/shm")  # noqa: S108 - only folders of random names are made in it
#: What the servers of all workers may need.
SERVERS_BYTES = 4_000_000_000


def in_memory() -> Path | None:
    """Return a folder in memory for the files of servers; None where there is too little."""
    has_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > SERVERS_BYTES
    return MEMORY if has_memory else None


def new_folder(within: Path | None = None) -> Path:
    """Make a folder that a system user may reach, which pytest's own are not if root runs them."""
    folder = Path(tempfile.mkdtemp(prefix="isobar-test-", dir=within or in_memory()))
    folder.chmod(0o755)
    return folder


#: A server that does not care for power cuts. Each copy and each drop of a database reads through
#: all buffers, and each login computes as many hashes.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "scram_iterations": "1",
}
#: The connections that make and drop databases, by the port of their server.
_makers: dict[int, psycopg.Connection] = {}


@contextmanager
def running_server() -> Iterator[Connections]:
    """Start a PostgreSQL server of a session of tests, and remove it afterwards."""
    import psycopg
    from psycopg import sql

    from pipelines.postgres.roles import SUPERUSER
    from pipelines.postgres.server import EmbeddedPostgres

    folder = new_folder()
    built_in = EmbeddedPostgres(folder)
    try:
        first = built_in.start().url(SUPERUSER, "postgres")
        with psycopg.connect(first, autocommit=True) as postgres:
            for name, value in SETTINGS.items():
                statement = sql.SQL("ALTER SYSTEM SET {} = {}")
                postgres.execute(statement.format(sql.Identifier(name), sql.Literal(value)))
        built_in.stop()
        connections = built_in.start()
        maker = psycopg.connect(connections.url(SUPERUSER, "postgres"), autocommit=True)
        with maker:
            for role, password in connections.passwords.items():
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                maker.execute(statement.format(sql.Identifier(role), sql.Literal(password)))
            _makers[connections.port] = maker
            yield connections
    finally:
        built_in.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _execute(server: Connections, statement: sql.Composed) -> None:
    """Execute a statement as the superuser; servers of a test's own may be killed in between."""
    import psycopg

    from pipelines.postgres.roles import SUPERUSER

    if (maker := _makers.get(server.port)) is not None:
        maker.execute(statement)
        return
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


def make(server: Connections, template: str = "template1") -> str:
    """Copy a template of a server; return the name of the copy."""
    from psycopg import sql

    name = f"test_{uuid.uuid4().hex[:12]}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    _execute(server, copy.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def drop(server: Connections, name: str) -> None:
    """Drop a copy, and Dagster's beside it."""
    from psycopg import sql

    for one in (name, f"{name}_dagster"):
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        _execute(server, statement.format(sql.Identifier(one)))


@contextmanager
def made(server: Connections, template: str = "template1") -> Iterator[str]:
    """Copy a template of a server, and drop the copy afterwards."""
    name = make(server, template)
    yield name
    drop(server, name)
