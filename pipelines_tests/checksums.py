"""Checksums of tables, to compare two databases."""

from collections.abc import Iterable

import psycopg
from psycopg import sql

TABLES = """
SELECT nspname, relname FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE relkind IN ('r', 'p') AND NOT relispartition
    AND nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY 1, 2
"""
SUM = """
SELECT count(*) || ' ' || coalesce(md5(string_agg(line, E'\\n' ORDER BY line)), '')
FROM (SELECT row({columns})::text COLLATE "C" AS line FROM {table}) AS lines
"""
COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname
"""


def columns_of(connection: psycopg.Connection) -> dict[str, list[str]]:
    tables = [f"{schema}.{name}" for schema, name in connection.execute(TABLES).fetchall()]
    return {
        table: [name for (name,) in connection.execute(COLUMNS, [table]).fetchall()]
        for table in tables
    }


def checksum(connection: psycopg.Connection, table: str, columns: Iterable[str]) -> str:
    """Return the row count and a checksum of these columns of a table."""
    statement = sql.SQL(SUM).format(
        table=sql.Identifier(*table.split(".")),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
    )
    return str((connection.execute(statement).fetchone() or ("",))[0])


def checksums(connection: psycopg.Connection) -> dict[str, str]:
    """Return the checksums of all tables of all schemas.

    When SQL files were applied does not count: restoring may apply some again.
    """
    return {
        table: checksum(connection, table, [one for one in columns if one != "applied_at"])
        for table, columns in columns_of(connection).items()
    }
