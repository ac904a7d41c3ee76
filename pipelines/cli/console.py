"""Shared by commands: messages, access to the database, and signals that act like Ctrl-C."""

import signal
import socket
from typing import Any, NoReturn

import click

from pipelines.config import Settings


class ListenAddress(click.ParamType[str]):
    """An address of this machine, which can be listened on: "" would be all of them, unsaid."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address, once it could be bound on a free port."""
        host = str(value)
        if not host:
            self.fail("name an address: 0.0.0.0 is every one of this machine", param, ctx)
        try:
            family, *_, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, socket.SOCK_STREAM) as listening:
                listening.bind(address)
        except (OSError, UnicodeError) as error:
            self.fail(f"{host!r} is not an address of this machine: {error}", param, ctx)
        return host


listen_address = click.option(
    "--host",
    type=ListenAddress(),
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

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)
