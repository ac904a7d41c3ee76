"""The views that gather what sources offer each other."""

from importlib import resources
from pathlib import Path

from pipelines.source import sources
from pipelines.warehouse.sql_files import relations_read


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
