"""Reports on the quarantine, as text for a terminal."""

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
    """Return a line for each feed and reason, and for each delivery rejected as a whole."""
    rows = _rows(url, "quarantine_lines")
    dismissed = "\n".join(
        f"{row.count:,} of {row.feed} dismissed: isobar quarantine show {row.feed} --dismissed"
        for row in _rows(url, "quarantine_dismissed")
    )
    whole = "\n".join(
        f"{row.count:,} bad records of {in_one_line(row.name)}, which was rejected as a whole:"
        f" isobar quarantine show {row.feed}"
        for row in _rows(url, "quarantine_whole")
    )
    if not rows:
        return "\n".join(filter(None, ("The quarantine is empty.", whole, dismissed)))
    table = Table("feed", "records", "last seen", "reason, example", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row.feed,
            f"{row.count:,}",
            f"{row.last_seen_at:%Y-%m-%d %H:%M}",
            escape(printable(f"{row.reason_code}: {row.reason}\n  {row.example}")),
        )
    out = StringIO()
    Console(file=out, width=120).print(table)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join([*lines, *(f"\n{more}" for more in (whole, dismissed) if more)])


def records(url: str, feed: str, limit: int, *, is_dismissed: bool = False) -> str:
    """Return the rejected records of a feed, newest first: number, position, reasons, text.

    Those of deliveries that were rejected as a whole follow; they have no number.

    With `is_dismissed`, return the dismissed records, with who dismissed them, when and why.
    """
    rows = _rows(url, "rejects", feed=feed, most=limit, is_dismissed=is_dismissed)
    whole = () if is_dismissed else _rows(url, "bad_records", feed=feed, most=limit)
    kind = "dismissed" if is_dismissed else "rejected"
    none = [] if rows else [f"No {kind} records of {feed} are in quarantine."]
    shown = [_shown(f"record {row.record}", row, _dismissal(row)) for row in rows]
    shown += [_shown("of a delivery that was rejected as a whole", row) for row in whole]
    return "\n\n".join([*none, *shown])


def _shown(kind: str, row: Any, more: str = "") -> str:
    """Return a record with its place, its reasons and its text."""
    words = printable(f"{row.reasons}\n{row.raw}{more}").replace("\n", "\n  ")
    return f"{kind}: {in_one_line(row.delivery)}, {row.position}\n  {words}"


def _dismissal(row: Any) -> str:
    """Return a line with who dismissed a record, when and why; nothing for others."""
    if row.dismissed_at is None:
        return ""
    by = f"{row.dismissed_by} at {row.dismissed_at:%Y-%m-%d %H:%M} UTC"
    return f"\ndismissed by {by}: {row.dismissal_reason}"


def _rows(url: str, query: str, **parameters: Any) -> Sequence[Any]:
    engine = engine_for(url, role=None)
    try:
        with engine.connect() as connection:
            return connection.execute(
                text(
                    read_sql(
                        "pipelines.cli" if query.startswith("quar") else "pipelines.ingest",
                        query,
                    )
                ),
                parameters,
            ).all()
    finally:
        engine.dispose()
