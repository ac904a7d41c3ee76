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


@contextmanager
def running_server() -> Iterator[Connections]:
    """Start a PostgreSQL server that does not care for power cuts, and remove it afterwards."""
    import psycopg

    from pipelines.postgres.roles import SUPERUSER
    from pipelines.postgres.server import EmbeddedPostgres

    folder = new_folder()
    built_in = EmbeddedPostgres(folder)
    try:
        connections = built_in.start()
        with psycopg.connect(connections.url(SUPERUSER, "postgres"), autocommit=True) as postgres:
            for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
                postgres.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            postgres.execute("SELECT pg_reload_conf()")
        yield connections
    finally:
        built_in.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def made(server: Connections, template: str = "template1") -> Iterator[str]:
    """Copy a template, and drop the copy afterwards, with what Dagster has beside it."""
    import psycopg
    from psycopg import sql

    from pipelines.postgres.roles import SUPERUSER

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
