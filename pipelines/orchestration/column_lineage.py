"""What columns are made of, as asset pages tell it; docs/lineage.py finds it out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources

import dagster as dg


@cache
def _column_lineage() -> dict[str, dict[str, list[str]]]:
    file = resources.files("pipelines.orchestration").joinpath("column_lineage.json")
    found: dict[str, dict[str, list[str]]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def column_sources(name: str) -> dict[str, list[str]]:
    """Of each column of a table or view, the columns it is made of, as `schema.table.column`.

    Known of views and of tables that follow others (docs/lineage.py).
    """
    return _column_lineage().get(name, {})


def column_lineage(sources: Mapping[str, Iterable[str]]) -> dg.TableColumnLineage:
    """What `column_sources` gives, as Dagster has it."""
    deps = {
        column: [
            dg.TableColumnDep(dg.AssetKey(source.split(".")[:2]), source.rsplit(".", 1)[-1])
            for source in made_of
        ]
        for column, made_of in sources.items()
    }
    return dg.TableColumnLineage(deps)


def with_sources(name: str, comment: str | None, sources: Sequence[str]) -> str | None:
    """A column's comment with what it is made of, which pages do not show otherwise.

    One that is another under the same name needs no words.
    """
    if not sources or (len(sources) == 1 and sources[0].endswith(f".{name}")):
        return comment
    return f"{comment or ''} ← {', '.join(sources)}".lstrip()
