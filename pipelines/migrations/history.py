"""Tables of each source and their history: a baseline from the metadata, then revisions.

A missing schema is created from its metadata and stamped with its newest revision. A source without
revisions is therefore complete. An existing schema is upgraded by its own revisions. Each schema
has its own version table in `ops`, without a row while it is at the baseline.
"""

import io
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import NameFilterParentNames, NameFilterType
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.sql.schema import SchemaItem

from pipelines.failures import PermanentFailure
from pipelines.ingest.feeds import is_own
from pipelines.postgres.roles import LOADER
from pipelines.source import Source, declared_sources
from pipelines.warehouse.sql_files import execute_script, read_sql
from pipelines.warehouse.tables import DISTRIBUTED_BY, metadata

#: The schema of the platform's own tables, which also contains the version tables.
PLATFORM = "ops"
#: What the name of a version table begins with, and what it did before 3.0.
VERSION_TABLE, FORMER_VERSION_TABLE = "revision_", "alembic_version"
State = Literal["current", "missing", "behind", "foreign"]


@dataclass(frozen=True)
class Schema:
    """A schema of the platform or a source, with its tables, SQL files and revisions."""

    name: str
    #: Its comment in the database.
    about: str
    #: The package that contains its folder `sql/`.
    package: str
    metadata: MetaData
    #: The folder of its revisions, which may not exist.
    revisions: Path

    @property
    def version_table(self) -> str:
        """The name of its version table in `ops`, which stores the database's revision."""
        return f"{VERSION_TABLE}{self.name}"

    @property
    def holds(self) -> set[str]:
        """The database schemas that contain its tables."""
        return {table.schema for table in self.metadata.tables.values() if table.schema}


def platform() -> Schema:
    """Return the schema of the tables that all sources share."""
    return Schema(
        PLATFORM,
        "Bookkeeping: deliveries, quarantine, watermarks and applied SQL files.",
        "pipelines.ingest",
        metadata,
        _folder() / "versions",
    )


def schema_of(source: Source) -> Schema:
    """Return the schema of a source."""
    folder = Path(str(resources.files(source.package)))
    return Schema(source.name, source.about, source.package, source.metadata, folder / "migrations")


def all_schemas() -> dict[str, Schema]:
    """Return the platform's schema and those of all sources, by name, in order of creation."""
    found = [platform(), *map(schema_of, declared_sources().values())]
    return {schema.name: schema for schema in found}


def known_revisions(schema: Schema) -> list[str]:
    """Return its revisions, newest first. Raises `alembic.util.CommandError` for several heads."""
    if not schema.revisions.is_dir():
        return []
    scripts = ScriptDirectory(_folder(), version_locations=[schema.revisions])
    scripts.get_current_head()
    return [script.revision for script in scripts.walk_revisions()]


def applied_revisions(connection: Connection) -> dict[str, str | None]:
    """Return the revision of each existing schema, by name; None at its baseline.

    A schema that someone dropped is missing, although its version table remains.
    """
    query = text(
        """
        SELECT tables.relname, schemas.nspname
        FROM pg_class AS tables
        INNER JOIN pg_namespace AS schemas ON tables.relname = :prefix || schemas.nspname
        WHERE tables.relnamespace = to_regnamespace(:platform) AND tables.relkind = 'r'
        """
    )
    given = {"prefix": VERSION_TABLE, "platform": PLATFORM}
    found = [
        (row.nspname, _version_table(row.relname).c.version_num)
        for row in connection.execute(query, given)
    ]
    if not found:
        return {}
    queries = [select(literal(name), select(at).scalar_subquery()) for name, at in found]
    return {name: revision for name, revision in connection.execute(union_all(*queries))}  # noqa: C416


def is_older(connection: Connection) -> bool:
    """Return whether Isobar 1.0 or 2.0 created the tables."""
    query = text(
        "SELECT FROM pg_class"
        " WHERE relnamespace = to_regnamespace(:platform) AND starts_with(relname, :former)"
    )
    given = {"platform": PLATFORM, "former": FORMER_VERSION_TABLE}
    return connection.execute(query, given).first() is not None


def state(schema: Schema, applied: dict[str, str | None]) -> State:
    """Return the state of a schema in the database relative to its code."""
    if schema.name not in applied:
        return "missing"
    revision, known = applied[schema.name], known_revisions(schema)
    if revision == next(iter(known), None):
        return "current"
    return "behind" if revision is None or revision in known else "foreign"


def create_or_upgrade(
    connection: Connection, schema: Schema, applied: dict[str, str | None]
) -> bool:
    """Create or upgrade the tables of a schema; return whether anything changed.

    Raises `PermanentFailure` if the schema was created by later code.
    """
    found = state(schema, applied)
    if found == "foreign":
        is_of_isobar = schema.name == PLATFORM or is_own(schema.package)
        raise PermanentFailure(
            "database",
            f"the tables of {schema.name} are of another version of"
            f" {'Isobar' if is_of_isobar else schema.package}:"
            f" this one does not know their revision {applied[schema.name]}",
            place=f"{PLATFORM}.{schema.version_table}",
            remedy="Update this clone. To go back to an older version, restore a backup."
            if is_of_isobar
            else "Install the newer version of the plug-in again. To go back to an older one and"
            f" delete what is stored: isobar sources reset {schema.name}.",
        )
    if found == "missing":
        _create(connection, schema)
    elif found == "behind":
        command.upgrade(config_for(schema, connection), "head")
    driver: Any = connection.connection.driver_connection
    comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
    driver.execute(comment.format(sql.Identifier(schema.name), sql.Literal(schema.about)))
    return found != "current"


def config_for(schema: Schema, connection: Connection) -> Config:
    """Return Alembic's configuration for running a schema's revisions on a connection."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(_folder()))
    config.attributes |= {"connection": connection, "schema": schema}
    return config


def differences(connection: Connection, schema: Schema) -> list[str]:
    """Return how the tables of a schema differ from its metadata; empty if they do not."""
    context = MigrationContext.configure(connection, opts=comparison(schema))
    found = [repr(one) for one in compare_metadata(context, schema.metadata)]
    keys = primary_keys(connection)
    for name, table in schema.metadata.tables.items():
        if DISTRIBUTED_BY in table.info:
            continue  # on a cluster, that column is in its key, too
        names = table.primary_key.columns.keys()
        if {*(stored := keys.get(name, names))} != {*names}:
            found.append(f"the key of {name} is {', '.join(stored)}, not {', '.join(names)}")
    return found


def primary_keys(connection: Connection) -> dict[str, list[str]]:
    """Return the columns of each primary key, in its order, by table."""
    found = connection.execute(text(read_sql("pipelines.migrations", "primary_keys")))
    return {table: [*columns] for table, columns in found}


def comparison(schema: Schema) -> dict[str, Any]:
    """Return Alembic's context options, which limit the comparison to objects of the schema."""
    of_others = {
        table
        for other in all_schemas().values()
        if other.name != schema.name
        for table in other.metadata.tables
    }

    def includes_name(name: str | None, kind: NameFilterType, _: NameFilterParentNames) -> bool:
        return kind != "schema" or name in schema.holds

    def includes_object(
        item: SchemaItem, _name: str | None, _kind: str, reflected: bool, compare_to: object
    ) -> bool:
        if not isinstance(item, Table) or not reflected or compare_to is not None:
            return True
        is_version = item.schema == PLATFORM and item.name.startswith(VERSION_TABLE)
        return not is_version and item.fullname not in of_others

    return {
        "include_schemas": True,
        "include_name": includes_name,
        "include_object": includes_object,
        "version_table": schema.version_table,
        "version_table_schema": PLATFORM,
    }


def _create(connection: Connection, schema: Schema) -> None:
    """Create a schema with its tables at the newest revision."""
    quoted = connection.dialect.identifier_preparer.quote(schema.name)
    execute_script(connection, f"CREATE SCHEMA {quoted}")
    schema.metadata.create_all(connection, checkfirst=False)
    version = _version_table(schema.version_table)
    version.comment = f"The revision of the tables of {schema.name}; no row: their baseline."
    version.drop(connection, checkfirst=True)  # left behind by someone who dropped the schema
    version.create(connection)
    # Every user may read the revision; only the owner may change it.
    on = f"ON {version.fullname}"
    execute_script(connection, f"REVOKE ALL {on} FROM {LOADER}; GRANT SELECT {on} TO {LOADER}")
    if known := known_revisions(schema):
        connection.execute(version.insert().values(version_num=known[0]))


def _version_table(name: str) -> Table:
    column = Column("version_num", String(32), primary_key=True, comment="Id of the revision.")
    return Table(name, MetaData(), column, schema=PLATFORM)


def _folder() -> Path:
    return Path(str(resources.files("pipelines.migrations")))
