"""Commands for rejected records: list, show, dismiss and retry them."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import text

from pipelines.cli.console import echo, reach_database
from pipelines.cli.running import inbox_of, run_one_job
from pipelines.config import Settings
from pipelines.failures import in_one_line, printable
from pipelines.ingest import deliveries
from pipelines.postgres.roles import ANALYST, LOADER
from pipelines.source import Source, sources_of_feeds
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

#: Deliveries that were rejected as a whole, with the number of their bad records that are kept.
WHOLE = """
    SELECT feed, name, jsonb_array_length(bad_records) AS count FROM ops.deliveries
    WHERE bad_records IS NOT NULL ORDER BY feed, delivery_id DESC
"""


def feeds(is_for: Callable[[Source], object] = lambda _: True) -> click.Choice[str]:
    """Return a choice of the feeds in the ledger whose source meets a condition."""
    return click.Choice([name for name, one in sources_of_feeds().items() if is_for(one)])


@click.group()
def quarantine() -> None:
    """Show, retry and dismiss rejected records."""


@quarantine.command(name="list", short_help="List rejected records by source and reason.")
def list_() -> None:
    """List rejected records by source and reason, with an example of each.

    Deliveries that were rejected as a whole follow, with the number of their bad records.
    """
    print_summary(_analyst_url())


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


@quarantine.command(short_help="Show the rejected records of a source.")
@click.argument("source", type=feeds())
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="Maximum number of records.",
)
def show(source: str, limit: int) -> None:
    """Show the rejected records of a source in full, newest first, with their numbers.

    The bad records of deliveries that were rejected as a whole follow, up to 1,000 of each.
    """
    click.echo(records(_analyst_url(), source, limit))


def records(url: str, feed: str, limit: int) -> str:
    """Return the rejected records of a feed, newest first: number, position, reasons, text.

    Those of deliveries that were rejected as a whole follow; they have no number.
    """
    given = {"feed": feed, "most": limit}
    rows = _rows(url, read_sql("pipelines.ingest", "rejects"), **given)
    whole = _rows(url, read_sql("pipelines.ingest", "bad_records"), **given)
    shown = [] if rows else [f"No rejected records of {feed} are in quarantine."]
    shown += [_shown(f"record {row.record}", row) for row in rows]
    shown += [_shown("of a delivery that was rejected as a whole", row) for row in whole]
    return "\n\n".join(shown)


def _shown(kind: str, row: Any) -> str:
    words = printable(f"{row.reasons}\n{row.raw}").replace("\n", "\n  ")
    return f"{kind}: {in_one_line(row.delivery)}, {row.position}\n  {words}"


@quarantine.command(short_help="Dismiss rejected records, with a reason.")
@click.argument("source", type=feeds(inbox_of))
@click.option("--reason", required=True, help="Why they are not a problem. It is stored with them.")
@click.option(
    "--record",
    "numbers",
    type=click.IntRange(1, 2**63 - 1),
    multiple=True,
    help="Dismiss the record with this number from `show`. Can be repeated.",
)
@click.option("--matching", help="Dismiss all records whose reason or code contains this text.")
@click.option("--all", "is_all", is_flag=True, help="Dismiss all records of the source.")
@click.option(
    "--by",
    default=lambda: os.environ.get("USER") or str(os.getuid()),  # in a container it has no name
    help="Who dismisses them.  [default: your user name]",
)
def dismiss(
    source: str,
    reason: str,
    numbers: tuple[int, ...],
    matching: str | None,
    by: str,
    *,
    is_all: bool,
) -> None:
    """Dismiss rejected records that the source will not correct.

    Not for documents, whose quarantine is rewritten with each response.
    Dismissed records stay in ops.quarantine as long as other records, with who dismissed them, when
    and why. Checks, `status`, `list` and `show` leave them out, and `retry` skips them.
    """
    if not (reason.strip() and by.strip()):
        raise click.UsageError("--reason and --by must not be blank.")
    if (bool(numbers), matching is not None, is_all).count(True) != 1:
        raise click.UsageError("Choose one of --record, --matching and --all.")
    settings = Settings.current()
    reach_database(settings)
    with (
        Warehouse(settings.warehouse_url(LOADER)) as store,
        store.transaction(sources_of_feeds()[source].name) as connection,
    ):
        count = deliveries.dismiss(
            connection,
            source,
            by=by.strip(),
            reason=reason.strip(),
            records=numbers or None,
            matching=matching,
        )
    if count == 0:
        echo(f"No rejected record matches. To list them: isobar quarantine show {source}")
        raise SystemExit(1)
    click.echo(f"{count:,} record{'' if count == 1 else 's'} of {source} dismissed.")
    echo("The check no_rejects still counts them until the next run of the source.")


@quarantine.command(short_help="Try to load rejected records again.")
@click.argument("source", type=feeds())
def retry(source: str) -> None:
    """Try to load the rejected records of a source again, for example after a fix in the code.

    Valid records are loaded and leave the quarantine. They never overwrite data of a later
    delivery. A source that archives its documents is reloaded from the archive, and one with an API
    for time windows is requested again.
    """
    declared = sources_of_feeds()[source]
    if not (declared.retry or any(feed.retried_by for feed in declared.feeds)):
        problem = f"{source} keeps no copy of what it loads. Load it again: isobar run {source}."
        raise click.UsageError(problem)
    if declared.retry is not None:
        run_one_job(declared.retry.job, declared.retry.config)
    run_one_job(declared.name, {f"load_{declared.name}": {"retry_quarantine": True}})


def _analyst_url() -> str:
    """Return the address of the warehouse for the analyst, once its tables exist."""
    settings = Settings.current()
    reach_database(settings)
    return settings.warehouse_url(ANALYST)


def _rows(url: str, query: str, **parameters: Any) -> Sequence[Any]:
    with Warehouse(url, role=None) as store, store.engine.connect() as connection:
        return connection.execute(text(query), parameters).all()
