"""The views that gather what sources offer each other."""

from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psycopg

from pipelines.migrations.collections import collected_views
from pipelines.source import Collection, Source, sources
from pipelines.warehouse.sql_files import relations_read

VIEW = "weather.weather_requests"


def offering(name: str, *views: str, collects: Collection | None = None) -> Source:
    files = dict.fromkeys(views, "SELECT 1")
    return cast("Source", SimpleNamespace(name=name, object_files=files, collects=collects))


def collection() -> Collection:
    return Collection(
        view="wants",
        about="It's what is wanted.",
        columns={"what": "text", "day": "date"},
        comments={"what": "What."},
    )


def test_a_source_reads_what_others_offer_and_none_of_their_tables() -> None:
    """The page of the weather named the tables of four sources, and broke without one of them.

    Questions of the cookbook may be about several sources.
    """
    of = {
        name: one
        for one in sources().values()
        for name in {*one.metadata.tables, *one.object_files}
    }
    gathers = [one for one in sources().values() if one.collects]
    for source in sources().values():
        for file in Path(str(resources.files(source.package))).rglob("*.sql"):
            if file.parent.name != "cookbook":
                read = [of.get(name, source) for name in relations_read(file.read_text())]
                assert {one.name for one in read if one not in gathers} <= {source.name}, file


def test_a_view_gathers_what_all_others_offer_and_nothing_else() -> None:
    found = [
        offering("hub", "hub.wants_not", collects=collection()),
        offering("b", "b.wants", "b.other"),
        offering("a", "a.wants"),
        offering("c", "c.other"),
    ]
    (view,) = collected_views({one.name: one for one in found}).items()
    assert view[0] == "hub.wants"
    assert view[1].split("\n") == [
        "CREATE OR REPLACE VIEW hub.wants AS",
        "SELECT NULL::text AS source, NULL::text AS what, NULL::date AS day WHERE FALSE",
        "UNION ALL",
        "SELECT 'a', what, day FROM a.wants",
        "UNION ALL",
        "SELECT 'b', what, day FROM b.wants;",
        "COMMENT ON VIEW hub.wants IS 'It''s what is wanted.';",
        "COMMENT ON COLUMN hub.wants.source IS 'The source of the row, from its view wants.';",
        "COMMENT ON COLUMN hub.wants.what IS 'What.';",
    ]


def test_every_column_of_our_views_is_declared_and_commented(owner: psycopg.Connection) -> None:
    query = """
        SELECT attname, format_type(atttypid, NULL), col_description(attrelid, attnum) IS NOT NULL
        FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum
    """
    for collecting in sources().values():
        if collecting.collects is None:
            continue
        declared = [(name, kind, True) for name, kind in collecting.collects.columns.items()]
        name = f"{collecting.name}.{collecting.collects.view}"
        assert owner.execute(query, [name]).fetchall() == [("source", "text", True), *declared]
        for source in sources().values():
            if (offer := f"{source.name}.{collecting.collects.view}") in source.object_files:
                assert owner.execute(query, [offer]).fetchall() == declared
