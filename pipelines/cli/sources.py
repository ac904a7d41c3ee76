"""Commands for deliveries: import a file, and show, retry and dismiss rejected records."""

import getpass
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from pipelines.cli.console import echo, interrupt_on, reach_database
from pipelines.config import Settings
from pipelines.postgres.roles import ANALYST, LOADER
from pipelines.source import FileInbox, Source, sources, sources_of_feeds


def ledger_feeds(is_for: Callable[[Source], object] = lambda _: True) -> click.Choice[str]:
    """Return a choice of the feeds in the ledger whose source meets a condition."""
    return click.Choice([name for name, one in sources_of_feeds().items() if is_for(one)])


def _user_name() -> str:
    """Return the name of the account, or its number: in a container it may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # before Python 3.13, and since
        return str(os.getuid())


@click.group(name="import")
def import_() -> None:
    """Load one file by hand, from any folder."""


def _inbox_of(source: Source) -> FileInbox | None:
    return next((one for one in source.fetchers if isinstance(one, FileInbox)), None)


@contextmanager
def _as_regular_file(file: str) -> Iterator[str]:
    """Yield the path of a file; a pipe and standard input (-) are copied to one first."""
    path = Path(file)
    if file != "-" and not path.is_fifo():
        yield str(path.absolute())
        return
    with tempfile.TemporaryDirectory(prefix="isobar-") as folder:
        copy = Path(folder) / ("standard input" if file == "-" else "pipe")
        with click.open_file(file, "rb") as opened, copy.open("wb") as target:
            shutil.copyfileobj(opened, target)
        yield str(copy)


def _import_command(name: str, inbox: FileInbox) -> click.Command:
    def load(file: str) -> None:
        with _as_regular_file(file) as path:
            run_one_job(name, {f"load_{name}": {"file": path}}, may_migrate=True)

    path = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
    return click.Command(
        name,
        callback=load,
        params=[click.Argument(["file"], type=path)],
        help=f"{inbox.import_help}\n\nA pipe is read to its end; - is standard input.",
        short_help=inbox.import_help.split(",")[0].split(";")[0].rstrip(".") + ".",
    )


for _source in sources().values():
    if _inbox := _inbox_of(_source):
        import_.add_command(_import_command(_source.name, _inbox))


@click.group(short_help="Show, retry and dismiss rejected records.")
def quarantine() -> None:
    """Show, retry and dismiss rejected records."""


@quarantine.command(name="list", short_help="List rejected records by source and reason.")
def list_() -> None:
    """List rejected records by source and reason, with an example of each.

    Deliveries that were rejected as a whole follow, with the number of their bad records.
    """
    from pipelines.cli import quarantine_report

    quarantine_report.print_summary(_analyst_url())


@quarantine.command(short_help="Show the rejected records of a source.")
@click.argument("source", type=ledger_feeds())
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="Maximum number of records.",
)
@click.option(
    "--dismissed",
    is_flag=True,
    help="Show the dismissed records, with who dismissed them, when and why.",
)
def show(source: str, limit: int, *, dismissed: bool) -> None:
    """Show the rejected records of a source in full, newest first, with their numbers.

    The bad records of deliveries that were rejected as a whole follow, up to 1,000 of each.
    """
    from pipelines.cli import quarantine_report

    click.echo(quarantine_report.records(_analyst_url(), source, limit, is_dismissed=dismissed))


@quarantine.command(short_help="Dismiss rejected records, with a reason.")
@click.argument("source", type=ledger_feeds(_inbox_of))
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
@click.option("--by", default=_user_name, help="Who dismisses them.  [default: your user name]")
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

    Only for sources that deliver files: the quarantine of others is rewritten with each response.
    Dismissed records stay in ops.quarantine as long as other records, with who dismissed them, when
    and why. Checks, `status` and `list` no longer count them, and `retry` skips them.
    """
    from pipelines.ingest import quarantine as kept
    from pipelines.warehouse.connection import Warehouse

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
        count = kept.dismiss(
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
@click.argument("source", type=ledger_feeds())
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


def run_one_job(
    job: str, op_config: Mapping[str, Mapping[str, Any]], *, may_migrate: bool = False
) -> NoReturn:
    """Run one job as `isobar run` would, with progress, and exit; see `bootstrapped`."""
    from pipelines.runtime.bootstrap import bootstrapped

    interrupt_on(signal.SIGTERM)
    with bootstrapped(Settings.current(), echo, may_migrate=may_migrate) as (environment, _):
        os.environ.update(environment)
        from pipelines.runtime.run_command import run_jobs

        is_good = run_jobs({job: op_config})
    raise SystemExit(0 if is_good else 1)


def _analyst_url() -> str:
    """Return the address of the warehouse for the analyst, once its tables exist."""
    settings = Settings.current()
    reach_database(settings)
    return settings.warehouse_url(ANALYST)
