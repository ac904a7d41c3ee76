"""Column lineage for asset pages; docs/lineage.py writes it."""

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources

from pipelines.source import sources


@cache
def _column_lineage() -> dict[str, dict[str, list[str]]]:
    """Return the content of `column_lineage.json` of each source that has one."""
    found: dict[str, dict[str, list[str]]] = {}
    for source in sources().values():
        file = resources.files(source.package).joinpath("column_lineage.json")
        if file.is_file():
            found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def column_sources(name: str) -> dict[str, list[str]]:
    """Of each column of a table or view, the columns it is made of, as `schema.table.column`.

    Known of views and of tables that follow others (docs/lineage.py).
    """
    return _column_lineage().get(name, {})


def with_sources(name: str, comment: str | None, made_of: Sequence[str]) -> str | None:
    """A column's comment with what it is made of, as Dagster's own UI shows no lineage of columns.

    One that is another under the same name needs no words.
    """
    if not made_of or (len(made_of) == 1 and made_of[0].endswith(f".{name}")):
        return comment
    return f"{comment or ''} ← {', '.join(made_of)}".lstrip()
