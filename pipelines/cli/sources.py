"""Commands about what sources sent: import a file, look into the quarantine, read it again."""

import getpass
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import click

from pipelines.cli.console import echo, interrupt_on, reach_database
from pipelines.config import Settings
from pipelines.postgres.roles import ANALYST, LOADER
from pipelines.source import FileInbox, Source, sources


def ledger_sources(is_for: Callable[[Source], object] = lambda _: True) -> click.Choice[str]:
    """The names of the sources that keep a ledger, or of those of them that something is for."""
    return click.Choice([one.name for one in sources().values() if one.ledgers and is_for(one)])


@click.group(name="import")
def import_() -> None:
    """Load one file by hand, wherever it is."""


def _inbox_of(source: Source) -> FileInbox | None:
    return next((one for one in source.fetch if isinstance(one, FileInbox)), None)


def _import_command(name: str, inbox: FileInbox) -> click.Command:
    def load(file: str) -> None:
        run_one_job(name, {f"load_{name}": {"file": file}})

    path = click.Path(exists=True, dir_okay=False, readable=True, resolve_path=True)
    return click.Command(
        name,
        callback=load,
        params=[click.Argument(["file"], type=path)],
        help=inbox.import_help,
        short_help=inbox.import_help.split(",")[0].split(";")[0].rstrip(".") + ".",
    )


for _source in sources().values():
    if _inbox := _inbox_of(_source):
        import_.add_command(_import_command(_source.name, _inbox))


@click.group(short_help="Records that were rejected.")
def quarantine() -> None:
    """Records that were rejected: see them, and have them read again."""


@quarantine.command(name="list", short_help="List what was rejected, by source and reason.")
def list_() -> None:
    """List what was rejected, by source and reason, each with an example."""
    from pipelines.cli import quarantine_report

    click.echo(quarantine_report.summary(_analyst_url()))


@quarantine.command(short_help="Show the rejected records of a source.")
@click.argument("source", type=ledger_sources())
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most."
)
@click.option(
    "--dismissed", is_flag=True, help="Those that were dismissed, with who, when and why."
)
def show(source: str, limit: int, *, dismissed: bool) -> None:
    """Show the rejected records of a source whole, newest first, each with its number."""
    from pipelines.cli import quarantine_report

    click.echo(quarantine_report.records(_analyst_url(), source, limit, is_dismissed=dismissed))


@quarantine.command(short_help="Dismiss rejected records, with a reason.")
@click.argument("source", type=ledger_sources(_inbox_of))
@click.option("--reason", required=True, help="Why they are no problem; it is kept with them.")
@click.option(
    "--record", "numbers", type=int, multiple=True, help="The number of one, as `show` has it."
)
@click.option("--matching", help="All with this text in a reason.")
@click.option("--all", "is_all", is_flag=True, help="All of the source.")
@click.option("--by", default=getpass.getuser, help="Who dismisses them. [default: your user name]")
def dismiss(
    source: str,
    reason: str,
    numbers: tuple[int, ...],
    matching: str | None,
    by: str,
    *,
    is_all: bool,
) -> None:
    """Dismiss rejected records of a source that will not come again corrected.

    For sources of files: what others reject is written anew with each answer. Records stay in
    ops.quarantine with who dismissed them, when and why, for as long as others do. Checks,
    `status` and `list` count them no longer, and `retry` does not read them again.
    """
    from pipelines.ingest import quarantine as kept
    from pipelines.warehouse.connection import Warehouse

    if not (reason.strip() and by.strip()):
        raise click.UsageError("--reason and --by must not be blank.")
    if (bool(numbers), matching is not None, is_all).count(True) != 1:
        raise click.UsageError("Say which: --record, --matching or --all.")
    settings = Settings.current()
    reach_database(settings)
    with (
        Warehouse(settings.warehouse_url(LOADER)) as store,
        store.transaction(source) as connection,
    ):
        count = kept.dismiss(
            connection,
            source,
            by=by.strip(),
            reason=reason.strip(),
            records=numbers or None,
            matching=matching,
        )
    click.echo(f"{count:,} record{'' if count == 1 else 's'} of {source} dismissed.")
    if count == 0:
        raise SystemExit(1)


@quarantine.command(short_help="Read rejected records again.")
@click.argument("source", type=ledger_sources(lambda one: one.retry or one.reprocess))
def retry(source: str) -> None:
    """Read the rejected records of a source again, as after a change of the code.

    Those that are good now are loaded and leave the quarantine. Nothing that a later delivery
    changed is changed back. A source that archives its documents reads the whole archive anew, and
    one that answers for windows of time is requested again.
    """
    declared = sources()[source]
    if declared.retry is not None:
        run_one_job(declared.retry.job, declared.retry.config)
    run_one_job(source, {f"load_{source}": {"retry_quarantine": True}})


def run_one_job(job: str, op_config: Mapping[str, Mapping[str, Any]]) -> NoReturn:
    """Run one job as `isobar run` would, with progress, and end."""
    from pipelines.runtime.bootstrap import bootstrapped

    interrupt_on(signal.SIGTERM)
    with bootstrapped(Settings.current(), echo) as (environment, _):
        os.environ.update(environment)
        from pipelines.runtime.run_command import run_jobs

        is_good = run_jobs({job: op_config})
    raise SystemExit(0 if is_good else 1)


def _analyst_url() -> str:
    """The warehouse's address, as someone who only reads; its tables are there."""
    settings = Settings.current()
    reach_database(settings)
    return settings.warehouse_url(ANALYST)
