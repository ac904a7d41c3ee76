"""A read replica, made by the lines of docs/scaling.md, answers as the primary does."""

import shlex
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from pipelines.migrations.apply import all_tables, migrate
from pipelines.postgres import software
from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import ANALYST, DAGSTER, LOADER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import PROJECT, isobar
from pipelines_tests.cookbook import known_data
from pipelines_tests.documents.pages import blocks

PAGE = PROJECT / "docs" / "scaling.md"
PATIENCE_SECONDS = 300
SCHEMAS = {str(table.schema) for table in all_tables()} | {"enriched"}
#: What differs from one moment to the next: hours since the last delivery.
SHOWS_THE_HOUR = {"ops.feeds"}


@dataclass(frozen=True)
class Replica:
    """A standby, by the connections of its primary with a port of its own."""

    port: int
    primary: Connections

    def url(self, role: str, database: str = WAREHOUSE) -> str:
        password = self.primary.passwords[role]
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="module")
def primary(
    state_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedPostgres]:
    """A server of its own, whose warehouse has the data of the cookbook."""
    built_in = EmbeddedPostgres(state_folder / "primary")
    server = built_in.start()
    migrate(server.url(SUPERUSER, WAREHOUSE))
    warehouse = Warehouse(server.url(LOADER, WAREHOUSE))
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE), autocommit=True) as owner:
        known_data.put(warehouse, owner, tmp_path_factory.mktemp("known"))
        known_data.set_clock(owner)
        owner.execute(on_page("sql", "CREATE ROLE").encode())
    warehouse.dispose()
    yield built_in
    built_in.stop()


@pytest.fixture(scope="module")
def connections(primary: EmbeddedPostgres) -> Connections:
    found = primary.connections()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def replica(connections: Connections, state_folder: Path) -> Iterator[Replica]:
    """Made as the page says, on this machine."""
    home = state_folder / "replica"
    home.mkdir()
    software.give_to_system_user(home)
    programs, log = _programs(home), home / "server.log"
    (lines,) = [one for one in blocks(PAGE, "sh") if one.startswith("pg_basebackup")]
    here = (
        lines.replace("\\\n", "")
        .replace("/var/lib/postgresql/replica", str(home / "data"))
        .replace("primary.example:5432/?sslmode=verify-full", f"127.0.0.1:{connections.port}/")
    )
    program, *words = shlex.split(here)
    software.run_as_system_user(programs / program, *words, log=log)
    with (home / "data" / "postgresql.conf").open("a") as settings:
        settings.write(on_page("ini", "hot_standby_feedback"))
    data, port = f"--pgdata={home / 'data'}", free_port()
    start = ("start", "-w", "-t", "60", "-l", str(log), "-o", f"-p {port} -k ''")
    software.run_as_system_user(programs / "pg_ctl", data, *start, log=log)
    yield Replica(port, connections)
    software.run_as_system_user(programs / "pg_ctl", data, "stop", "-m", "fast", "-w", log=log)
    shutil.rmtree(home)


def test_every_relation_readable_by_analysts_has_equal_rows_on_replicas(
    replica: Replica, connections: Connections
) -> None:
    with (
        psycopg.connect(replica.url(ANALYST), autocommit=True) as analyst,
        psycopg.connect(connections.url(ANALYST, WAREHOUSE), autocommit=True) as at_the_primary,
    ):
        names = [name for (name,) in at_the_primary.execute(RELATIONS, [sorted(SCHEMAS)])]
        assert {"enriched.itineraries", "metrics.hotel_bookings_by_event_day"} <= set(names)
        assert len(names) > 40
        for name in set(names) - SHOWS_THE_HOUR:
            query = f"SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM {name} AS t"
            until_equal(analyst, at_the_primary, query)


#: The tables and views of ours that the analyst may read.
RELATIONS = """
SELECT nspname || '.' || relname
FROM pg_class INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'v', 'm', 'p') AND nspname = ANY (%s)
    AND has_table_privilege(pg_class.oid, 'SELECT')
"""


def test_analysts_read_the_replica(replica: Replica, connections: Connections, state: Path) -> None:
    addresses = {
        "DATABASE_URL": connections.url(SUPERUSER, WAREHOUSE),
        "ANALYST_DATABASE_URL": replica.url(ANALYST),
        "DAGSTER_POSTGRES_URL": connections.url(DAGSTER, DAGSTER),
    }
    query = ("database", "psql", "--role", "analyst", "-Atc", "SELECT pg_is_in_recovery()")
    assert isobar(state, *query, **addresses).stdout.strip() == "t"
    address = isobar(state, "database", "url", "--role", "analyst", **addresses).stdout
    assert replica.url(ANALYST) in address


def on_page(language: str, word: str) -> str:
    (lines,) = [block for block in blocks(PAGE, language) if word in block]
    return lines


def until_equal(replica: psycopg.Connection, primary: psycopg.Connection, query: str) -> None:
    """Query both until they answer the same: minutes pass between, and the replica is behind."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while replica.execute(query.encode()).fetchall() != primary.execute(query.encode()).fetchall():
        assert time.monotonic() < deadline, query
        time.sleep(0.1)


def _programs(home: Path) -> Path:
    """PostgreSQL's programs where the server's user may run them."""
    programs, user = software.find_binaries(), software.system_user()
    if user is None or software.may_execute(programs / "pg_basebackup", user):
        return programs
    return software.copy_software(programs, home)
