"""Shared by commands: messages, access to the database, and signals that act like Ctrl-C."""

import signal
from typing import NoReturn

import click

from pipelines.config import Settings
from pipelines.postgres.roles import SUPERUSER, WAREHOUSE


def echo(message: str) -> None:
    """Print a message to standard error: standard output is for programs."""
    click.echo(message, err=True)


def reach_database(settings: Settings) -> None:
    """Start the built-in server, and create the tables if there are none.

    For short commands that run often. Existing tables of the built-in server are not compared with
    this version, which would take as long as the command itself. `isobar run`, `ui` and `migrate`
    compare them.
    """
    if settings.has_builtin_server:
        import psycopg

        server = settings.builtin_server(echo).start()
        with psycopg.connect(server.url(SUPERUSER, WAREHOUSE)) as connection:
            if connection.execute("SELECT FROM pg_namespace WHERE nspname = 'ops'").rowcount:
                return
    from pipelines.runtime.bootstrap import prepare_database

    prepare_database(settings, echo)


def interrupt_on(*signals: signal.Signals) -> None:
    """Make signals end the command like Ctrl-C, even if a parent process ignores them."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)
