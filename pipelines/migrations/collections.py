"""Collected views: one source gathers what the others offer, such as the places it serves.

A source with `collects` gets the view `<source>.<view>`: the union of the views of that name of all
other sources. A source that wants to be served provides such a view; no other declaration is
needed.
"""

from collections.abc import Mapping

from pipelines.source import Collection, Source


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


def _union(name: str, collection: Collection, sources: Mapping[str, Source]) -> str:
    columns = [f"{column}::{kind}" for column, kind in collection.columns.items()]
    offered = [
        (other.name, f"{other.name}.{collection.view}")
        for other in sources.values()
        if other.name != name and f"{other.name}.{collection.view}" in other.object_files
    ]
    selects = [
        f"SELECT\n    '{other}'::text AS source,\n    " + ",\n    ".join(columns) + f"\nFROM {view}"
        for other, view in sorted(offered)
    ]
    if not selects:
        nulls = [f"NULL::{kind} AS {column}" for column, kind in collection.columns.items()]
        selects = [
            "SELECT\n    NULL::text AS source,\n    " + ",\n    ".join(nulls) + "\nWHERE FALSE"
        ]
    view = f"{name}.{collection.view}"
    comments = {"source": f"The source of the row, from its view {collection.view}."}
    comments |= {column: collection.comments.get(column, "") for column in collection.columns}
    return "\n".join(
        [
            f"CREATE OR REPLACE VIEW {view} AS",
            "\nUNION ALL\n".join(selects) + ";",
            "",
            f"COMMENT ON VIEW {view} IS\n{_quoted(collection.about)};",
            *(
                f"COMMENT ON COLUMN {view}.{column} IS\n{_quoted(comment)};"
                for column, comment in comments.items()
                if comment
            ),
            "",
        ]
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
