"""Views that follow from the sources: of what they offer each other, and of what they provide.

A view may gather the views of its name of all other sources, such as the places they serve: its
file has a line `-- and of each source`, and as its columns NULL of each type. A source that wants
to be served provides such a view; no other declaration is needed.
"""

import re
from collections.abc import Mapping

from psycopg.sql import Literal

from pipelines.source import Source
from pipelines.warehouse.sql_files import relations_behind

#: The line of a gathering view in place of which `gathered` names the others.
OTHERS = "-- and of each source\n"
CATALOG = """\
CREATE OR REPLACE VIEW ops.catalog AS
SELECT
    kind,
    name,
    source,
    reads
FROM (
    VALUES
    {rows}
) AS installed (kind, name, source, reads);

COMMENT ON VIEW ops.catalog IS
'What the installed sources provide, one row each: sources, feeds, and the views and tables that
analysts query.';
COMMENT ON COLUMN ops.catalog.kind IS
'source, feed, or view: a view or table in enriched, metrics.';
COMMENT ON COLUMN ops.catalog.name IS
'Name of the source, of the feed as in ops.deliveries, or of the view as schema.name.';
COMMENT ON COLUMN ops.catalog.source IS 'The source that provides it.';
COMMENT ON COLUMN ops.catalog.reads IS
'Sources whose tables it shows: those that a view reads, directly or by other views.';
"""


def gathered(name: str, sql: str, sources: Mapping[str, Source]) -> str:
    """Return the SQL of a view, with the views of its name of all other sources if it gathers."""
    schema, _, view = name.partition(".")
    _, *columns = re.findall(r"^    NULL::.+ AS (\w+),?$", sql, re.MULTILINE) or [""]
    others = [
        f"UNION ALL SELECT {_quoted(other)}, {', '.join(columns)} FROM {other}.{view}\n"
        for other, source in sorted(sources.items())
        if other != schema and f"{other}.{view}" in source.object_files
    ]
    return sql.replace(OTHERS, "".join(others))


def catalog(sources: Mapping[str, Source]) -> str:
    """Return the SQL of the view of what the sources provide."""
    files = {name: sql for source in sources.values() for name, sql in source.object_files.items()}
    owner = {table: source.name for source in sources.values() for table in source.metadata.tables}
    read = {name: {owner[one] for one in relations_behind(name, files, owner)} for name in files}
    public = ("enriched.", "metrics.")
    rows = [
        f"({_quoted(kind)}, {_quoted(name)}, {_quoted(source.name)},"
        f" {_quoted(sorted({source.name} | read.get(name, set())))}::text[])"
        for _, source in sorted(sources.items())
        for kind, names in (
            ("source", [source.name]),
            ("feed", [ledger.feed or source.name for ledger in source.ledgers]),
            ("view", sorted({*source.view_assets, *source.metadata.tables})),
        )
        for name in names
        if kind != "view" or name.startswith(public)
    ]
    return CATALOG.format(rows=",\n    ".join(rows))


def _quoted(value: str | list[str]) -> str:
    return Literal(value).as_string()
