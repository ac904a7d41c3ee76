"""Statements that write all columns of a table from its staging table."""

from sqlalchemy import Table, TextClause, text

from pipelines.warehouse.sql_files import read_sql


def put_statement(name: str, table: Table) -> TextClause:
    """A statement of `sql/`, with the table's columns filled in."""
    columns = [column.name for column in table.columns]
    statement = read_sql("pipelines.sources.weather", name).format(
        columns=", ".join(columns),
        assignments=", ".join(f"{column} = excluded.{column}" for column in columns),
    )
    return text(statement)
