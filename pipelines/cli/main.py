"""The command `isobar`. Each command only makes a few calls; the logic is in other packages."""

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from pipelines.cli import alerts, backup, dashboard, database, docs, serve
from pipelines.cli.console import echo, interrupt_on, listen_address
from pipelines.cli.source_list import list_sources
from pipelines.cli.sources import import_, quarantine
from pipelines.config import PROJECT, Settings, home
from pipelines.isolation import is_broken, isolated
from pipelines.postgres import state_folder
from pipelines.source import SandboxOption, by_seniority, declared_sources, own_names, sources
from pipelines.status.command import status as status_command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="isobar")
def isobar() -> None:
    """Operational feeds joined in one PostgreSQL, kept fresh by Dagster.

    Without any settings the sources are simulated, and PostgreSQL is built in.

    \b
      isobar run                           refresh all sources once, and show the outcome
      isobar ui                            keep everything fresh, with the Dagster web UI
      isobar database psql --role analyst  query the tables
      isobar status                        show what is wrong now, and what to do about it

    Settings are environment variables, or lines in the .env of the clone (of the working directory
    if Isobar is installed as a package). State is kept next to it in .isobar, or in ISOBAR_HOME.

    Exit codes: 0 success, 1 a failure, with a message, 2 wrong usage, 130 stopped by Ctrl-C.
    """


@isobar.command(short_help="Refresh all sources once, or only some.")
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
def run(names: tuple[str, ...]) -> None:
    """Refresh all sources once, or only the named ones, and show the outcome.

    Creates the database and its tables if they are missing. A second run loads what is new.
    Exits with 1 if a load or a blocking check failed, or one of Isobar's own sources is broken;
    other loads are kept. A broken plug-in is named. A source that you name and that is not
    installed, disabled or broken is skipped, and the exit code is 1.
    ISOBAR_SOURCES selects simulated sources (sandbox) or real ones (live). A live source whose
    variables are not set is off, and skipped.
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
        from pipelines.runtime.run_command import main_jobs, run_jobs

        is_good = run_jobs(main_jobs(chosen))
    if not names and (off := sources().keys() - chosen):
        click.echo(f"Off, as their variables are not set: {', '.join(sorted(off))}.")
    report_broken_sources(echo)
    skipped = sorted(set(names) - sources().keys())
    for name in skipped:
        if not is_broken(name):
            echo(f"The source {name} is disabled or not installed; it was skipped.")
    is_good &= not (skipped if names else any(map(is_broken, own_names())))
    if is_good:
        is_clone = home() == PROJECT
        charts, see, query = (
            ("make dashboard", "make ui", "make psql")
            if is_clone
            else ("isobar dashboard", "isobar ui", "isobar database psql")
        )
        click.echo(f"\nCharts and maps: {charts}    Dagster: {see}    Queries: {query}")
    sys.exit(0 if is_good else 1)


@isobar.command(short_help="Serve the Dagster web UI until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the web UI. Default: 3000, or a free port if that is taken.",
)
def ui(port: int | None) -> None:
    """Serve the Dagster web UI, with schedules and sensors running, until Ctrl-C."""
    from pipelines.runtime.bootstrap import bootstrapped
    from pipelines.runtime.ui import WebUi

    interrupt_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    settings = Settings.current()
    with bootstrapped(settings, echo) as (environment, sandbox):
        WebUi(settings, environment, echo, sandbox).serve(port)


@isobar.command(short_help="Migrate the database to this version.")
@click.option(
    "--logins",
    "with_logins",
    is_flag=True,
    help="Also set the passwords of the roles, from LOADER_PASSWORD, ANALYST_PASSWORD,"
    " OPERATOR_PASSWORD and DAGSTER_PASSWORD. Earlier passwords stop working. The built-in server"
    " has its own in the state folder: they are set again, and it restarts.",
)
def migrate(with_logins: bool) -> None:
    """Migrate the tables, views and functions, and Dagster's storage, to this version."""
    from pipelines.ingest.statements import OTHER_MODELS, remedy_for_tables
    from pipelines.migrations.apply import plugins_without_revision
    from pipelines.runtime.bootstrap import (
        prepare_dagster_home,
        prepare_database,
        report_broken_sources,
        upgrade_dagster_storage,
    )
    from pipelines.runtime.logins import passwords, set_role_passwords

    settings = Settings.current()
    is_external = not settings.has_builtin_server
    password_of = passwords(os.environ) if with_logins and is_external else None
    if with_logins and not is_external:
        settings.builtin_server(echo).reset_passwords()
    prepare_database(settings, echo)
    if password_of is not None:
        set_role_passwords(settings.warehouse_url(), password_of)
    os.environ.update(prepare_dagster_home(settings))
    upgrade_dagster_storage()
    differing = plugins_without_revision(settings.warehouse_url())
    for name in differing:
        echo(f"{name}: {OTHER_MODELS}. {remedy_for_tables(name)}")
    report_broken_sources(echo)
    if not differing:
        echo("The database is up to date.")


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of each source's simulation to `isobar sandbox`."""
    for source in reversed([*declared_sources().values()]):
        with isolated(source.name, "its options of isobar sandbox", source.package):
            for option in reversed([_option(source.name, one) for one in source.sandbox_options]):
                command = option(command)
    return command


def _option(source: str, one: SandboxOption) -> Callable[..., Any]:
    kind = (
        click.IntRange(int(one.minimum), int(one.maximum))
        if one.is_whole
        else click.FloatRange(one.minimum, one.maximum)
    )
    name = f"--{source}-{one.name}".replace("_", "-")
    return click.option(name, type=kind, default=one.default, show_default=True, help=one.help)


@isobar.command(short_help="Serve the simulated sources until Ctrl-C.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port. Default: a free one.")
@listen_address
@click.option("--seed", default=1, show_default=True, help="Seed of the simulated data.")
@click.option(
    "--date",
    "today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Serve the data of this day. Default: today.",
)
@click.option(
    "--fault-rate",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of responses that fail.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(["500", "429", "timeout", "truncated", "html", "error"]),
    help="Only faults of this kind. Can be repeated.",
)
@click.option(
    "--hang-seconds",
    default=60.0,
    show_default=True,
    help="How long a response of the kind timeout hangs.",
)
@source_options
@click.option("--parent", type=int, hidden=True, help="Internal: exit with this process.")
def sandbox(
    port: int | None,
    host: str,
    seed: int,
    today: datetime | None,
    fault_rate: float,
    faults: tuple[str, ...],
    hang_seconds: float,
    parent: int | None,
    **options: Any,
) -> None:
    """Serve the simulated sources. `isobar run` and `isobar ui` use this sandbox while it runs.

    Sources that deliver files write them into .isobar/inbox. To see how bad responses are handled:

    \b
      isobar sandbox --fault-rate 0.2 --fault 429 --fault truncated
    """
    import uvicorn

    from pipelines.sandbox.app import build_app
    from pipelines.sandbox.faults import FAULTS

    app = build_app(
        seed=seed,
        today=today.date() if today else None,
        fault_rate=fault_rate,
        faults=[kind for kind in FAULTS if kind in faults] or FAULTS,
        hang_seconds=hang_seconds,
        inboxes=Settings.current().state / "inbox",
        **options,
    )
    try:
        listening = socket.create_server((host, port or 0))
    except OverflowError as error:
        raise click.UsageError(f"There is no port {port}.") from error
    except OSError as error:
        raise click.UsageError(
            f"Port {port} is in use. Choose another --port, or omit it."
            if error.errno == errno.EADDRINUSE
            else f"Cannot listen on {host}: {error.strerror}."
        ) from error
    here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - as the operator requested
    url = f"http://{here}:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning" if parent else "critical"))
    if parent is not None:
        _end_with(parent)
        server.run([listening])
        return
    record = Settings.current().state / "sandbox.url"
    state_folder.create(record.parent)
    record.write_text(url)
    echo(f"The sandbox is at {url} — Ctrl-C stops it.")
    try:
        server.run([listening])
    except KeyboardInterrupt:
        echo("The sandbox has stopped.")
    finally:
        if record.exists() and record.read_text() == url:
            record.unlink()


for _command in (
    *(import_, quarantine, alerts.alerts, serve.serve, status_command),
    *(
        dashboard.dashboard,
        database.database,
        backup.backup,
        backup.restore,
        docs.docs,
        list_sources,
    ),
):
    isobar.add_command(_command)


def _add_commands_of_sources() -> None:
    """Add the commands that sources define in their `cli.py`."""
    for source in by_seniority():
        with isolated(source.name, "its commands", source.package):
            module = source.module("cli")
            own = {str(one.name): one for one in module.commands} if module else {}
            if taken := sorted(own.keys() & isobar.commands.keys()):
                raise ValueError(f"there is a command {taken[0]!r} already")
            for name, command in own.items():
                isobar.add_command(command, name)


_add_commands_of_sources()


def _end_with(parent: int) -> None:
    """End this process when its parent ends, even if that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
