"""Views, functions, triggers, privileges and comments on tables, applied when they change.

All are `.sql` files, except for the comments, which are declared in `tables.py`. `ops.sql_objects`
stores the digest of each applied file. A file is executed after those that it names. A view or
function that PostgreSQL does not replace is dropped with those of Isobar that use it. They are made
again as if they had been replaced in place: with the rights and comments that they had
(`pipelines.migrations.dropped`). If others use one, PostgreSQL says so, and nothing is changed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from importlib import resources

import psycopg
from psycopg.sql import Identifier, Literal
from sqlalchemy import Connection, MetaData, delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from pipelines.migrations import distribution, dropped
from pipelines.migrations.dropped import execute
from pipelines.warehouse.sql_files import execute_script, names_used, read_sql
from pipelines.warehouse.tables import sql_objects

#: Idempotent files of a source, executed in this order whenever its tables, its views or the file
#: change: triggers first, privileges last.
SCRIPTS = ("tables.sql", "grants.sql")
#: What PostgreSQL says when the columns of a view or the result of a function are others.
NOT_REPLACED = (psycopg.errors.InvalidTableDefinition, psycopg.errors.InvalidFunctionDefinition)


@dataclass(frozen=True)
class Part:
    """A schema of the platform or a source: its package, tables, and views and functions."""

    name: str
    about: str
    package: str
    metadata: MetaData
    files: Mapping[str, str]
    #: Its feeds and inputs in ledger and watermarks, as `feed NAME` and `input NAME`.
    entries: frozenset[str] = frozenset()

    def scripts(self) -> dict[str, str]:
        """Return its comments, and its SQL but for views and functions, by `NAME/grants.sql`."""
        declared = [("SCHEMA", [self.name], self.about)]
        for one in self.metadata.tables.values():
            name = [str(one.schema), one.name]
            declared.append(("TABLE", name, one.comment or ""))
            declared += [("COLUMN", [*name, of.name], of.comment or "") for of in one.columns]
        comments = "".join(
            f"COMMENT ON {kind} {Identifier(*name).as_string()} IS {Literal(about).as_string()};\n"
            for kind, name, about in declared
        )
        folder = resources.files(self.package).joinpath("sql")
        files = [folder.joinpath(name) for name in SCRIPTS]
        return {f"{self.name}/comments": comments} | {
            f"{self.name}/{file.name}": file.read_text("utf-8") for file in files if file.is_file()
        }


def digest(sql: str) -> str:
    """Return the digest of a file's text."""
    return hashlib.sha256(sql.encode()).hexdigest()


def applied_files(connection: Connection) -> dict[str, str | None]:
    """Return the digest of each applied file by name; None if its object no longer exists."""
    found = connection.execute(text(read_sql("pipelines.migrations", "applied_files")))
    return {row.name: row.sha256 for row in found}


def replace(connection: Connection, files: Mapping[str, str]) -> set[str]:
    """Create or replace the views and functions whose files changed; return their names."""
    waiting = _stale(connection, files)
    changed = set(waiting)
    uses = {name: (names_used(sql) & files.keys()) - {name} for name, sql in files.items()}
    order = [*TopologicalSorter(uses).static_order()]
    with distribution.on_coordinator(connection):
        with dropped.given_back(connection, files) as again:
            while waiting:
                name = min(waiting, key=order.index)
                waiting.discard(name)
                if not _is_replaced(connection, name, files[name]):
                    users = {row.name for row in dropped.drop(connection, [name])}
                    waiting |= (users & files.keys()) - {name}
                    execute(connection, name, files[name])
                changed |= waiting
        for name in sorted(again & files.keys(), key=order.index):  # what it says prevails
            execute(connection, name, files[name])
    inherit = text(read_sql("pipelines.migrations", "inherit_comments"))
    while missing := connection.execute(inherit, {"names": [*changed | again]}).scalars().all():
        execute_script(connection, ";".join(missing))
    _record(connection, {name: files[name] for name in changed})
    return changed


def execute_scripts(connection: Connection, part: Part, *, is_changed: bool) -> None:
    """Execute its scripts if its tables, its views or one of the scripts changed."""
    files = part.scripts()
    if is_changed or _stale(connection, files):
        for name, sql in files.items():
            try:
                with connection.begin_nested():
                    execute(connection, name, sql)
            except DBAPIError as error:  # a plug-in's table may lack a column that it declares
                is_missing = isinstance(error.orig, psycopg.errors.UndefinedColumn)
                if not (is_missing and name.endswith("/comments")):
                    raise
            else:
                _record(connection, {name: sql})


def _is_replaced(connection: Connection, name: str, sql: str) -> bool:
    """Replace a view or function; return whether PostgreSQL did, and no older overload remains."""
    count = text(
        "SELECT count(*) FROM pg_proc WHERE proname = split_part(:name, '.', 2)"
        " AND pronamespace = to_regnamespace(split_part(:name, '.', 1))"
    )
    try:
        with connection.begin_nested():
            execute(connection, name, sql)
    except DBAPIError as error:
        if isinstance(error.orig, NOT_REPLACED):
            return False
        raise
    return bool(connection.execute(count, {"name": name}).scalar_one() < 2)


def _stale(connection: Connection, files: Mapping[str, str]) -> set[str]:
    """Return the names of the files that changed since they were applied."""
    applied = applied_files(connection)
    return {name for name, sql in files.items() if applied.get(name) != digest(sql)}


def _record(connection: Connection, files: Mapping[str, str]) -> None:
    connection.execute(delete(sql_objects).where(sql_objects.c.name.in_([*files])))
    if files:
        rows = [{"name": name, "sha256": digest(sql)} for name, sql in files.items()]
        connection.execute(insert(sql_objects), rows)
