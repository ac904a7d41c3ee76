"""Delete what a source has in the database, for `isobar sources reset` and `isobar sources drop`.

Nothing of others is deleted with it: PostgreSQL drops what is named and nothing more, and what
others have built on it is found before, and named.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, or_, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from pipelines.failures import PermanentFailure
from pipelines.migrations import dropped
from pipelines.migrations.apply import prepare, transaction
from pipelines.postgres.clients import place_of
from pipelines.source import PLATFORM_NAMES, own_names, plugin_entry_points
from pipelines.warehouse.sql_files import execute_script, read_sql
from pipelines.warehouse.tables import (
    deliveries,
    inbox_files,
    quarantine,
    reads,
    source_parts,
    sources,
    sql_objects,
    watermarks,
)

#: How much of what others have built is named.
MOST_NAMED = 20


def installed_names() -> set[str]:
    """Return the names of Isobar's own sources and of the installed plug-ins, broken ones too."""
    return {*own_names(), *(entry.name for entry in plugin_entry_points())}


def away(connection: Connection) -> list[str]:
    """Return the sources that have a schema and are not installed; read access is sufficient."""
    query = text("SELECT nspname FROM pg_namespace WHERE nspowner = to_regrole('isobar_owner')")
    return sorted({*connection.execute(query).scalars()} - PLATFORM_NAMES - installed_names())


def remove(url: str, name: str, command: str, *, for_good: bool) -> int:
    """Delete what a source has in a migrated database; return the number of its deliveries.

    That is its schema, its views, functions and tables in others, and its entries in ledger,
    quarantine, inboxes and watermarks. Unless it is `for_good`, the next migration makes tables and
    views again, with those of other sources that use them, and all have the rights that they had.

    Raises `PermanentFailure` if others have built on it, with their names; else as `migrate`.
    """
    remedy = f"Mend what the message says, then run {command} again."
    with transaction(url, "deleting gave up", remedy) as connection:
        prepare(connection)
        names = select(source_parts.c.name).where(source_parts.c.source == name)
        parts = {*connection.execute(names).scalars()}
        query = text(read_sql("pipelines.migrations", "things_of"))
        things = connection.execute(query, {"source": name, "names": [*parts]}).all()
        others = [row for row in things if not row.is_own and (for_good or row.source is None)]
        if others:
            raise PermanentFailure(
                "database",
                f"nothing was deleted, as others have built on what {name} has: {_named(others)}",
                place=place_of(url),
                remedy=f"Drop what is named, or ask whose it is; then run {command} again.",
            )
        if not for_good:
            dropped.note(connection, [row.name for row in things])
            dropped.remember(connection)
            things = [row for row in things if row.kind != "SCHEMA"]  # and with it rights on it
        _drop(connection, things)
        return _delete_entries(connection, name, parts, for_good=for_good)


def _named(others: Sequence[Any]) -> str:
    more = f", and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    named = [
        f"{row.kind.lower()} {row.signature} of "
        + (f"the source {row.source}" if row.source else row.owner)
        for row in others[:MOST_NAMED]
    ]
    return ", ".join(named) + more


def _drop(connection: Connection, things: Iterable[Any]) -> None:
    """Drop things of Isobar, each once nothing uses it any more."""
    tables = [row.signature for row in things if row.kind == "TABLE"]
    others = [row for row in things if row.kind != "TABLE"]
    waiting = [f"DROP {row.kind} IF EXISTS {row.signature}" for row in others]
    if tables:  # together, as they may refer to each other
        waiting.append(f"DROP TABLE IF EXISTS {', '.join(tables)}")
    while waiting:
        left = [statement for statement in waiting if not _is_dropped(connection, statement)]
        if len(left) == len(waiting):
            execute_script(connection, left[0])  # says what is in the way
        waiting = left


def _is_dropped(connection: Connection, statement: str) -> bool:
    try:
        with connection.begin_nested():
            execute_script(connection, statement)
    except OperationalError:  # such as a lock
        raise
    except DBAPIError:
        return False
    return True


def _delete_entries(connection: Connection, name: str, parts: set[str], *, for_good: bool) -> int:
    """Delete the entries of a source in the tables of the platform."""
    is_of_other = source_parts.c.name == f"feed {name}", source_parts.c.source != name
    is_taken = connection.execute(select(source_parts).where(*is_of_other)).first()
    feeds = {part.removeprefix("feed ") for part in parts if part.startswith("feed ")}
    feeds |= set() if is_taken else {name}
    inputs = {part.removeprefix("input ") for part in parts}  # and tables, whose loads it numbers
    inputs |= {f"{name}, {feed}" for name in inputs for feed in feeds}
    mine = deliveries.c.feed.in_(feeds)
    rejected = quarantine.c.delivery_id.in_(select(deliveries.c.delivery_id).where(mine))
    connection.execute(delete(quarantine).where(rejected))
    connection.execute(delete(inbox_files).where(inbox_files.c.source.in_(feeds)))
    for table in (watermarks, reads):
        connection.execute(delete(table).where(table.c.name.in_(inputs)))
    connection.execute(delete(sources).where(sources.c.source == name))
    if for_good:
        is_script = sql_objects.c.name.startswith(f"{name}/", autoescape=True)
        applied = or_(is_script, sql_objects.c.name.in_(parts))
        connection.execute(delete(sql_objects).where(applied))
        connection.execute(delete(source_parts).where(source_parts.c.source == name))
    return connection.execute(delete(deliveries).where(mine)).rowcount
