"""The data dictionary: what a migrated database says of its own schemas, tables, views, functions.

`docs.generate` writes the page; a test fails while it is not what this gives.
"""

import re
from collections import defaultdict
from pathlib import Path

import psycopg

from pipelines.source import is_plugin, sources

PAGE = Path(__file__).parent / "data-dictionary.md"
#: The schemas of the sources in this repository.
OF_SOURCES = tuple(sorted(one.name for one in sources().values() if not is_plugin(one)))
#: In the order of the page: what analysts read first, bookkeeping last.
SCHEMAS = ("enriched", "metrics", *OF_SOURCES, "ops")
HEAD = """\
# Data dictionary

Look up a schema, table, view, function or column. This page is generated from the comments in the
database: `make docs` writes it; do not edit it. psql shows the same comments with `\\d+ NAME`, and
with `\\df+ NAME` for functions.

`enriched` and `metrics` are the public interface: every change to them is in the
[changelog](../CHANGELOG.md). The tables behind them may change without notice.

Column names contain the unit. `_at` is an instant, `_local` a local time of a place, `_on` and
`day` a date. A column can be null only if its comment says when.
"""
OBJECTS = """
SELECT nspname, relname AS name, CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
    obj_description(pg_class.oid, 'pg_class') AS comment, NULL AS signature
FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE nspname = ANY(%(schemas)s) AND relkind IN ('r', 'v', 'm')
UNION ALL
SELECT nspname, proname, 'function', obj_description(pg_proc.oid, 'pg_proc'),
    pg_get_function_arguments(pg_proc.oid) || ' -> ' || pg_get_function_result(pg_proc.oid)
FROM pg_proc JOIN pg_namespace ON pronamespace = pg_namespace.oid
WHERE nspname = ANY(%(schemas)s) AND prorettype <> 'trigger'::regtype
ORDER BY name
"""
COLUMNS = """
SELECT nspname, relname, attname, format_type(atttypid, atttypmod),
    coalesce(attnum = ANY(conkey), FALSE), col_description(attrelid, attnum)
FROM pg_attribute
JOIN pg_class ON attrelid = pg_class.oid
JOIN pg_namespace ON relnamespace = pg_namespace.oid
LEFT JOIN pg_constraint ON conrelid = attrelid AND contype = 'p'
WHERE nspname = ANY(%(schemas)s) AND relkind IN ('r', 'v', 'm') AND attnum > 0 AND NOT attisdropped
ORDER BY attrelid, attnum
"""
ABOUT_SCHEMAS = "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace"
SHORT_TYPES = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}


def page(connection: psycopg.Connection) -> str:
    """The whole page, of the database at the other end."""
    asked = {"schemas": list(SCHEMAS)}
    about: dict[str, str] = dict(connection.execute(ABOUT_SCHEMAS).fetchall())
    columns = defaultdict(list)
    for schema, relation, *column in connection.execute(COLUMNS, asked):
        columns[f"{schema}.{relation}"].append(column)
    objects = connection.execute(OBJECTS, asked).fetchall()
    names = {f"{schema}.{name}" for schema, name, *_ in objects}
    parts = [HEAD, _contents(objects, about)]
    for wanted in SCHEMAS:
        parts.append(f"## {wanted}\n\n{about[wanted]}\n")
        for schema, name, kind, comment, signature in objects:
            if schema == wanted:
                full = f"{schema}.{name}"
                if bare := [column for column, *_, words in columns[full] if words is None]:
                    raise ValueError(f"columns of {full} without COMMENT ON COLUMN: {bare}")
                parts.append(f"### {full}\n")
                parts.append(f"{kind.capitalize()}. {_prose(comment, names - {full})}\n")
                parts.append(_call(full, signature) if signature else _table(columns[full], names))
    return "\n".join(parts)


def _contents(objects: list[tuple[str, ...]], about: dict[str, str]) -> str:
    lines = ["| schema | what it is | what is in it |", "|---|---|---|"]
    for schema in SCHEMAS:
        links = [
            f"[{row[1]}](#{_anchor(f'{schema}.{row[1]}')})" for row in objects if row[0] == schema
        ]
        lines.append(
            f"| [{schema}](#{schema}) | {_cell(about[schema], set())} | {', '.join(links)} |"
        )
    return "\n".join([*lines, ""])


def _table(columns: list[list[str]], names: set[str]) -> str:
    lines = ["| column | type | meaning |", "|---|---|---|"]
    for name, kind, is_key, comment in columns:
        shown = f"`{SHORT_TYPES.get(kind, kind)}`{', key' if is_key else ''}"
        lines.append(f"| `{name}` | {shown} | {_cell(comment, names)} |")
    return "\n".join([*lines, ""])


def _call(name: str, signature: str) -> str:
    """How a function is called and what it answers, an argument a line."""
    for long, short in SHORT_TYPES.items():
        signature = signature.replace(long, short)
    signature = re.sub(r" DEFAULT NULL::\w+", " DEFAULT NULL", signature)
    arguments, _, result = re.sub(r"'::\w+", "'", signature).partition(" -> ")
    lines = [f"{name}("]
    lines += [f"    {one}," for one in arguments.split(", ")]
    lines[-1] = lines[-1].removesuffix(",")
    if result.startswith("TABLE("):
        lines.append(") RETURNS TABLE (")
        lines += [f"    {one}," for one in result[6:-1].split(", ")]
        lines[-1] = lines[-1].removesuffix(",")
        lines.append(")")
    else:
        lines.append(f") RETURNS {result}")
    return "\n".join(["```sql", *lines, "```", ""])


def _prose(comment: str, names: set[str]) -> str:
    """A comment as a paragraph; a line that ends a sentence stays the last of its line."""
    return re.sub(r"([.:])\n", r"\1\\\n", _linked(comment, names))


def _cell(comment: str, names: set[str]) -> str:
    return _linked(" ".join(comment.split()).replace("|", "\\|"), names)


def _linked(comment: str, names: set[str]) -> str:
    """Names of objects that are on this page, with links to them."""

    def link(found: re.Match[str]) -> str:
        return f"[{found[0]}](#{_anchor(found[0])})" if found[0] in names else found[0]

    return re.sub(r"\b[a-z]+\.[a-z_]+\b", link, comment.replace("<", "&lt;"))


def _anchor(heading: str) -> str:
    """What the forge makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
