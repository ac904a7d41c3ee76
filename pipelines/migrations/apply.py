"""Migrate a database to the current schema: roles, tables, views and functions, all or nothing.

Concurrent migrations take turns; a repeated one changes nothing. A plug-in that fails is rolled
back without affecting the others. To go back, restore a backup.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Connection, Table, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from pipelines.failures import PermanentFailure
from pipelines.isolation import SOURCE_ERRORS, note_broken
from pipelines.migrations import distribution, dropped, history, objects
from pipelines.migrations.collections import catalog, gathered
from pipelines.migrations.objects import Part
from pipelines.postgres.clients import place_of
from pipelines.postgres.errors import failure_of, read_only, words_of
from pipelines.postgres.software import OLDEST_MAJOR
from pipelines.source import Source, declared_sources, is_plugin
from pipelines.warehouse.connection import Warehouse, set_local
from pipelines.warehouse.sql_files import execute_script, read_sql, sql_files
from pipelines.warehouse.tables import metadata, source_parts, sql_objects

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
        Part(
            *(source.name, source.about, source.package, source.metadata, source.object_files),
            frozenset(
                {f"feed {feed.name}" for feed in source.feeds}
                | {f"feed {ledger.feed or source.name}" for ledger in source.ledgers}
                | {f"input {given.name}" for given in source.inputs}
            ),
        )
        for source in chosen.values()
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
    with transaction(url) as connection:
        if connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on":
            raise read_only("database", place)
        if _is_migrated(connection):
            return
        is_cluster = distribution.is_cluster(connection)
    if is_cluster:  # nodes do not see roles until they are committed
        with transaction(url) as connection:
            prepare(connection)
            execute_script(connection, "RESET ROLE")
            execute_script(connection, read_sql("pipelines.migrations", "logins_of_nodes"))
    with transaction(url) as connection:
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
    with transaction(url) as connection:
        prepare(connection)


def condition(connection: Connection) -> Condition:
    """Return the state of the database relative to this code; read access is sufficient."""
    found = history.state(connection)
    if found != "current":
        return found
    if history.missing_tables(connection, all_tables()):
        return "behind"
    applied = _applied_by(connection, declared_sources())
    is_same = applied == {name: objects.digest(sql) for name, sql in _wanted().items()}
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
    dropped.warn(connection)


def migrate_sources(connection: Connection, chosen: Mapping[str, Source]) -> None:
    """Create what is missing of the platform and some sources, and replace what changed.

    Views and functions that they no longer have are dropped. Those of other sources stay.
    """
    created = {
        part.name
        for part in parts(chosen)
        if history.create_missing(connection, part.name, part.metadata)
    }
    for (
        source
    ) in chosen.values():  # before a view or function of theirs is made, which would follow
        distribution.distribute(connection, source)
    files = object_files(chosen)
    _note_parts(connection, chosen, files)
    changed = objects.replace(connection, files)
    scripts = {name for part in parts(chosen) for name in part.scripts()}
    if gone := _applied_by(connection, chosen).keys() - files.keys() - scripts:
        dropped.drop(connection, gone, for_good=True)
        changed |= objects.replace(connection, files)  # what used them, if it is still wanted
        for table in (sql_objects, source_parts):
            connection.execute(delete(table).where(table.c.name.in_(gone)))
    for part in parts(chosen):
        is_changed = part.name in created or not changed.isdisjoint(part.files)
        objects.execute_scripts(connection, part, is_changed=is_changed)


def _note_parts(
    connection: Connection, chosen: Mapping[str, Source], files: Mapping[str, str]
) -> None:
    """Note what the platform and some sources have, so that it is known while they are away."""
    known = dict.fromkeys(files, history.PLATFORM)
    for part in parts(chosen):
        names = {*part.files, *part.metadata.tables, *part.entries}
        known |= dict.fromkeys(names, part.name)
    rows = [{"name": name, "source": source} for name, source in known.items()]
    noted = insert(source_parts)
    is_other = source_parts.c.source != noted.excluded.source
    connection.execute(
        noted.on_conflict_do_update(
            index_elements=["name"], set_={"source": noted.excluded.source}, where=is_other
        ),
        rows,
    )


def _applied_by(connection: Connection, chosen: Mapping[str, Source]) -> dict[str, str | None]:
    """Return the applied files of the platform and some sources; those of others are left alone.

    What nobody is known to have is of the platform.
    """
    query = select(source_parts.c.name, source_parts.c.source)
    source_of = {row.name: row.source for row in connection.execute(query)}
    ours = {history.PLATFORM, *chosen}

    def is_ours(name: str) -> bool:
        source, is_script, _ = name.partition("/")
        return (source if is_script else source_of.get(name, history.PLATFORM)) in ours

    applied = objects.applied_files(connection).items()
    return {name: digest for name, digest in applied if is_ours(name)}


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
def transaction(
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
