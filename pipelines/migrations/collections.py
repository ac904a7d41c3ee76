"""Collected views: one source gathers what the others offer, such as the places it serves.

A source with `collects` gets the view `<source>.<view>`: the union of the views of that name of all
other sources. A source that wants to be served provides such a view; no other declaration is
needed.
"""

from collections.abc import Mapping

from psycopg.sql import Literal

from pipelines.source import Collection, Source
from pipelines.warehouse.sql_files import relations_read

#: What each source may say of its newest data: the view `<source>.newest`.
NEWEST = Collection(
    view="newest",
    about="How new the data of sources are, by what they say themselves: the union of the views"
    " newest of all sources. metrics.freshness shows it.",
    columns={
        "name": "text",
        "newest_at": "timestamp with time zone",
        "new_data_at": "timestamp with time zone",
    },
    comments={
        "name": "View, as schema.name; null: whatever of the source is not named.",
        "newest_at": "Newest time in the data; null if there are none.",
        "new_data_at": "When data last came; null: as the ledger has it.",
    },
)
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


def collected_views(sources: Mapping[str, Source]) -> dict[str, str]:
    """Return the SQL of the collected views, by schema and name.

    Args:
        sources: All sources by name.
    """
    return {
        f"{source.name}.{source.collects.view}": _union(source.name, source.collects, sources)
        for source in sources.values()
        if source.collects
    }


def platform_views(sources: Mapping[str, Source]) -> dict[str, str]:
    """Return the SQL of the platform's own views that follow from the sources, by name."""
    read = _sources_read(sources)
    rows = [
        f"({_quoted(kind)}, {_quoted(name)}, {_quoted(source.name)},"
        f" {_quoted(sorted({source.name} | read.get(name, set())))}::text[])"
        for _, source in sorted(sources.items())
        for kind, names in (
            ("source", [source.name]),
            ("feed", [ledger.feed or source.name for ledger in source.ledgers]),
            ("view", public_relations(source)),
        )
        for name in names
    ]
    return {
        "ops.newest": _union("ops", NEWEST, sources),
        "ops.catalog": CATALOG.format(rows=",\n    ".join(rows)),
    }


def _sources_read(sources: Mapping[str, Source]) -> dict[str, set[str]]:
    """Return the sources whose tables each view reads, directly or by other views."""
    files = {name: sql for source in sources.values() for name, sql in source.object_files.items()}
    owner = {table: source.name for source in sources.values() for table in source.metadata.tables}

    def read(name: str, seen: frozenset[str]) -> set[str]:
        if name in owner:
            return {owner[name]}
        inner = relations_read(files.get(name, "")) - seen
        return {one for relation in inner for one in read(relation, seen | inner)}

    return {name: read(name, frozenset([name])) for name in files}


def public_relations(source: Source) -> list[str]:
    """Return the views and tables of a source that analysts query, by schema and name."""
    names = {*source.view_assets, *source.metadata.tables}
    return sorted(one for one in names if one.startswith(("enriched.", "metrics.")))


def _union(name: str, collection: Collection, sources: Mapping[str, Source]) -> str:
    typed = [f"NULL::{kind} AS {column}" for column, kind in collection.columns.items()]
    selects = [f"SELECT NULL::text AS source, {', '.join(typed)} WHERE FALSE"] + [
        f"SELECT {_quoted(other)}, {', '.join(collection.columns)} FROM {other}.{collection.view}"
        for other, source in sorted(sources.items())
        if other != name and f"{other}.{collection.view}" in source.object_files
    ]
    view = f"{name}.{collection.view}"
    comments = {"source": f"The source of the row, from its view {collection.view}."}
    return "\n".join(
        [
            f"CREATE OR REPLACE VIEW {view} AS",
            "\nUNION ALL\n".join(selects) + ";",
            f"COMMENT ON VIEW {view} IS {_quoted(collection.about)};",
            *(
                f"COMMENT ON COLUMN {view}.{column} IS {_quoted(comment)};"
                for column, comment in {**comments, **collection.comments}.items()
            ),
        ]
    )


def _quoted(value: str | list[str]) -> str:
    return Literal(value).as_string()
