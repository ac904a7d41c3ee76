"""The tables: one Alembic history for all of ours, and `create_all` for those of plug-ins.

A table that is missing is created from `tables.py`, so a new one needs no revision; a change of
one that was released does. `ops.revision` has the revision of a database.
"""

import io
from collections.abc import Iterable, Sequence
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, inspect, text

from pipelines.source import declared_sources, is_plugin
from pipelines.warehouse.sql_files import execute_script
from pipelines.warehouse.tables import DISTRIBUTED_BY, metadata

#: The schema of the platform's own tables.
PLATFORM = "ops"
ABOUT = "Bookkeeping: deliveries, quarantine, watermarks and applied SQL files."
FOLDER = Path(str(resources.files("pipelines.migrations")))
State = Literal["current", "missing", "behind", "foreign"]


def own_metadata() -> dict[str, MetaData]:
    """Return the tables of the platform and the project's own sources, by schema."""
    own = {name: one.metadata for name, one in declared_sources().items() if not is_plugin(one)}
    return {PLATFORM: metadata} | own


def state(connection: Connection) -> State:
    """Return how the database stands to the history; read access is sufficient.

    Databases of Isobar 3.0 are behind; those of 1.0 and 2.0 are foreign.
    """
    is_3, is_older = connection.execute(
        text(
            "SELECT to_regclass('ops.revision_ops') IS NOT NULL, EXISTS (SELECT FROM pg_class WHERE"
            " relnamespace = to_regnamespace('ops') AND starts_with(relname, 'alembic_version'))"
        )
    ).one()
    revision = applied_revision(connection)
    if is_older:
        return "foreign"
    if revision is None:
        return "behind" if is_3 else "missing"
    scripts = ScriptDirectory(FOLDER)
    if revision == scripts.get_current_head():
        return "current"
    known = {one.revision for one in scripts.walk_revisions()}
    return "behind" if revision in known else "foreign"


def applied_revision(connection: Connection) -> str | None:
    """Return the revision of the database; None if it has none."""
    there = connection.execute(text("SELECT to_regclass('ops.revision') IS NOT NULL"))
    if not there.scalar_one():
        return None
    query = "SELECT version_num FROM ops.revision"
    return connection.execute(text(query)).scalar_one_or_none()


def missing_tables(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Return those of the tables that the database does not have."""
    query = "SELECT name FROM unnest(:names ::text []) AS name WHERE to_regclass(name) IS NULL"
    names = [table.fullname for table in tables]
    return [*connection.execute(text(query), {"names": names}).scalars()]


def upgrade(connection: Connection) -> None:
    """Upgrade our tables by the revisions; those of a new database are created as declared."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    if state(connection) == "missing":
        create_missing(connection, PLATFORM, metadata)
        command.stamp(config, "head")
    else:
        command.upgrade(config, "head")


def create_missing(connection: Connection, schema: str, tables: MetaData) -> bool:
    """Create what is missing of a schema and its tables; return whether a table was."""
    quoted = connection.dialect.identifier_preparer.quote(schema)
    execute_script(connection, f"CREATE SCHEMA IF NOT EXISTS {quoted}")
    if not missing_tables(connection, tables.tables.values()):
        return False
    tables.create_all(connection)
    return True


def comparison(tables: Iterable[MetaData]) -> dict[str, Any]:
    """Return Alembic's options, which limit a comparison to the declared tables."""
    names = {name for one in tables for name in one.tables} - {"ops.revision"}  # Alembic's own
    schemas = {name.partition(".")[0] for name in names}
    return {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name in schemas,
        "include_object": lambda item, _, kind, *_more: kind != "table" or item.fullname in names,
        "version_table": "revision",
        "version_table_schema": PLATFORM,
    }


def _in_words(change: Sequence[Any]) -> str:
    """Return a change that Alembic would make, as what is different."""
    kind, *more = change
    if kind.startswith("modify"):
        schema, table, column, _, old, new = more
        what = kind.removeprefix("modify_")
        old, new = (repr(one) if isinstance(one, str) else one for one in (old, new))
        return f"{what} of {schema}.{table}.{column} is {old}, not {new}"
    if kind.endswith("_column"):
        schema, table, column = more
        return f"{schema}.{table} has {'no' if kind[0] == 'a' else 'another'} column {column.name}"
    return repr(change)


def differences(
    connection: Connection, tables: MetaData, *, with_comments: bool = True
) -> list[str]:
    """Return how the database differs from the declared tables; empty if it does not."""
    context = MigrationContext.configure(connection, opts=comparison([tables]))
    changes = compare_metadata(context, tables)
    several = chain.from_iterable(one if isinstance(one, list) else [one] for one in changes)
    found = [_in_words(one) for one in several if with_comments or "comment" not in one[0]]
    missing = missing_tables(connection, tables.tables.values())
    for name, table in tables.tables.items():
        if DISTRIBUTED_BY in table.info or name in missing:
            continue  # on a cluster, that column is in its key, too
        key = inspect(connection).get_pk_constraint(table.name, table.schema)
        names, stored = table.primary_key.columns.keys(), key["constrained_columns"]
        if {*names} != {*stored}:
            found.append(f"the key of {name} is {', '.join(stored)}, not {', '.join(names)}")
    return found
