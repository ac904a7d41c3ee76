"""The commands `isobar backup` and `isobar restore`."""

import os
import signal
from pathlib import Path

import click

from pipelines.cli.console import echo, interrupt_on
from pipelines.config import Settings

NOT_IN_IT = """\
Not included: logins and their passwords (pg_dumpall --roles-only), the inboxes' files, .env,
schedules.toml, settings of the databases (ALTER DATABASE), and the output of runs."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path) -> None:
    """Back up Dagster's storage and the warehouse into DIR, which must be new or empty.

    Both are dumps of pg_dump, which runs do not wait for. Only you can read DIR. A backup migrates
    nothing, so make one before you update a clone.
    """
    from pipelines.runtime.backup import back_up

    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    back_up(folder.absolute(), Settings.current(), os.environ, echo)
    size = sum(file.stat().st_size for file in folder.iterdir())
    echo(f"Backed up both databases: {size / 1_000_000:,.1f} MB in {folder}.\n{NOT_IN_IT}")


@click.command()
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--replace", is_flag=True, help="Replace databases that already have tables.")
def restore(folder: Path, replace: bool) -> None:
    """Restore Dagster's storage and the warehouse from the backup in DIR.

    Restores into new databases, migrates them to this version, and only then swaps them for the
    present ones, which a failure before that leaves untouched. First stop isobar ui on every
    machine, and create the logins that own something or have rights in the backup. Runs that were
    in progress at the time of the backup are marked as failed; queued runs are launched.
    """
    from pipelines.runtime.backup import restore_from

    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    restore_from(folder.absolute(), Settings.current(), replace, os.environ, echo)
    echo(NOT_IN_IT)
