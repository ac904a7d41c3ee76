"""Views of sources that fail: what gathers them leaves them out, so that the others go on.

The views that gather what sources offer (`pipelines.migrations.collections`) leave out those that
are in `ops.failing_views`. One that fails before it is executed, such as by `1 / 0`, cannot be left
out: `metrics.health` names it.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from pipelines.failures import Failure
from pipelines.postgres.errors import exceeds_a_limit, is_cancelled
from pipelines.warehouse.connection import Warehouse, set_local
from pipelines.warehouse.sql_files import read_sql

#: How long a plug-in's view may take, all rows and columns of it. Isobar's own grow with the data.
MAX_SECONDS = 60
#: How long it may wait for a lock, which is no mistake of it.
MAX_LOCK_SECONDS = 30
Read = TypeVar("Read")


def read_collected(store: Warehouse, collected: str, read: Callable[[], Read]) -> Read:
    """Return what `read` returns, which reads a collected view, such as `ops.newest`.

    If it fails, and a source's view is why, that view is left out, and `read` is called again.
    """
    try:
        return read()
    except (DBAPIError, Failure):
        if not note_failing_views(store, collected):
            raise
    return read()


def note_failing_views(
    store: Warehouse, collected: str, source: str | None = None, *, only_noted: bool = False
) -> list[str]:
    """Execute the views that are gathered; note those that fail, and no longer those that work.

    With `source`, only the view of that one; with `only_noted`, only those that failed when they
    were last tested, more than an hour ago. Returns the views that did not fail before, as
    schema.name. Raises `TransientFailure` if the server goes away.
    """
    schema, view = collected.split(".")
    with store.transaction(schema) as connection:
        query = text(read_sql("pipelines.warehouse", "gathered_views"))
        which = {"view": view, "schema": schema, "source": source, "only_noted": only_noted}
        gathered = connection.execute(query, which).all()
        problems = {
            row.view_name: problem
            for row in gathered
            if (problem := _problem_of(connection, row.quoted_name, row.columns, row.is_plugin))
        }
        works = [row.view_name for row in gathered if row.view_name not in problems]
        note = text(read_sql("pipelines.warehouse", "note_failing_views"))
        values = {"works": works, "fails": [*problems], "problems": [*problems.values()]}
        connection.execute(note, values)
    return [row.view_name for row in gathered if row.view_name in problems and not row.is_noted]


def _problem_of(connection: Connection, view: str, columns: str, is_limited: bool) -> str | None:
    """Return why a view cannot be executed, with these columns and types; None if it can."""
    try:
        with connection.begin_nested() as attempt:
            set_local(connection, "lock_timeout", f"{MAX_LOCK_SECONDS}s")
            if is_limited:
                set_local(connection, "statement_timeout", f"{MAX_SECONDS}s")
            # Evaluates all columns of all rows, and sends none.
            connection.execute(text(f"EXPLAIN (ANALYZE, TIMING OFF) SELECT {columns} FROM {view}"))
            attempt.rollback()
    except DBAPIError as error:
        if is_cancelled(error):
            return f"it takes longer than {MAX_SECONDS} s"
        if isinstance(error, OperationalError) and not exceeds_a_limit(error):
            raise  # the server, not the view
        return str(error.orig).splitlines()[0]
    return None
