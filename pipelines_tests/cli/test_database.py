"""`isobar database`: a look changes nothing."""

from pathlib import Path

import psycopg

from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.command import isobar


def test_psql_and_url_create_no_tables(
    empty_state: Path, server: Connections, empty_database: str
) -> None:
    """Incident: a look at an empty database with psql migrated it."""
    url = server.url(SUPERUSER, empty_database)
    tables = "SELECT count(*) FROM pg_namespace WHERE nspname = 'ops'"
    seen = isobar(empty_state, "database", "psql", "-Atc", tables, DATABASE_URL=url)
    assert (seen.returncode, seen.stdout) == (0, "0\n"), seen.stderr
    assert isobar(empty_state, "database", "url", DATABASE_URL=url).stdout.strip() == url
    with psycopg.connect(url) as connection:
        assert connection.execute(tables).fetchone() == (0,)
    assert isobar(empty_state, "database", "psql", "-Atc", tables).stdout == "0\n"
