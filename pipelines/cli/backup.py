"""The commands `isobar backup` and `isobar restore`."""

import os
import signal
from pathlib import Path

import click

from pipelines.cli.console import echo, interrupt_on
from pipelines.config import Settings

NOT_IN_IT = """\
Not included: the inboxes' files, .env, schedules.toml, passwords, settings of the databases (ALTER
DATABASE), and the output of runs. Back these up separately."""


@click.command(short_help="Back up both databases into a folder.")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path) -> None:
    """Back up the warehouse and Dagster's storage into DIR, which must be new or empty.

    Both are saved as of one instant, in pg_dump's directory format, while runs continue. Only you
    can read DIR. A backup migrates nothing, so make one before you update a clone.
    """
    from pipelines.runtime.backup import back_up

    if str(folder) == ".":
        raise click.BadParameter("name a new folder", param_hint="DIR")
    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    back_up(folder.absolute(), Settings.current(), os.environ, echo)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    echo(f"Backed up both databases: {size / 1_000_000:,.1f} MB in {folder}.\n{NOT_IN_IT}")


@click.command(short_help="Restore both databases from a backup.")
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--replace", is_flag=True, help="Replace databases that already have tables.")
@click.option(
    "--create-logins",
    is_flag=True,
    help="Create the logins of the backup that are not here, with new passwords, and their grants.",
)
def restore(folder: Path, replace: bool, create_logins: bool) -> None:
    """Restore the warehouse and Dagster's storage from the backup in DIR.

    Restores into new databases, migrates them to this version, and only then swaps them for the
    present ones, which a failure before that leaves untouched. First stop isobar ui on every
    machine. Logins that the backup names and that are not here are named, or created with
    --create-logins. Runs that were in progress at the time of the backup are marked as failed;
    queued runs stay queued.
    """
    from pipelines.runtime.restore import restore_from

    interrupt_on(signal.SIGTERM, signal.SIGHUP)
    settings = Settings.current()
    restore_from(
        folder.absolute(), settings, replace, os.environ, echo, create_logins=create_logins
    )
    echo(NOT_IN_IT)
