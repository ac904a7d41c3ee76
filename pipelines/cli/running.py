"""The commands `isobar run`, `ui`, `migrate`, and `import` of each source that has an inbox."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from pipelines.cli.console import echo, interrupt_on, port_option
from pipelines.config import PROJECT, Settings, home
from pipelines.isolation import is_broken
from pipelines.source import FileInbox, Source, own_names, sources


@click.command()
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
def run(names: tuple[str, ...]) -> None:
    """Refresh all sources once, or only the named ones, and show the outcome.

    Creates the database and its tables if they are missing. A second run loads what is new.
    Exits with 1 if a load or a blocking check failed, or one of Isobar's own sources is broken;
    other loads are kept. A broken plug-in is named. A source that you name is skipped if
    it is disabled, broken or not installed, and the exit code is 1.
    ISOBAR_SOURCES selects simulated sources (sandbox) or real ones (live). With DATABASE_URL it
    has to be set. A live source whose variables are not set is off, and skipped.
    """
    from pipelines.runtime.bootstrap import bootstrapped, report_broken_sources

    interrupt_on(signal.SIGTERM)
    settings = Settings.current()
    if names and not any(name in sources() or is_broken(name) for name in names):
        raise click.BadParameter(f"{names[0]!r} is not one of {', '.join(sources())}")
    chosen = set(names) or {
        name for name, one in sources().items() if one.settings.is_set_up(settings)
    }
    with bootstrapped(settings, echo) as (environment, _):
        os.environ.update(environment)
        from pipelines.runtime.run_command import run_jobs  # which finds what is broken

        is_good = run_jobs({name: {} for name in sources() if name in chosen})
    if not names and (off := sources().keys() - chosen):
        click.echo(f"Off, as their variables are not set: {', '.join(sorted(off))}.")
    report_broken_sources(echo)
    skipped = sorted(set(names) - sources().keys())
    for name in skipped:
        if not is_broken(name):
            echo(f"The source {name} is disabled or not installed; it was skipped.")
    is_good &= not (skipped if names else any(map(is_broken, own_names())))
    if is_good:
        words = ("make dashboard", "make ui", "make psql")
        if home() != PROJECT:
            words = ("isobar dashboard", "isobar ui", "isobar database psql")
        click.echo("\nCharts and maps: {}    Dagster: {}    Queries: {}".format(*words))
    sys.exit(0 if is_good else 1)


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


@click.command()
@port_option(help="Port of the web UI. Default: 3000, or a free port if that is taken.")
def ui(port: int | None) -> None:
    """Serve the Dagster web UI, with schedules and sensors running, until Ctrl-C."""
    from pipelines.runtime.bootstrap import bootstrapped, report_broken_sources
    from pipelines.runtime.ui import WebUi

    interrupt_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    settings = Settings.current()
    with bootstrapped(settings, echo) as (environment, sandbox):
        report_broken_sources(echo)
        WebUi(settings, environment, echo, sandbox).serve(port)


@click.command()
@click.option(
    "--logins",
    "with_logins",
    is_flag=True,
    help="Also set the passwords of the roles, from LOADER_PASSWORD, ANALYST_PASSWORD,"
    " OPERATOR_PASSWORD and DAGSTER_PASSWORD. Earlier passwords stop working. Not of the built-in"
    " server, which has its own in the state folder.",
)
def migrate(with_logins: bool) -> None:
    """Migrate the tables, views and functions, and Dagster's storage, to this version."""
    import dagster as dg

    from pipelines.runtime.bootstrap import (
        prepare_dagster_home,
        prepare_dagster_storage,
        prepare_database,
        report_broken_sources,
    )
    from pipelines.runtime.logins import passwords, set_role_passwords

    settings = Settings.current()
    is_external = not settings.has_builtin_server
    password_of = passwords(os.environ) if with_logins and is_external else None
    prepare_database(settings, echo)
    if password_of is not None:
        set_role_passwords(settings.warehouse_url(), password_of)
    prepare_dagster_storage(settings)
    os.environ.update(prepare_dagster_home(settings))
    with dg.DagsterInstance.get() as instance:
        instance.upgrade()
    report_broken_sources(echo)
    echo("The database is up to date.")


@click.group(name="import")
def import_() -> None:
    """Load one file by hand, from any folder."""


def inbox_of(source: Source) -> FileInbox | None:
    """Return the inbox of a source that has one."""
    return next((one for one in source.fetchers if isinstance(one, FileInbox)), None)


def _import_command(name: str, inbox: FileInbox) -> click.Command:
    def load(file: Path) -> None:
        run_one_job(name, {f"load_{name}": {"file": str(file.absolute())}}, may_migrate=True)

    path = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
    return click.Command(
        name,
        callback=load,
        params=[click.Argument(["file"], type=path)],
        help=inbox.import_help,
        short_help=inbox.import_help.split(",")[0].split(";")[0].rstrip(".") + ".",
    )


for _source in sources().values():
    if _inbox := inbox_of(_source):
        import_.add_command(_import_command(_source.name, _inbox))
