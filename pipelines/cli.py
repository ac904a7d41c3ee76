"""The command `isobar`. Each command is a few calls; what they do lives elsewhere."""

import logging
import os
import signal
import sys
import threading
import time
from datetime import datetime
from typing import NoReturn

import click
from dotenv import load_dotenv

from pipelines.core.embedded_postgres import OWNER, EmbeddedPostgres
from pipelines.core.failures import Failure, PermanentFailure
from pipelines.core.ports import free_port
from pipelines.core.postgres_software import find_binaries
from pipelines.resources import PROJECT, Settings


def tell(message: str) -> None:
    """Say something to the person, beside what a program may read from standard output."""
    click.echo(message, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="isobar")
def isobar() -> None:
    """Operational feeds and the weather in one PostgreSQL, kept fresh by Dagster."""


@isobar.command()
def run() -> None:
    """Bring every source up to date once, and say what came of it."""
    from rich.console import Console

    from pipelines.bring_up import bring_up_dagster_home, bring_up_database, sandbox

    _interrupt_on(signal.SIGTERM)
    settings = Settings.from_environment()
    bring_up_database(settings, tell)
    os.environ.update(bring_up_dagster_home(settings))
    with sandbox(settings, os.environ) as variables:
        os.environ.update(variables)
        from pipelines.main_job import run_main_jobs

        console = Console(width=None if sys.stdout.isatty() else 100)
        is_good = run_main_jobs(console)
    console.print("\nSee it in Dagster: make ui    Query it: isobar database psql", highlight=False)
    sys.exit(0 if is_good else 1)


@isobar.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Of the web UI; 3000 when it is free.")
def ui(port: int | None) -> None:
    """Serve the Dagster web UI, with schedules and sensors running, until Ctrl-C."""
    from pipelines.bring_up import bring_up_dagster_home, bring_up_database, sandbox
    from pipelines.ui import WebUi

    _interrupt_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    settings = Settings.from_environment()
    bring_up_database(settings, tell)
    environment = {**os.environ, **bring_up_dagster_home(settings)}
    with sandbox(settings, os.environ) as variables:
        WebUi(settings, environment | variables, tell).serve(port)


@isobar.command()
def migrate() -> None:
    """Bring the database's tables, views and functions to this version."""
    from pipelines.bring_up import bring_up_database

    bring_up_database(Settings.from_environment(), tell)
    tell("The database is up to date.")


@isobar.command()
@click.option("--port", type=click.IntRange(1, 65535), help="A free one when not given.")
@click.option("--seed", default=1, show_default=True, help="Other data for another number.")
@click.option("--date", "today", type=click.DateTime(["%Y-%m-%d"]), help="Play this day.")
@click.option(
    "--fault-rate",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of the answers that go wrong.",
)
@click.option("--fault", "faults", multiple=True, help="Only faults of this kind; may be repeated.")
@click.option(
    "--hang-seconds", default=60.0, show_default=True, help="How long a time-out keeps waiting."
)
@click.option("--parent", type=int, hidden=True, help="For our own use: end with this process.")
def sandbox(
    port: int | None,
    seed: int,
    today: datetime | None,
    fault_rate: float,
    faults: tuple[str, ...],
    hang_seconds: float,
    parent: int | None,
) -> None:
    """Serve the imitated sources on loopback; `isobar run` and `isobar ui` then use this one."""
    import uvicorn

    from pipelines.sandbox.app import build_app
    from pipelines.sandbox.faults import FAULTS

    if unknown := set(faults) - set(FAULTS):
        raise click.BadParameter(f"{unknown.pop()} is none of {', '.join(FAULTS)}")
    app = build_app(
        seed=seed,
        today=today.date() if today else None,
        fault_rate=fault_rate,
        faults=[kind for kind in FAULTS if kind in faults] or FAULTS,
        hang_seconds=hang_seconds,
    )
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    if parent is not None:
        _end_with(parent)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
        return
    record = Settings.from_environment().state / "sandbox.url"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(url)
    tell(f"The sandbox is at {url}, for example {url}/flights.json — Ctrl-C stops it.")
    try:
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
    finally:
        record.unlink(missing_ok=True)


@isobar.group()
def database() -> None:
    """The built-in PostgreSQL, and how to reach the one in use."""


@database.command()
def start() -> None:
    """Start the built-in server; it stays up when this command ends."""
    server = _builtin_server()
    connections = server.start()
    tell(f"PostgreSQL is up on 127.0.0.1:{connections.port}, data in {server.data}.")


@database.command()
def stop() -> None:
    """Stop the built-in server of this clone."""
    tell("Stopped." if _builtin_server().stop() else "It was not running.")


@database.command()
def status() -> None:
    """Say whether the built-in server runs, and where; exit code 1 when it does not."""
    server = _builtin_server()
    connections = server.connections()
    if connections is None:
        click.echo(f"not running; data in {server.data}")
        sys.exit(1)
    click.echo(f"running on 127.0.0.1:{connections.port}, socket in {connections.socket_folder}")
    click.echo(f"data in {server.data}, log in {server.log}")


@database.command()
def url() -> None:
    """Print the warehouse's address, password included, for psql and other clients."""
    from sqlalchemy import make_url

    settings = Settings.from_environment()
    plain = make_url(settings.owner_url()).set(drivername="postgresql")
    click.echo(plain.render_as_string(hide_password=False))


@database.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql on the warehouse; further arguments are psql's own."""
    settings = Settings.from_environment()
    address = settings.database_url or settings.builtin_server(tell).start().url(OWNER, OWNER)
    program = find_binaries() / "psql"
    os.execv(program, [str(program), address, *arguments])  # noqa: S606 - it takes our place


def main() -> NoReturn:
    """Run the command; a failure is told in words, anything else is a bug and shows its trace."""
    load_dotenv(PROJECT / ".env")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("  %(message)s"))
    logging.getLogger("isobar").addHandler(handler)
    try:
        isobar(standalone_mode=True)
    except Failure as failure:
        click.secho(str(failure), fg="red", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    sys.exit(0)


def _builtin_server() -> EmbeddedPostgres:
    settings = Settings.from_environment()
    if not settings.has_builtin_server:
        raise PermanentFailure(
            "database",
            "DATABASE_URL is set, so that there is no built-in server",
            place="the environment or .env",
            remedy="Use your server's own tools, or unset DATABASE_URL.",
        )
    return settings.builtin_server(tell)


def _interrupt_on(*signals: signal.Signals) -> None:
    """Have signals end the command as Ctrl-C does, even when they were ignored further up."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)


def _end_with(parent: int) -> None:
    """A helper process must not outlive a parent that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
