"""Migrate a database to the current schema: roles, tables, views and functions, all or nothing.

Concurrent migrations take turns; a repeated one changes nothing. A plug-in that fails is rolled
back without affecting the others. To go back, restore a backup.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Connection, Table, delete, select, text
from sqlalchemy.exc import DBAPIError

from pipelines.failures import PermanentFailure
from pipelines.isolation import SOURCE_ERRORS, note_broken
from pipelines.migrations import distribution, history, objects
from pipelines.migrations.collections import catalog, gathered
from pipelines.migrations.objects import Part
from pipelines.postgres.clients import place_of
from pipelines.postgres.errors import failure_of, read_only, words_of
from pipelines.postgres.software import OLDEST_MAJOR
from pipelines.source import Source, declared_sources, is_plugin, own_names, plugin_entry_points
from pipelines.warehouse.connection import Warehouse, set_local
from pipelines.warehouse.sql_files import execute_script, read_sql, sql_files
from pipelines.warehouse.tables import deliveries, inbox_files, metadata, quarantine, sql_objects

#: How long to wait for loads, a backup or another migration to end.
TURN_WAIT = "2min"
#: How long to wait for a table lock. New users of the table queue behind the migration.
TABLE_WAIT = "30s"
#: Of this code; not created; of older code; of unknown code; current tables with other views.
Condition = Literal["current", "missing", "behind", "foreign", "other views"]


def all_tables() -> list[Table]:
    """Return all tables of the platform and the sources, by schema and name."""
    found = [table for part in parts() for table in part.metadata.tables.values()]
    return sorted(found, key=lambda table: table.fullname)


def parts(chosen: Mapping[str, Source] | None = None) -> list[Part]:
    """Return the platform and the `chosen` sources, by default all, as parts of the database."""
    views = sql_files("pipelines.ingest", "views")
    platform = Part(history.PLATFORM, history.ABOUT, "pipelines.ingest", metadata, views)
    chosen = declared_sources() if chosen is None else chosen
    return [platform] + [
        Part(one.name, one.about, one.package, one.metadata, one.object_files)
        for one in chosen.values()
    ]


def object_files(chosen: Mapping[str, Source] | None = None) -> dict[str, str]:
    """Return the SQL of each view and function of the platform and the sources, by its name."""
    chosen = declared_sources() if chosen is None else chosen
    files = {name: sql for part in parts(chosen) for name, sql in part.files.items()}
    found = {name: gathered(name, sql, chosen) for name, sql in files.items()}
    return found | {"ops.catalog": catalog(chosen)}


def migrate(url: str, report: Callable[[str], None] = lambda _: None) -> None:
    """Migrate the database at `url`, whose user owns it or may become `isobar_owner`.

    A plug-in whose tables or SQL fail is left out, see `pipelines.isolation.broken_sources`.

    Raises `PermanentFailure` for a server or database that cannot be used, missing rights, or if
    others depend on a table or view that changes; `TransientFailure` if it is away, in use or a
    standby.
    """
    place = place_of(url)
    with _transaction(url) as connection:
        if connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on":
            raise read_only("database", place)
        if _is_migrated(connection):
            return
        is_cluster = distribution.is_cluster(connection)
    if is_cluster:  # nodes do not see roles until they are committed
        with _transaction(url) as connection:
            prepare(connection)
            execute_script(connection, "RESET ROLE")
            execute_script(connection, read_sql("pipelines.migrations", "logins_of_nodes"))
    with _transaction(url) as connection:
        if history.state(connection) == "foreign":
            is_later = history.applied_revision(connection) is not None
            version = "a later version of Isobar" if is_later else "Isobar 1.0 or 2.0"
            raise PermanentFailure(
                "database",
                f"its tables are of {version}, which this one cannot upgrade",
                place=place,
                remedy="Use that version; or set DATABASE_URL to an empty database, or ISOBAR_HOME"
                " to another folder, and load the sources again (docs/database.md).",
            )
        prepare(connection)
        if _is_migrated(connection):  # another command was faster
            return
        is_new = history.state(connection) == "missing"
        before = None if is_new else _contents(connection)
        _migrate_all(connection)
        if is_new:
            report("Created the tables and views.")
        elif _contents(connection) != before:
            report("Updated the tables and views.")


def prepare(connection: Connection) -> None:
    """Lock out other migrations, create the roles, and act as the owner from here on."""
    unhurried = ("statement_timeout", "idle_in_transaction_session_timeout")
    execute_script(connection, "".join(f"SET LOCAL {name} = 0;" for name in unhurried))
    set_local(connection, "lock_timeout", TURN_WAIT)
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('isobar migrate', 0))"))
    set_local(connection, "lock_timeout", TABLE_WAIT)
    settings = "SELECT current_setting('server_version_num'), current_setting('server_encoding')"
    version, encoding = connection.execute(text(settings)).one()
    if int(version) < OLDEST_MAJOR * 10_000 or encoding != "UTF8":
        raise PermanentFailure(
            "database",
            f"it is of PostgreSQL {int(version) // 10_000} with the encoding {encoding}",
            place="DATABASE_URL",
            remedy=f"Use PostgreSQL {OLDEST_MAJOR} or later, or unset DATABASE_URL. A database has"
            " to have UTF8: CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'.",
        )
    execute_script(connection, read_sql("pipelines.migrations", "roles"))


def prepare_roles(url: str) -> None:
    """Create Isobar's roles, and their rights on and settings of the database at `url`."""
    with _transaction(url) as connection:
        prepare(connection)


def drop_plugin(url: str, source: Source) -> int:
    """Drop what a plug-in has in the database, and its entries in ledger and quarantine.

    The next migration makes views of ours again that depend on its tables. Returns the number of
    deliveries. Raises as `migrate`: what others have built on its tables stops it.
    """
    tables = [*source.metadata.tables]
    command = f"isobar sources reset {source.name}"
    with _transaction(url, "nothing was reset", f"Drop what is named, then run {command}.") as (
        connection
    ):
        prepare(connection)
        objects.drop(connection, tables)
        if tables:
            execute_script(connection, f"DROP TABLE IF EXISTS {', '.join(tables)}")
        objects.drop(connection, source.object_files)  # after tables, whose triggers use functions
        execute_script(connection, f"DROP SCHEMA IF EXISTS {source.name} CASCADE")
        feeds = {source.name, *(one.name for one in source.feeds)}
        mine = deliveries.c.feed.in_(feeds)
        rejected = quarantine.c.delivery_id.in_(select(deliveries.c.delivery_id).where(mine))
        connection.execute(delete(quarantine).where(rejected))
        connection.execute(delete(inbox_files).where(inbox_files.c.source.in_(feeds)))
        return connection.execute(delete(deliveries).where(mine)).rowcount


def condition(connection: Connection) -> Condition:
    """Return the state of the database relative to this code; read access is sufficient."""
    found = history.state(connection)
    if found != "current":
        return found
    if history.missing_tables(connection, all_tables()):
        return "behind"
    wanted, applied = _wanted(), objects.applied_files(connection)
    if not _knows_all():
        applied = {name: digest for name, digest in applied.items() if name in wanted}
    is_same = applied == {name: objects.digest(sql) for name, sql in wanted.items()}
    return "current" if is_same else "other views"


def _migrate_all(connection: Connection) -> None:
    """Migrate what is ours together, then each plug-in separately."""
    execute_script(connection, read_sql("pipelines.migrations", "schemas"))
    history.upgrade(connection)
    waiting = declared_sources()
    done = {name: one for name, one in waiting.items() if not is_plugin(one)}
    migrate_sources(connection, done)
    errors: dict[str, str] = {}
    for name, source in 2 * [*waiting.items()]:  # one may use another, whose name comes later
        if name in done:
            continue
        try:
            with connection.begin_nested():
                migrate_sources(connection, {**done, name: source})
        except SOURCE_ERRORS as error:
            errors[name] = _in_words(error)
        else:
            done[name] = source
    for name in waiting:
        if name not in done:
            words = f"its migration was rolled back{errors[name]}. See isobar sources check {name}"
            note_broken(name, words)
    if _knows_all():
        gone = objects.applied_files(connection).keys() - _wanted().keys()
        objects.drop(connection, gone)
        connection.execute(delete(sql_objects).where(sql_objects.c.name.in_(gone)))
    for source in done.values():
        distribution.distribute(connection, source)


def migrate_sources(connection: Connection, chosen: Mapping[str, Source]) -> None:
    """Create what is missing of the platform and some sources, and replace what changed."""
    created = {
        part.name
        for part in parts(chosen)
        if history.create_missing(connection, part.name, part.metadata)
    }
    changed = objects.replace(connection, object_files(chosen))
    for part in parts(chosen):
        is_changed = part.name in created or not changed.isdisjoint(part.files)
        objects.execute_scripts(connection, part, is_changed=is_changed)


def _in_words(error: BaseException) -> str:
    """Return what is wrong with a plug-in; raise the error of a lost connection."""
    if not isinstance(error, DBAPIError):
        return f": {error}"
    if error.connection_invalidated:
        raise error
    files = f" ({', '.join(error.detail)})" if error.detail else ""
    return f"{files}: {words_of(error.orig)}"


def _wanted() -> dict[str, str]:
    return object_files() | {name: sql for part in parts() for name, sql in part.scripts().items()}


def _knows_all() -> bool:
    """Return whether each installed source is declared, so that what has no file is gone.

    Else it may be of one that is disabled or cannot be imported.
    """
    installed = {*own_names(), *(entry.name for entry in plugin_entry_points())}
    return declared_sources().keys() >= installed


def differences_of(connection: Connection, source: Source) -> list[str]:
    """Return how tables of a plug-in differ from its models, if these are valid; not comments."""
    try:
        with connection.begin_nested():
            tables = source.metadata.tables.values()
            is_there = len(history.missing_tables(connection, tables)) < len(tables)
            if not is_there:
                return []
            return history.differences(connection, source.metadata, with_comments=False)
    except SOURCE_ERRORS:
        return []


def _is_migrated(connection: Connection) -> bool:
    is_current = condition(connection) == "current"
    return is_current and not distribution.undistributed(connection, all_tables())


def _contents(connection: Connection) -> object:
    """Return a snapshot of what a migration changes, for comparison."""
    missing = history.missing_tables(connection, all_tables())
    return history.applied_revision(connection), missing, objects.applied_files(connection)


@contextmanager
def _transaction(
    url: str,
    problem: str = "migrating gave up",
    remedy: str = "Fix the reported error (docs/database.md, 'Migrating'), then run isobar migrate"
    " again.",
) -> Iterator[Connection]:
    """Open a transaction as the login; translate errors into failures that say what to do."""
    try:
        with Warehouse(url, role=None) as store, store.engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise failure_of(
            error,
            "database",
            f"{' '.join([problem, *error.detail])}, nothing was changed",
            place=place_of(url),
            see="See whether the server is up and DATABASE_URL is right.",
            remedy=remedy,
        ) from error
