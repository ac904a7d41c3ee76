"""Shared by commands: messages, access to the database, and signals that act like Ctrl-C."""

import signal
from functools import partial

import click

from pipelines.config import Settings


def _listenable(_: click.Context, __: click.Parameter, value: str) -> str:
    """Return an address that can be listened on: "" would be all of this machine, unsaid."""
    if not value:
        raise click.BadParameter("name an address: 0.0.0.0 is every one of this machine")
    return value


port_option = partial(click.option, "--port", type=click.IntRange(1, 65535))
listen_address = click.option(
    "--host",
    callback=_listenable,
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on.",
)


def echo(message: str) -> None:
    """Print a message to standard error: standard output is for programs."""
    click.echo(message, err=True)


def reach_database(settings: Settings) -> None:
    """Start the built-in server, and create the tables if there are none.

    For short commands that run often. Existing tables are not compared with this version, which
    would take as long as the command itself. `isobar run`, `ui` and `migrate` compare them. A
    database that is not on the built-in server is left as it is. Raises `Failure`.
    """
    from pipelines.postgres.clients import has_tables, reject_unmigrated

    if not settings.has_builtin_server:
        reject_unmigrated(settings.warehouse_url())
        return
    settings.builtin_server(echo).start()
    if has_tables(settings.warehouse_url()):
        return
    from pipelines.runtime.bootstrap import prepare_database

    prepare_database(settings, echo)


def interrupt_on(*signals: signal.Signals) -> None:
    """Make signals end the command like Ctrl-C, even if a parent process ignores them."""
    for number in signals:
        signal.signal(number, signal.default_int_handler)
