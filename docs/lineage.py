"""Write `column_lineage.json` of each source: which column is made of which, from views and SQL.

Views are read from a migrated database, tables that follow others from the statements that fill
them. A test fails while a file is not what this says.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import psycopg
import sqlglot
from sqlglot import exp
from sqlglot.lineage import Node, lineage

from pipelines.source import sources
from pipelines.warehouse.sql_files import read_sql

DIALECT = "postgres"
Schema = dict[str, dict[str, dict[str, str]]]


def documents(connection: psycopg.Connection) -> dict[Path, str]:
    """The file of each source: by relation and column, the columns of others it is made of."""
    schema = _schema(connection)
    views = {
        name: _sources(sqlglot.parse_one(definition, dialect=DIALECT), schema, columns)
        for name, definition, columns in _views(connection, schema)
    }
    pages = {}
    for source in sources().values():
        found = {name: views[name] for name in source.object_files if name in views}
        for name, file in source.filled_by.items():
            found[name] = _of_statements(name, read_sql(source.package, file), schema)
        if found:
            page = Path(source.module_file("column_lineage.json")).with_name("column_lineage.json")
            pages[page] = _document(found)
    return pages


def _document(found: Mapping[str, Mapping[str, list[str]]]) -> str:
    relations = ",\n".join(
        f'"{name}": {{\n'
        + ",\n".join(f' "{column}": {json.dumps(made_of)}' for column, made_of in columns.items())
        + "\n}"
        for name, columns in sorted(found.items())
    )
    return f"{{\n{relations}\n}}\n"


def _schema(connection: psycopg.Connection) -> Schema:
    columns = connection.execute(
        "SELECT table_schema, table_name, column_name, data_type"
        " FROM information_schema.columns"
        " WHERE table_schema NOT IN ('information_schema', 'pg_catalog', 'public')"
        " ORDER BY table_schema, table_name, ordinal_position"
    )
    schema: Schema = {}
    for at, table, column, kind in columns:
        schema.setdefault(at, {}).setdefault(table, {})[column] = kind
    return schema


def _views(connection: psycopg.Connection, schema: Schema) -> list[tuple[str, str, list[str]]]:
    views = connection.execute(
        "SELECT schemaname, viewname, definition FROM pg_views ORDER BY 1, 2"
    )
    return [
        (f"{at}.{view}", definition, list(schema[at][view]))
        for at, view, definition in views
        if at in schema
    ]


def _of_statements(name: str, script: str, schema: Schema) -> dict[str, list[str]]:
    """Of the INSERT among the statements of a file, by way of the temporary tables before it."""
    temporary = {}
    for statement in sqlglot.parse(script.replace(" ON COMMIT DROP", ""), dialect=DIALECT):
        if isinstance(statement, exp.Create):
            temporary[statement.this.name] = statement.expression
        if isinstance(statement, exp.Insert) and _name(statement.find(exp.Table)) == name:
            query = statement.expression
            if inherited := statement.args.get("with_"):
                query.set("with_", inherited)
            columns = [column.name for column in statement.this.expressions]
            for column, selected in zip(columns, query.selects, strict=True):
                if selected.alias_or_name != column:
                    selected.replace(exp.alias_(selected.copy(), column))
            return _sources(query, schema, columns, temporary)
    raise ValueError(f"the statements do not fill {name}")


def _sources(
    query: exp.Expr,
    schema: Schema,
    columns: list[str],
    temporary: Mapping[str, exp.Query] | None = None,
) -> dict[str, list[str]]:
    found = {}
    tops = lineage(None, query.copy(), schema=schema, sources=temporary, dialect=DIALECT)
    for column in columns:
        sources = sorted({name for node in tops[column].walk() if (name := _source(node))})
        if sources:
            found[column] = sources
    return found


def _source(node: Node) -> str | None:
    """The column of a relation at the end of a line; None for what is on the way or no column."""
    if node.downstream or not isinstance(node.expression, exp.Table) or not node.expression.name:
        return None  # such as a function
    return f"{_name(node.expression)}.{node.name.rsplit('.', 1)[-1]}"


def _name(table: exp.Table | None) -> str:
    return f"{table.db}.{table.name}" if table is not None else ""
