"""What tests need of databases beyond `pipelines.testing.databases`: locks, and made-up sources."""

import psycopg

from pipelines.ingest.statements import Owner
from pipelines.migrations import source_roles

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
