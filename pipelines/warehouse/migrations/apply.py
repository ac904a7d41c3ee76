"""Bring a database to the present schema: roles, tables, views and functions, all or nothing.

The only place that issues DDL on lasting objects. Two at once take turns; a second time changes
nothing. There is no way down: going back is restoring a backup.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, Table, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.postgres.remedies import remedy_for
from pipelines.postgres.software import OLDEST_MAJOR
from pipelines.source import sources
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.sql_files import execute_script
from pipelines.warehouse.tables import metadata, sql_objects

VERSION_TABLE = "alembic_version"
TURN_WAIT, TABLE_WAIT = "2min", "30s"
"""How long to wait for loads, a backup or another migration, and how long for whoever has a table:
nobody else gets it meanwhile."""
Condition = Literal["current", "missing", "behind", "foreign", "other views"]
"""Of this code; nothing there yet; of older code; of unknown code; tables of this, views not."""


def target_metadata() -> list[MetaData]:
    """All tables: the platform's, and those of each source."""
    return [metadata, *(source.metadata for source in sources().values())]


def all_tables() -> list[Table]:
    """All tables, by schema and name."""
    found = [table for one in target_metadata() for table in one.tables.values()]
    return sorted(found, key=lambda table: table.fullname)


def schemas() -> set[str]:
    """The schemas that hold our tables."""
    return {table.schema for table in all_tables() if table.schema}


def migrate(url: str, tell: Callable[[str], None] = lambda _: None) -> None:
    """Migrate the database at `url`, whose user owns it or may become `isobar_owner`.

    Raises `PermanentFailure` for a server that is too old, a user without the rights or an object
    that others depend on, `TransientFailure` when the server cannot be reached or is in use.
    """
    engine = engine_for(url, role=None)
    place = engine.url.set(query={}, drivername="postgresql").render_as_string(hide_password=True)
    try:
        with engine.begin() as connection:
            if _is_current(connection):
                return
            prepare(connection)
            if _is_current(connection):  # another command was faster
                return
            before = _revision(connection)
            try:
                with connection.begin_nested():
                    _upgrade(connection)
                    _replace_objects(connection)
            except DBAPIError as error:  # what ours stand on changes more than replacing allows
                if before is None or isinstance(error, OperationalError):
                    raise
                _drop_objects(connection)
                _upgrade(connection)
                _replace_objects(connection)
            tell("Made the tables and views." if before is None else "Brought them up to date.")
    except CommandError as error:
        raise PermanentFailure(
            "database",
            f"its schema is of another version of Isobar: {error}",
            place=place,
            remedy="Update this clone; a database cannot go back but by restoring a backup.",
        ) from error
    except OperationalError as error:
        told = str(error.orig).strip()
        was_reached = getattr(error.orig, "sqlstate", None) is not None
        raise TransientFailure(
            "database",
            f"migrating gave up, nothing was changed: {told}"
            if was_reached
            else f"it could not be reached: {told}",
            place=place,
            remedy=remedy_for(told, "See whether the server is up and DATABASE_URL is right."),
        ) from error
    except DBAPIError as error:
        raise PermanentFailure(
            "database",
            f"migrating failed, nothing was changed: {str(error.orig).strip()}",
            place=place,
            remedy="Mend what the message names (docs/operations.md, 'Migrating'), then run"
            " isobar migrate again.",
        ) from error
    finally:
        engine.dispose()


def prepare(connection: Connection) -> None:
    """Take the lock, and make the roles and what Alembic needs; from here on act as the owner."""
    unhurried = ("statement_timeout", "idle_in_transaction_session_timeout")
    execute_script(connection, "".join(f"SET LOCAL {name} = 0;" for name in unhurried))
    connection.execute(text(f"SET LOCAL lock_timeout = '{TURN_WAIT}'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('isobar migrate', 0))"))
    connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_WAIT}'"))
    version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    if version < OLDEST_MAJOR:
        raise PermanentFailure(
            "database",
            f"the server is PostgreSQL {version}, and {OLDEST_MAJOR} is the oldest that will do",
            place="DATABASE_URL",
            remedy="Upgrade the server, or unset DATABASE_URL to use the built-in one.",
        )
    roles = (
        resources.files("pipelines.warehouse.migrations").joinpath("roles.sql").read_text("utf-8")
    )
    execute_script(connection, roles)


def differences(connection: Connection) -> list[str]:
    """How the database differs from what `tables.py` files declare: nothing when all is well."""
    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name in schemas(),
            "include_object": lambda _o, name, _k, _r, _c: name != VERSION_TABLE,
        },
    )
    found = compare_metadata(context, target_metadata())  # type: ignore[arg-type]  # several will do
    return [repr(difference) for difference in found]


def object_files() -> dict[str, str]:
    """The text of each view's and function's file, by the name of the object it makes."""
    ours = resources.files("pipelines.ingest").joinpath("sql", "views")
    found = {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in sorted(ours.iterdir(), key=lambda file: file.name)
    }
    for source in sources().values():
        found |= source.object_files
    return found


def known_revisions() -> list[str]:
    """The versions of the schema that this code knows, its own first."""
    scripts = ScriptDirectory.from_config(_alembic())
    return [script.revision for script in scripts.walk_revisions()]


def condition(connection: Connection) -> Condition:
    """How the database stands to this code, which any user who may read can tell."""
    revision = _revision(connection)
    if revision is None:
        return "missing"
    current, *earlier = known_revisions()
    if revision != current:
        return "behind" if revision in earlier else "foreign"
    applied = {row.name: row.sha256 for row in connection.execute(select(sql_objects))}
    is_same = applied == _digests(object_files()) and all(
        _signatures(connection, name) for name in applied
    )
    return "current" if is_same else "other views"


def _is_current(connection: Connection) -> bool:
    return condition(connection) == "current"


def _digests(files: Mapping[str, str]) -> dict[str, str]:
    return {name: hashlib.sha256(sql.encode()).hexdigest() for name, sql in files.items()}


def _upgrade(connection: Connection) -> None:
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _alembic() -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", "pipelines.warehouse:migrations")
    return config


def _revision(connection: Connection) -> str | None:
    if connection.execute(text(f"SELECT to_regclass('ops.{VERSION_TABLE}')")).scalar() is None:
        return None
    query = text(f"SELECT version_num FROM ops.{VERSION_TABLE}")
    return connection.execute(query).scalar()


def _replace_objects(connection: Connection) -> None:
    """Make or replace the views and functions whose files changed, drop those without a file."""
    files = object_files()
    digests = _digests(files)
    applied = {row.name: row.sha256 for row in connection.execute(select(sql_objects))}
    stale = {
        name: sql
        for name, sql in files.items()
        if applied.get(name) != digests[name] or not _signatures(connection, name)
    }
    _in_dependency_order(connection, stale)
    for name in stale:
        if len(_signatures(connection, name)) > 1:  # its arguments changed: the old one is left
            raise _overloaded(name)
    _in_dependency_order(connection, _drops(connection, [n for n in applied if n not in files]))
    changed = [*stale, *(name for name in applied if name not in files)]
    connection.execute(delete(sql_objects).where(sql_objects.c.name.in_(changed)))
    if stale:
        connection.execute(
            insert(sql_objects), [{"name": name, "sha256": digests[name]} for name in stale]
        )


def _drop_objects(connection: Connection) -> None:
    """Drop every view and function of ours; one that something of the user's needs stops it."""
    names = {*connection.execute(select(sql_objects.c.name)).scalars(), *object_files()}
    _in_dependency_order(connection, _drops(connection, sorted(names)))
    connection.execute(delete(sql_objects))


def _overloaded(name: str) -> ProgrammingError:
    return ProgrammingError(None, None, ValueError(f"{name} is there with several signatures"))


def _in_dependency_order(connection: Connection, statements: Mapping[str, str]) -> None:
    """Execute each statement as soon as what it needs is there, or what needs it is gone.

    Raises the first statement's error when none of the rest succeeds.
    """
    waiting = dict(statements)
    while waiting:
        errors: dict[str, DBAPIError] = {}
        for name, sql in waiting.items():
            try:
                with connection.begin_nested():
                    execute_script(connection, sql)
            except OperationalError:  # no fault of the order
                raise
            except DBAPIError as error:
                errors[name] = error
        if len(errors) == len(waiting):
            raise next(iter(errors.values()))
        waiting = {name: waiting[name] for name in errors}


def _signatures(connection: Connection, name: str) -> list[str]:
    """How to drop what has this name: a view, or each function of the name with its arguments."""
    query = text(
        """
        SELECT 'VIEW ' || oid::regclass FROM pg_class WHERE oid = to_regclass(:name)
        UNION ALL
        SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc
        WHERE pronamespace = to_regnamespace(split_part(:name, '.', 1))
            AND proname = split_part(:name, '.', 2)
        """
    )
    return list(connection.execute(query, {"name": name}).scalars())


def _drops(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    return {
        signature: f"DROP {signature}"
        for name in names
        for signature in _signatures(connection, name)
    }
