"""What the quarantine holds, as text for a terminal."""

from collections.abc import Sequence
from io import StringIO
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import text

from pipelines.core.failures import printable
from pipelines.core.warehouse import engine_for

SUMMARY = """
SELECT source, reason, count, first_seen_at, last_seen_at, example FROM ops.quarantine_summary
"""
RECORDS = """
SELECT name, position, reasons, raw FROM ops.quarantine JOIN ops.deliveries USING (delivery_id)
WHERE source = :source ORDER BY quarantine_id DESC LIMIT :limit
"""


def summary(url: str) -> str:
    """A line for each source and reason, with an example."""
    rows = _rows(url, SUMMARY)
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
    rows = _rows(url, RECORDS, source=source, limit=limit)
    if not rows:
        return f"Nothing of {source} is in quarantine."
    return "\n\n".join(
        printable(f"{row.name}, {row.position}\n  " + "\n  ".join(row.reasons) + f"\n{row.raw}")
        for row in rows
    )


def _rows(url: str, query: str, **parameters: Any) -> Sequence[Any]:
    engine = engine_for(url, role=None)
    try:
        with engine.connect() as connection:
            return connection.execute(text(query), parameters).all()
    finally:
        engine.dispose()
