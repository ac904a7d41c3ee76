"""What the quarantine holds, as text for a terminal."""

from collections.abc import Sequence
from io import StringIO
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import text

from pipelines.failures import in_one_line, printable
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.sql_files import read_sql


def summary(url: str) -> str:
    """A line for each source and reason, with an example."""
    rows = _rows(url, "quarantine_lines")
    if not rows:
        return "The quarantine is empty."
    table = Table("source", "records", "last seen", "reason, example", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row.source,
            f"{row.count:,}",
            f"{row.last_seen_at:%Y-%m-%d %H:%M}",
            escape(printable(f"{row.reason}\n  {row.example}")),
        )
    out = StringIO()
    Console(file=out, width=120).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def records(url: str, source: str, limit: int) -> str:
    """The refused records of a source, newest first: where they stood, why, and their text."""
    rows = _rows(url, "rejects", source=source, most=limit)
    if not rows:
        return f"Nothing of {source} is in quarantine."
    return "\n\n".join(
        f"{in_one_line(row.delivery)}, {row.position}\n  "
        + printable(f"{row.reasons}\n{row.raw}").replace("\n", "\n  ")
        for row in rows
    )


def _rows(url: str, query: str, **parameters: Any) -> Sequence[Any]:
    engine = engine_for(url, role=None)
    try:
        with engine.connect() as connection:
            return connection.execute(
                text(
                    read_sql(
                        "pipelines.cli" if query == "quarantine_lines" else "pipelines.ingest",
                        query,
                    )
                ),
                parameters,
            ).all()
    finally:
        engine.dispose()
