"""Data of every earlier version comes to this one as it was: migrated in place, and by a backup.

An earlier version is an earlier revision of the schema. Its rows are those of the cookbook, as far
as that revision had columns for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from pipelines.postgres.server import LOADER, SUPERUSER, Connections
from pipelines.warehouse.connection import Warehouse, engine_for
from pipelines.warehouse.migrations import apply
from pipelines_tests.checksums import COLUMNS, checksum, columns_of
from pipelines_tests.command import isobar
from pipelines_tests.cookbook import known_data
from pipelines_tests.databases import made

CONFIG = Config()
CONFIG.set_main_option("script_location", "pipelines:migrations")
_, *EARLIER = [one.revision for one in ScriptDirectory.from_config(CONFIG).walk_revisions()]
OF_THE_VERSION = ("ops.alembic_version", "ops.sql_objects")
NOT_IN_THE_COOKBOOK = """
INSERT INTO bookings.polls VALUES ('http://a/events', now(), now(), now(), 'it said 503', 'a run');
INSERT INTO ops.inbox_files (source, name, byte_count, modified_ns, changed_ns, reading, problem)
VALUES ('shipments', 'a.csv', 1, 2, 3, 'utf-8', 'it is a picture');
INSERT INTO weather.pauses VALUES ('open-meteo', now(), 'asked too often');
INSERT INTO weather.refreshes (place_id, kind, claim, failures, problem)
SELECT place_id, 'observations', gen_random_uuid(), 2, 'no answer' FROM weather.places;
"""
OLD_VIEWS = """
SET ROLE isobar_owner;
CREATE SCHEMA IF NOT EXISTS enriched;
CREATE VIEW enriched.itineraries AS SELECT itinerary_id AS number FROM flights.itineraries;
CREATE VIEW enriched.gone AS SELECT number FROM enriched.itineraries;
INSERT INTO ops.sql_objects (name, sha256)
VALUES ('enriched.itineraries', repeat('0', 64)), ('enriched.gone', repeat('0', 64));
"""
"""As an old clone has left them: with another column, and one that this version has no more."""
VIEWS = """
SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE nspname IN ('enriched', 'metrics') AND relkind = 'v' ORDER BY 1
"""
COMPUTED = """
SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attgenerated <> ''
"""


@pytest.fixture(scope="module")
def present(
    server: Connections, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection]:
    """A database of this version with the cookbook's rows, and some of every other table."""
    with made(server, template) as name, psycopg.connect(server.url(SUPERUSER, name)) as opened:
        opened.autocommit = True
        warehouse = Warehouse(server.url(LOADER, name))
        known_data.put(warehouse, opened, tmp_path_factory.mktemp("known"))
        warehouse.dispose()
        opened.execute(NOT_IN_THE_COOKBOOK)
        yield opened


@contextmanager
def earlier(
    server: Connections, revision: str, present: psycopg.Connection
) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a database as an old clone left it, and what is in its columns by table."""
    with made(server) as name:
        url = server.url(SUPERUSER, name)
        engine = engine_for(url, role=None)
        with engine.begin() as connection:
            apply.prepare(connection)
            CONFIG.attributes["connection"] = connection
            command.upgrade(CONFIG, revision)
        engine.dispose()
        with psycopg.connect(url, autocommit=True) as old:
            _copy_rows(present, old)
            old.execute(OLD_VIEWS)
            rows = held(old, _ours(old))
        assert all(not line.startswith("0 ") for line in rows.values()), rows
        yield url, rows


def _ours(connection: psycopg.Connection) -> dict[str, list[str]]:
    """The tables with data, and the columns of each."""
    tables = columns_of(connection)
    return {name: columns for name, columns in tables.items() if name not in OF_THE_VERSION}


def held(connection: psycopg.Connection, tables: dict[str, list[str]]) -> dict[str, str]:
    """What is in these columns of these tables."""
    return {name: checksum(connection, name, columns) for name, columns in tables.items()}


def _copy_rows(present: psycopg.Connection, old: psycopg.Connection) -> None:
    """Into each table of the old one what its columns hold now, past triggers and references."""
    now = columns_of(present)
    old.execute("SET session_replication_role = replica")
    computed = set(old.execute(COMPUTED).fetchall())
    for table, columns in _ours(old).items():
        known = [
            one for one in columns if one in now.get(table, ()) and (table, one) not in computed
        ]
        kept = ", ".join(f'"{name}"' for name in known)
        assert kept, f"{table} is no more: say here what its rows were"
        asked = f"COPY (SELECT {kept} FROM {table}) TO STDOUT"
        with (
            present.cursor().copy(asked) as source,
            old.cursor().copy(f"COPY {table} ({kept}) FROM STDIN") as target,
        ):
            for part in source:
                target.write(part)
    old.execute("RESET session_replication_role")


def _columns(connection: psycopg.Connection, view: str) -> list[str]:
    return [name for (name,) in connection.execute(COLUMNS, [view]).fetchall()]


def problems(url: str, tables: dict[str, list[str]], rows: dict[str, str]) -> list[str]:
    """What is not as it was, or not of this version."""
    engine = engine_for(url, role=None)
    with engine.connect() as connection:
        found = apply.differences(connection)
        found += [] if apply.condition(connection) == "current" else ["views are of old code"]
    engine.dispose()
    with psycopg.connect(url, autocommit=True) as connection:
        now = held(connection, {name: tables[name] for name in rows})
        found += [f"{name} has other rows" for name in rows if now[name] != rows[name]]
    return found


@pytest.mark.parametrize("revision", EARLIER)
def test_rows_of_an_earlier_version_are_the_same_after_its_migration(
    server: Connections, present: psycopg.Connection, revision: str
) -> None:
    with earlier(server, revision, present) as (url, rows):
        with psycopg.connect(url) as old:
            tables = _ours(old)
        apply.migrate(url)
        assert problems(url, tables, rows) == []
        with psycopg.connect(url, autocommit=True) as migrated:
            views = [name for (name,) in migrated.execute(VIEWS).fetchall()]
            assert views == [name for (name,) in present.execute(VIEWS).fetchall()]
            if set(tables) == set(_ours(present)):  # else it had not all of the rows
                columns = {name: _columns(present, name) for name in views}
                assert held(migrated, columns) == held(present, columns)


def test_a_backup_of_an_earlier_version_is_restored_as_this_one(
    server: Connections, present: psycopg.Connection, state: Path, tmp_path: Path
) -> None:
    with earlier(server, "0005", present) as (url, rows), made(server) as fresh:
        with psycopg.connect(url, autocommit=True) as old:
            tables = _ours(old)
            old.execute(f"CREATE DATABASE {old.info.dbname}_dagster")
        folder = str(tmp_path / "backup")
        backed_up = isobar(state, "backup", folder, DATABASE_URL=url)
        assert backed_up.returncode == 0, backed_up.stderr
        target = server.url(SUPERUSER, fresh)
        restored = isobar(state, "restore", folder, DATABASE_URL=target)
        assert restored.returncode == 0, restored.stderr
        assert "Brought them up to date" in restored.stderr
        assert problems(target, tables, rows) == []
        with psycopg.connect(url) as old:
            left = old.execute("SELECT version_num FROM ops.alembic_version").fetchone()
        assert left == ("0005",)


def test_rows_that_a_migration_changes_are_found(
    server: Connections, present: psycopg.Connection
) -> None:
    with earlier(server, EARLIER[0], present) as (url, rows):
        with psycopg.connect(url) as old:
            tables = _ours(old)
        apply.migrate(url)
        with psycopg.connect(url) as migrated:
            migrated.execute("UPDATE flights.prices SET price_amount = price_amount + 1")
            migrated.execute("ALTER TABLE flights.agents ADD COLUMN more integer")
        found = problems(url, tables, rows)
    assert len(found) == 2
    assert "'more'" in found[0]
    assert found[1] == "flights.prices has other rows"
