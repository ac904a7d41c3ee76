"""What commands share: messages to the person, and signals that end a command as Ctrl-C does."""

import signal
from typing import NoReturn

import click


def tell(message: str) -> None:
    """Say something to the person, beside what a program may read from standard output."""
    click.echo(message, err=True)


def interrupt_on(*signals: signal.Signals) -> None:
    """Have signals end the command as Ctrl-C does, even when they were ignored further up."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)
