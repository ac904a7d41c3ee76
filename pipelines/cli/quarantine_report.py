"""Reports on the quarantine, as text for a terminal."""

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import text

from pipelines.failures import in_one_line, printable
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.sql_files import read_sql

#: Deliveries that were rejected as a whole, with the number of their bad records that are kept.
WHOLE = """
    SELECT feed, name, jsonb_array_length(bad_records) AS count FROM ops.deliveries
    WHERE bad_records IS NOT NULL ORDER BY feed, delivery_id DESC
"""
#: Dismissed records by feed.
DISMISSED = """
    SELECT feed, count(*) AS count FROM ops.quarantine JOIN ops.deliveries USING (delivery_id)
    WHERE dismissed_at IS NOT NULL GROUP BY feed ORDER BY feed
"""


def print_summary(url: str) -> None:
    """Print a line for each feed and reason, and for each delivery rejected as a whole."""
    table = Table("feed", "records", "last seen", "reason, example", box=None, pad_edge=False)
    for row in _rows(url, "SELECT * FROM ops.quarantine_summary"):
        table.add_row(
            row.feed,
            f"{row.count:,}",
            f"{row.last_seen_at:%Y-%m-%d %H:%M}",
            escape(printable(f"{row.reason_code}: {row.reason}\n  {row.example}")),
        )
    if table.row_count:
        Console(width=120).print(table)
    else:
        click.echo("The quarantine is empty.")
    for row in _rows(url, WHOLE):
        click.echo(
            f"{row.count:,} bad records of {in_one_line(row.name)}, which was rejected as a whole:"
            f" isobar quarantine show {row.feed}"
        )
    for row in _rows(url, DISMISSED):
        shown = f"isobar quarantine show {row.feed} --dismissed"
        click.echo(f"{row.count:,} of {row.feed} dismissed: {shown}")


def records(url: str, feed: str, limit: int, *, is_dismissed: bool = False) -> str:
    """Return the rejected records of a feed, newest first: number, position, reasons, text.

    Those of deliveries that were rejected as a whole follow; they have no number. With
    `is_dismissed`, return the dismissed ones, with who dismissed them, when and why.
    """
    given = {"feed": feed, "most": limit}
    query = read_sql("pipelines.ingest", "rejects")
    rows = _rows(url, query, is_dismissed=is_dismissed, **given)
    kind = "dismissed" if is_dismissed else "rejected"
    shown = [] if rows else [f"No {kind} records of {feed} are in quarantine."]
    for row in rows:
        by = ""
        if row.dismissed_at is not None:
            at = f"{row.dismissed_at:%Y-%m-%d %H:%M} UTC"
            by = f"\ndismissed by {row.dismissed_by} at {at}: {row.dismissal_reason}"
        shown.append(_shown(f"record {row.record}", row, by))
    if not is_dismissed:
        whole = _rows(url, read_sql("pipelines.ingest", "bad_records"), **given)
        shown += [_shown("of a delivery that was rejected as a whole", row) for row in whole]
    return "\n\n".join(shown)


def _shown(kind: str, row: Any, more: str = "") -> str:
    words = printable(f"{row.reasons}\n{row.raw}{more}").replace("\n", "\n  ")
    return f"{kind}: {in_one_line(row.delivery)}, {row.position}\n  {words}"


def _rows(url: str, query: str, **parameters: Any) -> Sequence[Any]:
    engine = engine_for(url, role=None)
    with engine.connect() as connection:
        rows = connection.execute(text(query), parameters).all()
    engine.dispose()
    return rows
