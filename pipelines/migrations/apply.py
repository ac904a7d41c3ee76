"""Migrate a database to the current schema: roles, tables, views and functions, all or nothing.

This is the only place that issues DDL on permanent objects. Concurrent migrations take turns; a
repeated one changes nothing. A plug-in that fails is rolled back without affecting the others.
There are no downgrades: to go back, restore a backup.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from pipelines.failures import PermanentFailure
from pipelines.ingest.statements import OTHER_MODELS
from pipelines.isolation import SOURCE_ERRORS, broken_sources, note_broken
from pipelines.migrations import distribution, history, objects
from pipelines.migrations.collections import collected_views, platform_views
from pipelines.migrations.objects import Part
from pipelines.postgres import sessions
from pipelines.postgres.clients import place_of
from pipelines.postgres.errors import failure_of, read_only
from pipelines.postgres.software import OLDEST_MAJOR
from pipelines.source import Source, declared_sources, is_plugin, own_names, plugin_entry_points
from pipelines.warehouse.connection import engine_for, set_local
from pipelines.warehouse.sql_files import execute_script, names_used, read_sql, sql_files
from pipelines.warehouse.tables import metadata

#: Columns of tables and views, and functions, that are not ours.
OF_OTHERS = text(
    "SELECT concat_ws(' ', oid::regclass, 'column ' || attname) FROM pg_class"
    " INNER JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped"
    " WHERE pg_get_userbyid(relowner) <> 'isobar_owner'"
    " UNION ALL SELECT oid::regprocedure::text FROM pg_proc"
    " WHERE pg_get_userbyid(proowner) <> 'isobar_owner'"
)
#: How long to wait for loads, a backup or another migration to end.
TURN_WAIT = "2min"
#: How long to wait for a table lock. New users of the table queue behind the migration.
TABLE_WAIT = "30s"
#: Of this code; not created; of older code; of unknown code; current tables with other views.
Condition = Literal["current", "missing", "behind", "foreign", "other views"]


def all_tables() -> list[Table]:
    """Return all tables of the platform and the sources, by schema and name."""
    found = [table for part in parts().values() for table in part.metadata.tables.values()]
    return sorted(found, key=lambda table: table.fullname)


def parts(chosen: Mapping[str, Source] | None = None) -> dict[str, Part]:
    """Return the platform and the `chosen` sources, by default all, by the name of the schema."""
    platform = Part(history.PLATFORM, history.ABOUT, "pipelines.ingest", metadata)
    chosen = declared_sources() if chosen is None else chosen
    return {platform.name: platform} | {name: part_of(one) for name, one in chosen.items()}


def part_of(source: Source) -> Part:
    """Return a source as a part of the database."""
    return Part(source.name, source.about, source.package, source.metadata)


def object_files(chosen: Mapping[str, Source] | None = None) -> dict[str, str]:
    """Return the SQL of each view and function, by the name of the object.

    Covers the platform and the `chosen` sources, by default all.
    """
    chosen = declared_sources() if chosen is None else chosen
    found = sql_files("pipelines.ingest", "views")
    for source in chosen.values():
        found |= source.object_files
    return found | collected_views(chosen) | platform_views(chosen)


def migrate(url: str, report: Callable[[str], None] = lambda _: None) -> None:
    """Migrate the database at `url`, whose user owns it or may become `isobar_owner`.

    A plug-in whose tables or SQL fail is left out, see `pipelines.isolation.broken_sources`.

    Raises `PermanentFailure` if the server is too old, the database has another encoding than UTF8
    or belongs to an older Isobar, the server is read-only, a pooler gives each transaction another
    session, the user lacks rights, or others depend on a table or view that changes.
    Raises `TransientFailure` if the server is unreachable or in use.
    """
    engine = engine_for(url, role=None)
    place = place_of(url)
    try:
        with _described_failures(place):
            sessions.reject_transaction_pooling(engine, place)
        with _described_failures(place), engine.begin() as connection:
            if connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on":
                raise read_only("database", place)
            if _is_migrated(connection):
                return
            is_cluster = distribution.is_cluster(connection)
        if is_cluster:  # nodes do not see roles until they are committed
            with _described_failures(place), engine.begin() as connection:
                prepare(connection)
                execute_script(connection, "RESET ROLE")
                distribution.let_nodes_connect(connection)
        with _described_failures(place), engine.begin() as connection:
            _reject_foreign(connection, place)
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
    finally:
        engine.dispose()


def prepare(connection: Connection) -> None:
    """Lock out other migrations, create the roles, and act as the owner from here on."""
    unhurried = ("statement_timeout", "idle_in_transaction_session_timeout")
    execute_script(connection, "".join(f"SET LOCAL {name} = 0;" for name in unhurried))
    set_local(connection, "lock_timeout", TURN_WAIT)
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('isobar migrate', 0))"))
    set_local(connection, "lock_timeout", TABLE_WAIT)
    version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    if version < OLDEST_MAJOR:
        raise PermanentFailure(
            "database",
            f"the server is PostgreSQL {version}; the oldest supported version is {OLDEST_MAJOR}",
            place="DATABASE_URL",
            remedy="Upgrade the server, or unset DATABASE_URL to use the built-in one.",
        )
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise PermanentFailure(
            "database",
            f"its encoding is {encoding}, which does not hold every name: UTF8 does",
            place="DATABASE_URL",
            remedy="Create another with CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'.",
        )
    execute_script(connection, read_sql("pipelines.migrations", "roles"))


def prepare_roles(url: str) -> None:
    """Create Isobar's roles, and their rights on and settings of the database at `url`."""
    engine = engine_for(url, role=None)
    try:
        with _described_failures(place_of(url)), engine.begin() as connection:
            prepare(connection)
    finally:
        engine.dispose()


def drop_plugin(url: str, source: Source) -> int:
    """Drop what a plug-in has in the database, and its entries in ledger and quarantine.

    Views of sources that depend on its tables are dropped, too; the next migration makes them
    again. Returns the number of deliveries. Raises as `migrate`, and `PermanentFailure` if others
    have built something on its tables.
    """
    engine = engine_for(url, role=None)
    try:
        with _described_failures(place_of(url)), engine.begin() as connection:
            prepare(connection)
            before = set(connection.execute(OF_OTHERS).scalars())
            tables = [
                one for one in source.metadata.tables if not one.startswith(f"{source.name}.")
            ]
            others = [f"DROP TABLE IF EXISTS {one} CASCADE" for one in tables]
            own = [f"DROP SCHEMA IF EXISTS {source.name} CASCADE"]
            execute_script(connection, "; ".join([*own, *others]))
            if gone := before - set(connection.execute(OF_OTHERS).scalars()):
                raise PermanentFailure(
                    "database",
                    f"others have built on the tables of {source.name}: {', '.join(sorted(gone))}",
                    place=place_of(url),
                    remedy="Drop or change what they have built, then try again.",
                )
            feeds = {source.name, *(one.name for one in source.feeds)}
            script = read_sql("pipelines.migrations", "delete_deliveries")
            for statement in script.split(";\n"):
                result = connection.execute(text(statement), {"feeds": [*feeds]})
            return result.rowcount
    finally:
        engine.dispose()


def differences(connection: Connection) -> list[str]:
    """Return how the database differs from the `tables.py` files; empty if it does not."""
    found = []
    for part in parts().values():
        found += history.differences(connection, part.metadata)
    return found


def plugins_with_other_tables(url: str) -> list[str]:
    """Return the plug-ins whose `tables.py` differs from the tables in the database at `url`.

    Those whose migration failed are reported as broken instead.
    """
    broken = {one.name for one in broken_sources()}
    engine = engine_for(url, role=None)
    try:
        with engine.connect() as connection:
            return [
                name
                for name, source in _plugins().items()
                if name not in broken and differences_of(connection, source)
            ]
    finally:
        engine.dispose()


def condition(connection: Connection) -> Condition:
    """Return the state of the database relative to this code; read access is sufficient."""
    found = history.state(connection)
    if found != "current":
        return found
    if history.missing_tables(connection, all_tables()):
        return "behind"
    wanted = object_files()
    for part in parts().values():
        wanted |= part.scripts()
    applied = {
        name: one.sha256
        for name, one in objects.applied_files(connection).items()
        if name in wanted or not _is_kept(one)
    }
    is_same = applied == {name: objects.digest(sql) for name, sql in wanted.items()}
    return "current" if is_same else "other views"


def _migrate_all(connection: Connection) -> None:
    """Migrate what is ours together, then each plug-in separately."""
    execute_script(connection, read_sql("pipelines.migrations", "schemas"))
    done = {name: one for name, one in declared_sources().items() if not is_plugin(one)}
    created = history.upgrade_own(connection)
    files = object_files(done)
    changed = objects.replace(connection, files)
    own, plugins = parts(done), _plugins()
    wanted = {*files, *(name for part in own.values() for name in part.scripts())}
    gone = [
        name
        for name, one in objects.applied_files(connection).items()
        if name not in wanted and one.plugin not in plugins and not _is_kept(one)
    ]
    objects.forget(connection, gone)
    of_platform = sql_files("pipelines.ingest", "views")
    for part in own.values():
        of_part = done[part.name].object_files if part.name in done else of_platform
        is_changed = part.name in created or not changed.isdisjoint(of_part)
        objects.execute_scripts(connection, part, plugin=None, is_changed=is_changed)
    for name, source in _plugins_in_order().items():
        try:
            with connection.begin_nested():
                migrate_plugin(connection, source, done)
        except SOURCE_ERRORS as error:
            _note_plugin(connection, source, error)
        else:
            done[name] = source
    for source in done.values():
        distribution.distribute(connection, source)
    execute_script(connection, "DROP TABLE IF EXISTS ops.failing_views")  # of Isobar 3.0


def migrate_plugin(connection: Connection, source: Source, done: Mapping[str, Source]) -> None:
    """Create a plug-in's objects, and what is generated from it and those `done`."""
    name, part = source.name, part_of(source)
    is_created = history.create_missing(connection, name, source.metadata)
    theirs = {one for other in done.values() for one in other.object_files}
    files = object_files({**done, name: source})
    files = {one: sql for one, sql in files.items() if one not in theirs}
    mine = source.object_files | collected_views({name: source})
    changed = objects.replace(connection, files, dict.fromkeys(mine, name))
    wanted = {*files, *part.scripts()}
    applied = objects.applied_files(connection)
    gone = [one for one, file in applied.items() if file.plugin == name and one not in wanted]
    objects.forget(connection, gone)
    is_changed = is_created or not changed.isdisjoint(source.object_files)
    objects.execute_scripts(connection, part, plugin=name, is_changed=is_changed)


def _plugins_in_order() -> dict[str, Source]:
    """Return the plug-ins, each after those whose tables and views its SQL names."""
    plugins = _plugins()
    owner = {
        one: name
        for name, source in plugins.items()
        for one in (*source.object_files, *source.metadata.tables)
    }
    uses = {
        name: {
            owner[one]
            for sql in source.object_files.values()
            for one in names_used(sql) & owner.keys()
        }
        - {name}
        for name, source in plugins.items()
    }
    try:
        return {name: plugins[name] for name in TopologicalSorter(uses).static_order()}
    except CycleError:  # the first of them will say what it lacks
        return plugins


def _note_plugin(connection: Connection, source: Source, error: BaseException) -> None:
    """Note why a plug-in could not be migrated; raise the error of a lost connection."""
    words, files = str(error), ""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            raise error
        words, files = str(error.orig).strip(), ", ".join(error.detail)
    where = f" ({files})" if files else ""
    differs = differences_of(connection, source)
    hint = f". Also, {OTHER_MODELS}: isobar sources check {source.name}" if differs else ""
    note_broken(source.name, f"its migration was rolled back{where}: {words}{hint}")


def differences_of(connection: Connection, source: Source) -> list[str]:
    """Return how tables of a plug-in differ from its models, as far as these are valid."""
    try:
        with connection.begin_nested():
            tables = source.metadata.tables.values()
            is_there = len(history.missing_tables(connection, tables)) < len(tables)
            return history.differences(connection, source.metadata) if is_there else []
    except SOURCE_ERRORS:
        return []


def _is_migrated(connection: Connection) -> bool:
    is_current = condition(connection) == "current"
    return is_current and not distribution.undistributed(connection, all_tables())


def _plugins() -> dict[str, Source]:
    return {name: source for name, source in declared_sources().items() if is_plugin(source)}


def _is_kept(one: objects.Applied) -> bool:
    """Return whether a file may be of an installed source that is disabled or cannot be imported.

    What such a source of the project's own has is not known: then all is kept that has no plug-in.
    """
    if one.plugin is None:
        return not declared_sources().keys() >= {*own_names()}
    installed = {entry.name for entry in plugin_entry_points()}
    return one.plugin in installed - declared_sources().keys()


def _contents(connection: Connection) -> object:
    """Return a snapshot of what a migration changes, for comparison."""
    missing = history.missing_tables(connection, all_tables())
    return history.applied_revision(connection), missing, objects.applied_files(connection)


def _reject_foreign(connection: Connection, place: str) -> None:
    if history.state(connection) != "foreign":
        return
    if history.applied_revision(connection) is None:
        raise PermanentFailure(
            "database",
            "its tables are of Isobar 1.0 or 2.0, whose databases this version cannot upgrade",
            place=place,
            remedy="Start anew: set DATABASE_URL to an empty database, or ISOBAR_HOME to another"
            " folder, and load the sources again. What to take along is in docs/database.md,"
            " 'From Isobar 1.0 or 2.0'. Or go on with that version, which restores its backups.",
        )
    raise PermanentFailure(
        "database",
        "its tables are of a later version of Isobar: this one does not know their revision"
        f" {history.applied_revision(connection)}",
        place=place,
        remedy="Update this clone. To go back to an older version, restore a backup.",
    )


@contextmanager
def _described_failures(place: str) -> Iterator[None]:
    """Translate errors of the database into failures that say what to do."""
    try:
        yield
    except DBAPIError as error:
        raise failure_of(
            error,
            "database",
            f"{' '.join(['migrating gave up', *error.detail])}, nothing was changed",
            place=place,
            see="See whether the server is up and DATABASE_URL is right.",
            remedy="Fix the reported error (docs/database.md, 'Migrating'), then run"
            " isobar migrate again.",
            unreached="it could not be reached",
            is_whole=True,
        ) from error
