"""Insert or replace rows of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, column, select, table
from sqlalchemy.dialects.postgresql import insert

from pipelines.warehouse.connection import stage_rows


def put_rows(connection: Connection, rows: Sequence[Mapping[str, Any]], target: Table) -> None:
    """Insert rows with all columns of a table, replacing those with the same key."""
    stage_rows(connection, rows, target)
    names = [one.name for one in target.columns]
    staged = table(f"stage_{target.name}", *map(column, names))
    statement = insert(target).from_select(names, select(staged))
    replaced = {name: statement.excluded[name] for name in names}
    connection.execute(
        statement.on_conflict_do_update(constraint=target.primary_key, set_=replaced)
    )
