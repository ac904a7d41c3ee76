"""The commands `isobar backup` and `isobar restore`."""

import os
import signal
from pathlib import Path

import click

from pipelines.cli.console import echo, interrupt_on
from pipelines.config import Settings

NOT_IN_IT = """\
Not in it: files of the inboxes, .env, schedules.toml, logins and passwords of the server, settings
of the databases themselves (ALTER DATABASE), and what runs printed. Keep those apart."""


@click.command(short_help="Back up both databases into a folder.")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path) -> None:
    """Back up the warehouse and Dagster's storage into DIR, which is new or empty.

    Both as they were at one instant, in pg_dump's directory format; runs go on meanwhile. Only
    you may read DIR. It migrates nothing, so make one before you update a clone.
    """
    from pipelines.runtime.backup import back_up

    if str(folder) == ".":
        raise click.BadParameter("name a folder for it", param_hint="DIR")
    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    back_up(folder.absolute(), Settings.current(), os.environ, echo)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    echo(f"Backed up both databases: {size / 1_000_000:,.1f} MB in {folder}.\n{NOT_IN_IT}")


@click.command(short_help="Restore both databases from a backup.")
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--replace", is_flag=True, help="Replace databases that have tables.")
def restore(folder: Path, replace: bool) -> None:
    """Restore the warehouse and Dagster's storage from the backup in DIR.

    Into databases beside the present ones, which take their place when all of it is there, migrated
    to this version: what fails before leaves them untouched. Stop isobar ui first, on every
    machine. Runs that were under way at the time of the backup are ended; those in the queue stay.
    """
    from pipelines.runtime.restore import restore_from

    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    restore_from(folder.absolute(), Settings.current(), replace, os.environ, echo)
    echo(NOT_IN_IT)
