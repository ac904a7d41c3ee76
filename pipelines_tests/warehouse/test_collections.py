"""The views that gather what sources offer each other."""

from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from pipelines.migrations.collections import gathered
from pipelines.source import Source, sources
from pipelines.warehouse.sql_files import relations_read


def offering(name: str, *views: str) -> Source:
    return cast("Source", SimpleNamespace(object_files=dict.fromkeys(views, ""), name=name))


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
        offering("hub", "hub.wants"),
        offering("b", "b.wants", "b.other"),
        offering("a", "a.wants"),
        offering("c", "c.other"),
    ]
    sql = "SELECT\n    NULL::text AS source,\n    NULL::double precision AS size,\n"
    sql += "    NULL::date AS day\nWHERE FALSE\n-- and of each source\n;\n"
    others = {one.name: one for one in found}
    assert gathered("hub.wants", sql, others).splitlines()[5:] == [
        "UNION ALL SELECT 'a', size, day FROM a.wants",
        "UNION ALL SELECT 'b', size, day FROM b.wants",
        ";",
    ]
    assert gathered("b.other", "SELECT 1", others) == "SELECT 1"
