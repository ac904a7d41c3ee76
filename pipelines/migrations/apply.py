"""Migrate a database to the current schema: roles, tables, views and functions, all or nothing.

This is the only place that issues DDL on permanent objects. Concurrent migrations take turns; a
repeated one changes nothing. A plug-in that fails is rolled back without affecting the others.
There are no downgrades: to go back, restore a backup.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from alembic.util import CommandError
from sqlalchemy import Connection, Table, delete, text
from sqlalchemy.exc import DBAPIError, OperationalError

from pipelines.failures import PermanentFailure
from pipelines.ingest.statements import OTHER_MODELS
from pipelines.isolation import SOURCE_ERRORS, broken_sources, note_broken
from pipelines.migrations import distribution, history, objects
from pipelines.migrations.collections import collected_views, platform_views
from pipelines.postgres import sessions
from pipelines.postgres.clients import place_of
from pipelines.postgres.errors import failure_of, read_only
from pipelines.postgres.software import OLDEST_MAJOR
from pipelines.source import Source, declared_sources, is_plugin, own_names, plugin_entry_points
from pipelines.warehouse.connection import engine_for, set_local
from pipelines.warehouse.sql_files import execute_script, read_sql, sql_files
from pipelines.warehouse.tables import failing_views

#: The key of a quarantined record says which one it is only as long as the key of its table stays.
FORGET_KEYS = text("UPDATE ops.quarantine SET record_key = NULL WHERE record_key[1] = ANY(:tables)")
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
    found = [
        table
        for schema in history.all_schemas().values()
        for table in schema.metadata.tables.values()
    ]
    return sorted(found, key=lambda table: table.fullname)


def schemas() -> set[str]:
    """Return the schemas that contain our tables."""
    return {table.schema for table in all_tables() if table.schema}


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
            _reject_older(connection, place)
            prepare(connection)
            if _is_migrated(connection):  # another command was faster
                return
            is_new = not history.applied_revisions(connection)
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
    for schema in history.all_schemas().values():
        found += history.differences(connection, schema)
    return found


def plugins_without_revision(url: str) -> list[str]:
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
                if name not in broken and has_other_tables(connection, source)
            ]
    finally:
        engine.dispose()


def condition(connection: Connection) -> Condition:
    """Return the state of the database relative to this code; read access is sufficient."""
    if history.is_older(connection):
        return "foreign"
    revisions = history.applied_revisions(connection)
    if history.PLATFORM not in revisions:
        return "missing"
    plugins = _plugins()
    states = {
        name: history.state(schema, revisions) for name, schema in history.all_schemas().items()
    }
    if any(state == "foreign" for name, state in states.items() if name not in plugins):
        return "foreign"
    if any(state != "current" for state in states.values()):
        return "behind"
    wanted = object_files()
    for schema in history.all_schemas().values():
        wanted |= objects.scripts(schema)
    applied = {
        name: one.sha256
        for name, one in objects.applied_files(connection).items()
        if name in wanted or not _is_kept(one)
    }
    is_same = applied == {name: objects.digest(sql) for name, sql in wanted.items()}
    return "current" if is_same else "other views"


def outdated_plugins(connection: Connection) -> list[str]:
    """Return the plug-ins whose tables or views in the database are not those of their code."""
    revisions, applied = history.applied_revisions(connection), objects.applied_files(connection)
    found = []
    for name, source in _plugins().items():
        schema = history.schema_of(source)
        files = source.object_files | objects.scripts(schema)
        is_applied = all(
            one in applied and applied[one].sha256 == objects.digest(sql)
            for one, sql in files.items()
        )
        if history.state(schema, revisions) != "current" or not is_applied:
            found.append(name)
    return found


def _migrate_all(connection: Connection) -> None:
    """Migrate the sources in the tree together, then each plug-in separately."""
    execute_script(connection, read_sql("pipelines.migrations", "schemas"))
    done = {name: one for name, one in declared_sources().items() if not is_plugin(one)}
    is_new = not history.applied_revisions(connection)
    keys = history.primary_keys(connection)
    try:
        with connection.begin_nested():
            _migrate_in_tree(connection, done)
    except DBAPIError as error:  # views block a change and cannot be replaced
        if is_new or isinstance(error, OperationalError):
            raise
        names = {*objects.applied_files(connection), *object_files(done)}
        _without_views(connection, names, lambda: _migrate_in_tree(connection, done))
    _migrate_plugins(connection, done)
    after = history.primary_keys(connection)
    if changed := [table for table, key in keys.items() if after.get(table) != key]:
        connection.execute(FORGET_KEYS, {"tables": changed})
    for source in done.values():
        distribution.distribute(connection, source)
    connection.execute(delete(failing_views))  # they may have been corrected


def _without_views(connection: Connection, names: set[str], change: Callable[[], None]) -> None:
    """Drop views and functions, and call `change`, which creates them again.

    Those on which others have built stay; if one of them is in the way, the error has their names.
    """
    kept = objects.drop(connection, names, for_good=False)
    try:
        change()
    except DBAPIError as error:
        if kept:
            error.add_detail(f"with objects of others in place ({'; '.join(kept.values())})")
        raise


def _migrate_plugins(connection: Connection, done: dict[str, Source]) -> None:
    """Migrate each plug-in, and add it to those `done`; one that fails is tried after the others.

    Its views may read those of another one.
    """
    waiting = _plugins()
    while waiting:
        problems = {}
        for name, source in waiting.items():
            try:
                with connection.begin_nested():
                    migrate_plugin(connection, source, done)
            except SOURCE_ERRORS as error:
                if isinstance(error, DBAPIError) and error.connection_invalidated:
                    raise
                text = str(error.orig).strip() if isinstance(error, DBAPIError) else str(error)
                files = ", ".join(error.detail) if isinstance(error, DBAPIError) else ""
                where = f" ({files})" if files else ""
                problems[name] = f"its migration was rolled back{where}: {text}"
            else:
                done[name] = source
        if len(problems) == len(waiting):
            for name, problem in problems.items():
                differs = has_other_tables(connection, waiting[name])
                hint = f". Also, {OTHER_MODELS}: isobar sources check {name}" if differs else ""
                note_broken(name, f"{problem}{hint}")
            return
        waiting = {name: waiting[name] for name in problems}


def has_other_tables(connection: Connection, source: Source) -> bool:
    """Return whether the tables of a plug-in differ from its models, as far as these are valid."""
    try:
        with connection.begin_nested():
            is_migrated = source.name in history.applied_revisions(connection)
            schema = history.schema_of(source)
            return is_migrated and bool(history.differences(connection, schema))
    except SOURCE_ERRORS:
        return False


def _migrate_in_tree(connection: Connection, chosen: Mapping[str, Source]) -> None:
    known = history.all_schemas()
    revisions = history.applied_revisions(connection)
    own = [known[name] for name in (history.PLATFORM, *chosen)]
    upgraded = {one.name for one in own if history.create_or_upgrade(connection, one, revisions)}
    files = object_files(chosen)
    changed = objects.replace(connection, files, None)
    plugins = _plugins()
    wanted = {*files, *(name for schema in own for name in objects.scripts(schema))}
    gone = [
        name
        for name, one in objects.applied_files(connection).items()
        if name not in wanted and one.plugin not in plugins and not _is_kept(one)
    ]
    objects.drop(connection, gone, for_good=True)
    of_platform = sql_files("pipelines.ingest", "views")
    for schema in own:
        of_schema = chosen[schema.name].object_files if schema.name in chosen else of_platform
        objects.execute_scripts(
            connection,
            schema,
            plugin=None,
            is_changed=schema.name in upgraded or not changed.isdisjoint(of_schema),
        )


def migrate_plugin(connection: Connection, source: Source, done: Mapping[str, Source]) -> None:
    """Create or upgrade a plug-in's objects, and what is generated from it and those `done`."""
    schema, files = history.schema_of(source), source.object_files
    revisions, applied = history.applied_revisions(connection), objects.applied_files(connection)
    earlier = [name for name, one in applied.items() if one.plugin == source.name]
    try:
        with connection.begin_nested():
            is_changed = history.create_or_upgrade(connection, schema, revisions)
            is_changed |= bool(objects.replace(connection, files, plugin=source.name))
    except DBAPIError:  # as above

        def change() -> None:
            history.create_or_upgrade(connection, schema, revisions)
            objects.replace(connection, files, source.name)

        _without_views(connection, {*earlier}, change)
        is_changed = True
    wanted = {*files, *objects.scripts(schema)}
    gone = [name for name in earlier if name not in wanted]
    objects.drop(connection, gone, for_good=True)
    objects.execute_scripts(connection, schema, plugin=source.name, is_changed=is_changed)
    generated = {
        name: sql
        for name, sql in object_files({**done, source.name: source}).items()
        if not any(name in one.object_files for one in (source, *done.values()))
    }
    objects.replace(connection, generated, plugin=None)


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
    return history.applied_revisions(connection), objects.applied_files(connection)


def _reject_older(connection: Connection, place: str) -> None:
    if history.is_older(connection):
        raise PermanentFailure(
            "database",
            "its tables are of Isobar 1.0 or 2.0, whose databases this version cannot upgrade",
            place=place,
            remedy="Start anew: set DATABASE_URL to an empty database, or ISOBAR_HOME to another"
            " folder, and load the sources again. What to take along is in docs/database.md,"
            " 'From Isobar 1.0 or 2.0'. Or go on with that version, which restores its backups.",
        )


@contextmanager
def _described_failures(place: str) -> Iterator[None]:
    """Translate errors of Alembic and the database into failures that say what to do."""
    try:
        yield
    except CommandError as error:
        raise PermanentFailure(
            "database",
            f"its schema belongs to another version of Isobar: {error}",
            place=place,
            remedy="Update this clone. To go back to an older version, restore a backup.",
        ) from error
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
