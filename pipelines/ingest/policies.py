"""The policies `Upsert` and `Insert`: staged rows are stored by primary key.

Records that contradict others are rejected first. Then one statement for each table stores the
rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg.sql import Literal
from sqlalchemy import text

from pipelines.warehouse.connection import (
    OF_RECORD,
    RAW,
    RECORD,
    count_statement,
    upsert_statement,
)
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    from sqlalchemy import Table

    from pipelines.ingest.load import Load


def stage_of(table: str) -> str:
    """Return the name of the stage of a table."""
    return f"stage_{table.rpartition('.')[2]}"


def sql_of_key(table: Table, row: str) -> str:
    """Return the SQL expression of the key of a row: the table and the texts of its values."""
    texts = ", ".join(f"CAST({row}.{column.name} AS text)" for column in table.primary_key)
    return f"ARRAY[{Literal(table.fullname).as_string()}, {texts}]"


def put_by_key(load: Load, *, is_first: bool) -> None:
    """Store the staged rows of all tables; with `is_first`, those whose key is not stored yet.

    Of several records with one key, the first one counts: others are rejected if they differ, and
    with `is_first` those that differ from what is stored, which came before.
    """
    if not load.columns:
        return
    load.run(f"CREATE TEMP TABLE changed ({RECORD} integer) ON COMMIT DROP", {})
    for stage, columns in load.columns.items():
        if RAW not in columns and is_first:
            raise LookupError(f"rows of {load.table_of(stage).fullname} have no column {RAW}")
        if RAW in columns and (values := _values(load.table_of(stage), columns)):
            for query in ("reject_contradicting", "reject_repeated")[not is_first :]:
                _reject(load, query, stage, values)
    is_old = load.is_retry and _is_followed(load)
    staged = [(load.table_of(name), columns) for name, columns in load.columns.items()]
    for table, columns in staged:
        statement = upsert_statement(
            table, columns, only_missing=is_first or is_old, is_retry=load.is_retry
        )
        load.run(statement, {"delivery_id": load.delivery_id})
    load.run(
        f"INSERT INTO counted (loaded, stored) SELECT (SELECT count(DISTINCT {RECORD})"
        f" FROM changed), ({count_statement(staged)})",
        {},
    )


def _reject(load: Load, query: str, stage: str, values: Sequence[str]) -> None:
    """Reject the rows that a query finds; a record is rejected as a whole, in each stage."""
    table = load.table_of(stage)
    keys = [column.name for column in table.primary_key]
    found = read_sql("pipelines.ingest", query).format(
        stage=stage,
        table=table.fullname,
        keys=", ".join(keys),
        is_key=" AND ".join(f"staged.{key} = stored.{key}" for key in keys),
        values=", ".join(values),
        first_values=", ".join(f"first_value({one}) OVER same_key" for one in values),
        staged_values=", ".join(f"staged.{one}" for one in values),
        stored_values=", ".join(f"stored.{one}" for one in values),
        record_key=sql_of_key(table, "staged"),
    )
    statement = read_sql("pipelines.ingest", "reject_found").format(found=found)
    if load.run(statement, {}).rowcount:
        for one in load.columns:
            load.run(f"DELETE FROM {one} WHERE {RECORD} IN (SELECT {RECORD} FROM rejected)", {})


def _values(table: Table, columns: Sequence[str]) -> list[str]:
    """Return the staged columns that are not of the primary key."""
    return [one for one in columns if one not in (*table.primary_key.columns.keys(), *OF_RECORD)]


def _is_followed(load: Load) -> bool:
    """Return whether a later delivery of the feed was loaded, which a retry must not undo."""
    query = text(read_sql("pipelines.ingest", "is_followed"))
    mine = {"delivery_id": load.delivery_id}
    return bool(load.connection.execute(query, mine).scalar_one())
