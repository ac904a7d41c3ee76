"""Views, functions, triggers, privileges and comments on tables, applied when they change.

All are `.sql` files, except for the comments, which are declared in `tables.py`. `ops.sql_objects`
stores the digest of each applied file.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

import psycopg
from sqlalchemy import Connection, Table, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from pipelines.migrations import distribution
from pipelines.migrations.history import Schema
from pipelines.postgres.errors import exceeds_a_limit
from pipelines.warehouse.sql_files import execute_script, read_sql
from pipelines.warehouse.tables import sql_objects

#: Idempotent files of a source, executed in this order whenever its tables, its views or the file
#: change: triggers first, privileges last.
SCRIPTS = ("tables.sql", "grants.sql")


@dataclass(frozen=True)
class Applied:
    """An applied file: its digest, and the plug-in that it belongs to, if any."""

    sha256: str | None
    plugin: str | None


def digest(sql: str) -> str:
    """Return the digest of a file's text."""
    return hashlib.sha256(sql.encode()).hexdigest()


def scripts(schema: Schema) -> dict[str, str]:
    """Return its comments, and its SQL other than views and functions, by `NAME/grants.sql`."""
    return {f"{schema.name}/comments": _comments(schema)} | script_files(schema)


def script_files(schema: Schema) -> dict[str, str]:
    """Return those of its scripts that are files."""
    folder = resources.files(schema.package).joinpath("sql")
    return {
        f"{schema.name}/{name}": folder.joinpath(name).read_text(encoding="utf-8")
        for name in SCRIPTS
        if folder.joinpath(name).is_file()
    }


def applied_files(connection: Connection) -> dict[str, Applied]:
    """Return each applied file by name; without a digest if its object no longer exists."""
    found = list(connection.execute(select(sql_objects)))
    present = _signatures(connection, [row.name for row in found if _is_object(row.name)])
    return {
        row.name: Applied(
            row.sha256 if row.name in present or not _is_object(row.name) else None, row.plugin
        )
        for row in found
    }


def replace(connection: Connection, files: Mapping[str, str], plugin: str | None) -> set[str]:
    """Create or replace the views and functions whose files changed; return their names."""
    stale = _stale(connection, files)
    with distribution.on_coordinator(connection):
        errors = _in_dependency_order(connection, stale)
    if errors:
        raise next(iter(errors.values()))
    _inherit_comments(connection, stale)
    _record(connection, stale, plugin)
    return set(stale)


def _inherit_comments(connection: Connection, names: Iterable[str]) -> None:
    """Give columns of views the comments of those that they come from, view after view."""
    query = text(read_sql("pipelines.migrations", "inherit_comments"))
    while missing := connection.execute(query, {"names": [*names]}).scalars().all():
        execute_script(connection, ";".join(missing))


def drop(connection: Connection, names: Iterable[str], *, for_good: bool) -> dict[str, str]:
    """Drop views and functions, but for those on which objects of others depend.

    Returns those, which stay, each with what depends on it. Trigger functions are dropped only with
    `for_good`; otherwise they can always be replaced.
    """
    names = list(names)
    found = _signatures(connection, filter(_is_object, names), with_triggers=for_good)
    name_of = {one: name for name, signatures in found.items() for one in signatures}
    errors = _in_dependency_order(connection, {one: f"DROP {one}" for one in name_of})
    kept = {}
    for signature, error in errors.items():
        if not isinstance(error.orig, psycopg.errors.DependentObjectsStillExist):
            raise error
        kept[name_of[signature]] = (error.orig.diag.message_detail or "").replace("\n", ", ")
    if for_good:
        if kept:
            raise next(iter(errors.values()))
        connection.execute(delete(sql_objects).where(sql_objects.c.name.in_(names)))
    return kept


def execute_scripts(
    connection: Connection, schema: Schema, *, plugin: str | None, is_changed: bool
) -> None:
    """Execute its scripts if its tables, its views or one of the scripts changed."""
    files = scripts(schema)
    if is_changed or _stale(connection, files):
        comments, *others = files.values()
        query = text(read_sql("pipelines.migrations", "comments"))
        wrong = connection.execute(query, {"declared": comments}).scalars().all()
        for sql in (*wrong, *others):
            execute_script(connection, sql)
        _record(connection, files, plugin)


def _comments(schema: Schema) -> str:
    """Return the declared comments of its tables and columns, as JSON."""
    declared = [
        {
            "schema_name": table.schema,
            "table_name": table.name,
            "column_name": None if isinstance(one, Table) else one.name,
            "comment": one.comment,
        }
        for table in schema.metadata.sorted_tables
        for one in (table, *table.columns)
    ]
    return json.dumps(declared)


def _is_object(name: str) -> bool:
    """Return whether the name is that of a view or function, not of a script."""
    return "/" not in name


def _stale(connection: Connection, files: Mapping[str, str]) -> dict[str, str]:
    """Return the files that changed since they were applied."""
    applied = {name: one.sha256 for name, one in applied_files(connection).items()}
    return {name: sql for name, sql in files.items() if applied.get(name) != digest(sql)}


def _record(connection: Connection, files: Mapping[str, str], plugin: str | None) -> None:
    connection.execute(delete(sql_objects).where(sql_objects.c.name.in_(list(files))))
    if files:
        rows = [
            {"name": name, "sha256": digest(sql), "plugin": plugin} for name, sql in files.items()
        ]
        connection.execute(insert(sql_objects), rows)


def _in_dependency_order(
    connection: Connection, statements: Mapping[str, str]
) -> dict[str, DBAPIError]:
    """Execute statements in dependency order, by retrying those that fail until none succeeds.

    Returns the errors of those that cannot be executed, by the names of the statements.
    """
    waiting = dict(statements)
    while waiting:
        errors: dict[str, DBAPIError] = {}
        for name, sql in waiting.items():
            try:
                with connection.begin_nested():
                    execute_script(connection, sql)
                    _reject_overloads(connection, name)
                    _reject_other_kinds(connection, name)
            except DBAPIError as error:
                if isinstance(error, OperationalError) and not exceeds_a_limit(error):
                    raise  # unrelated to the order
                errors[name] = error
        if len(errors) == len(waiting):
            for name in errors:
                errors[name].add_detail(f"in {name}.sql")
            return errors
        waiting = {name: waiting[name] for name in errors}
    return {}


def _reject_overloads(connection: Connection, name: str) -> None:
    """Raise `ProgrammingError` if the arguments of a function changed, and the old one remains."""
    if any(len(signatures) > 1 for signatures in _signatures(connection, [name]).values()):
        words = f"{name} is there with several signatures"
        raise ProgrammingError(None, None, ValueError(words))


def _reject_other_kinds(connection: Connection, name: str) -> None:
    """Raise `ProgrammingError` for a file that makes something else, such as a table."""
    query = text(
        "SELECT relkind FROM pg_class INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid"
        " WHERE nspname = split_part(:name, '.', 1) AND relname = split_part(:name, '.', 2)"
    )
    if connection.execute(query, {"name": name}).scalar_one_or_none() not in (None, "v"):
        words = f"{name} is no view: a file in sql/views makes a view or a function"
        raise ProgrammingError(None, None, ValueError(words))


def _signatures(
    connection: Connection, names: Iterable[str], *, with_triggers: bool = True
) -> dict[str, list[str]]:
    """Return what to drop by these names: a view, or each function with its argument types."""
    query = text(
        """
        SELECT name, 'VIEW ' || pg_class.oid::regclass AS signature
        FROM unnest(cast(:names AS text[])) AS name
        INNER JOIN pg_class ON relnamespace = to_regnamespace(split_part(name, '.', 1))
            AND relname = split_part(name, '.', 2)
        UNION ALL
        SELECT name, 'FUNCTION ' || pg_proc.oid::regprocedure
        FROM unnest(cast(:names AS text[])) AS name
        INNER JOIN pg_proc ON pronamespace = to_regnamespace(split_part(name, '.', 1))
            AND proname = split_part(name, '.', 2)
        WHERE :with_triggers OR prorettype <> 'trigger'::regtype
        """
    )
    found: dict[str, list[str]] = {}
    given = {"names": list(names), "with_triggers": with_triggers}
    for name, signature in connection.execute(query, given):
        found.setdefault(name, []).append(signature)
    return found
