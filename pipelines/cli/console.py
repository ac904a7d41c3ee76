"""What commands share: messages to the person, the database, and signals that act as Ctrl-C."""

import signal
from typing import NoReturn

import click

from pipelines.config import Settings
from pipelines.postgres.roles import SUPERUSER, WAREHOUSE


def echo(message: str) -> None:
    """Say something to the person, beside what a program may read from standard output."""
    click.echo(message, err=True)


def reach_database(settings: Settings) -> None:
    """Start the built-in server, and create the tables where there are none.

    For short commands that run often. Whether the tables of a built-in server
    are those of this version is for `isobar run`, `ui` and `migrate` to see, because comparing
    costs as much as such a command does.
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
    """Have signals end the command as Ctrl-C does, even when they were ignored further up."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)
