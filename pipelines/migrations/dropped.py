"""Views, functions and tables that a migration or a reset drops, and what each gets back.

Whatever is made again has the rights, also of columns, and the comments that it had, whoever gave
them. That may be later, such as when the plug-in whose view it is works again: until then,
`ops.source_parts.owed` has them. A view or function that has no file at present is made again from
its definition, if it still fits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import sql
from sqlalchemy import Connection, func, null, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError

from pipelines.isolation import WARNINGS
from pipelines.source import own_names
from pipelines.warehouse.sql_files import execute_script, read_sql
from pipelines.warehouse.tables import source_parts, sql_objects

#: What of a connection's `info` has what was dropped: revisions drop before there is a table of it.
DROPPED = "dropped"


def execute(connection: Connection, name: str, sql: str) -> None:
    """Execute the SQL of a file; its errors name it."""
    try:
        execute_script(connection, sql)
    except DBAPIError as error:
        error.add_detail(f"in {name.removesuffix('.sql')}.sql")
        raise


def drop(connection: Connection, names: Iterable[str], *, for_good: bool = False) -> Sequence[Any]:
    """Drop views and functions with those of Isobar that use them, and return all of them.

    `given_back` makes up for it, unless the named ones go `for_good`. Raises `DBAPIError` if what
    others have built uses one of them.
    """
    named = [*names]
    found = [row for row in note(connection, named) if row.kind != "TABLE"]
    for row in found:
        execute(connection, row.name, f"DROP {row.kind} {row.signature}")
    if for_good:
        owed = connection.info[DROPPED]
        connection.info[DROPPED] = [row for row in owed if row.name not in named]
    return found


def note(connection: Connection, names: Iterable[str]) -> Sequence[Any]:
    """Return views, functions and tables with what of Isobar uses them, and note what they have."""
    query = text(read_sql("pipelines.migrations", "users_of"))
    found = connection.execute(query, {"names": [*names]}).all()
    connection.info.setdefault(DROPPED, []).extend(found)
    return found


def note_earlier(connection: Connection) -> None:
    """Note which source has what in a database whose version did not, as far as it shows."""
    own = sql.Literal(own_names()).as_string()
    execute_script(connection, read_sql("pipelines.migrations", "earlier_parts").format(own=own))


def remember(connection: Connection) -> None:
    """Write down what was dropped in this transaction and is owed."""
    owed: dict[str, list[Any]] = {}
    for row in connection.info.pop(DROPPED, ()):
        owed.setdefault(row.name, []).append(row.owed)
    for name, several in owed.items():
        entry = insert(source_parts).values(name=name, source="ops", owed=several)
        connection.execute(
            entry.on_conflict_do_update(
                index_elements=["name"],
                set_={"owed": func.coalesce(source_parts.c.owed, entry.excluded.owed)},
            )
        )


@contextmanager
def given_back(connection: Connection, files: Mapping[str, str]) -> Iterator[set[str]]:
    """Give what the body makes again, from these `files`, the rights and comments that it had.

    What has no file among them is made from its definition. Yields a set that has the names of all
    of these at the end.
    """
    again: set[str] = set()
    try:
        yield again
    except BaseException:
        connection.info.pop(DROPPED, None)  # all is rolled back
        raise
    remember(connection)
    query = text(read_sql("pipelines.migrations", "owed"))
    made = {""}
    while made:  # views use views
        owed = connection.execute(query).all()
        waiting = [row for row in owed if not row.is_there and row.name not in files]
        made = {row.name for row in waiting if _is_made_again(connection, row)}
    for row in owed:
        if row.is_there:
            again.add(row.name)
            execute_script(connection, ";".join([*row.revokes, *row.comments]) or "SELECT")
            for grantor, grant in row.grants:
                _grant(connection, grantor, grant)
    is_done = source_parts.c.name.in_(again)
    connection.execute(update(source_parts).where(is_done).values(owed=null()))


def warn(connection: Connection) -> None:
    """Say what was dropped and could not be made again, at the end of a migration."""
    for row in connection.execute(text(read_sql("pipelines.migrations", "owed"))):
        if not row.is_there and row.definition:
            WARNINGS.warning(
                "%s of the source %s does not fit what changed, and was dropped. It is made again"
                " once the source is installed in a version that fits.",
                *(row.name, row.source),
            )


def _is_made_again(connection: Connection, row: Any) -> bool:
    """Make a view or function from its definition, if it fits; its file is executed later."""
    if row.definition is None:
        return False
    try:
        with connection.begin_nested():
            execute_script(connection, row.definition)
    except OperationalError:  # such as a lock: it might fit
        raise
    except DBAPIError:
        return False
    mine = sql_objects.c.name == row.name
    connection.execute(update(sql_objects).where(mine).values(sha256=""))
    return True


def _grant(connection: Connection, grantor: str, grant: str) -> None:
    """Grant as who had granted it, who can revoke it then, or else as the owner."""
    acting = select(func.set_config("role", grantor, True))
    back = select(func.set_config("role", "isobar_owner", True))
    try:
        with connection.begin_nested():
            connection.execute(acting)
            execute_script(connection, grant)
            connection.execute(back)
    except DBAPIError:  # the login may not act as that role, or it may not grant any more
        execute_script(connection, grant)
