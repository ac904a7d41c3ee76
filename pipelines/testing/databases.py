"""PostgreSQL for tests: a server of the session, and databases that tests make and throw away."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres

#: A file system in memory: servers start and copies are made there in a tenth of the time.
MEMORY = Path("/dev/shm")  # noqa: S108 - only folders of random names are made in it
#: What the servers of all workers may need.
SERVERS_BYTES = 4_000_000_000
#: A server that does not care for power cuts. Copies read through all buffers.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "scram_iterations": "1",
}


def new_folder(within: Path | None = None) -> Path:
    """Make a folder that a system user may reach, by default in memory if there is enough."""
    has_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > SERVERS_BYTES
    within = within or (MEMORY if has_memory else None)
    folder = Path(tempfile.mkdtemp(prefix="isobar-test-", dir=within))
    folder.chmod(0o755)
    return folder


@contextmanager
def running_server() -> Iterator[Connections]:
    """Start a PostgreSQL server of a session of tests, and remove it afterwards."""
    folder = new_folder()
    built_in = EmbeddedPostgres(folder)
    try:
        connections = built_in.start()
        for name, value in SETTINGS.items():
            _execute(connections, "ALTER SYSTEM SET {} = {}", name, sql.Literal(value))
        built_in.stop()
        connections = built_in.start()
        for role, password in connections.passwords.items():
            _execute(connections, "ALTER ROLE {} PASSWORD {}", role, sql.Literal(password))
        yield connections
    finally:
        built_in.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _execute(server: Connections, statement: str, name: str, *more: sql.Composable) -> None:
    """Execute a statement about what has a name as the superuser."""
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name), *more))


def make(server: Connections, template: str = "template1") -> str:
    """Copy a template of a server; return the name of the copy."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    copied = sql.Identifier(template)
    _execute(server, "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, copied)
    return name


def drop(server: Connections, name: str) -> None:
    """Drop a copy, and Dagster's beside it."""
    for one in (name, f"{name}_dagster"):
        _execute(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", one)


@contextmanager
def made(server: Connections, template: str = "template1") -> Iterator[str]:
    """Copy a template of a server, and drop the copy afterwards."""
    name = make(server, template)
    yield name
    drop(server, name)
