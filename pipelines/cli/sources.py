"""Commands about what sources sent: import a file, look into the quarantine, read it again."""

import os
import signal
from typing import NoReturn

import click

from pipelines.config import Settings
from pipelines.postgres.server import ANALYST

SOURCES = click.Choice(["flights", "bookings", "shipments", "solar"])


def tell(message: str) -> None:
    """Say something to the person, beside what a program may read from standard output."""
    click.echo(message, err=True)


def interrupt_on(*signals: signal.Signals) -> None:
    """Have signals end the command as Ctrl-C does, even when they were ignored further up."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)


@click.group(name="import")
def import_() -> None:
    """Take in one file by hand, wherever it is."""


a_file = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, readable=True, resolve_path=True)
)


@import_.command(name="bookings", short_help="Take in a CSV file of booking events.")
@a_file
def import_bookings(file: str) -> None:
    """Take in a CSV file of booking events, packed with gzip or not, as from the inbox.

    Its columns are id, hotel_id, event_timestamp, status (1 booking, 2 cancellation),
    room_reservation_id and night_of_stay, in any order; the id may be left out.
    """
    run_one_job("bookings", {"bookings_events": {"file": file}})


@import_.command(name="shipments", short_help="Take in a CSV file of shipments.")
@a_file
def import_shipments(file: str) -> None:
    """Take in a CSV file of shipments, as from the inbox; the same again changes nothing.

    It has a line for each article, with tracking_number, carrier, sender_address,
    receiver_address, article_name, article_quantity, article_price, sku and status, in any order.
    """
    run_one_job("shipments", {"shipments_tables": {"file": file}})


@click.group(short_help="Records that were refused.")
def quarantine() -> None:
    """Records that were refused: see them, and have them read again."""


@quarantine.command(name="list", short_help="List what was refused, by source and reason.")
def list_() -> None:
    """List what was refused, by source and reason, each with an example."""
    from pipelines.cli import quarantine_report

    click.echo(quarantine_report.summary(_migrated()))


@quarantine.command(short_help="Show the refused records of a source.")
@click.argument("source", type=SOURCES)
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most."
)
def show(source: str, limit: int) -> None:
    """Show the refused records of a source whole, newest first."""
    from pipelines.cli import quarantine_report

    click.echo(quarantine_report.records(_migrated(), source, limit))


@quarantine.command(short_help="Read refused records again.")
@click.argument("source", type=SOURCES)
def retry(source: str) -> None:
    """Read the refused records of a source again, as after a change of the code.

    Those that are good now are taken in and leave the quarantine. Nothing that a later delivery
    changed is changed back. For flights this reads the whole archive anew, and for solar the
    service is asked again.
    """
    if source == "flights":
        run_one_job("flights_rebuild", {})
    operations = {
        "bookings": "bookings_events",
        "shipments": "shipments_tables",
        "solar": "solar_readings",
    }
    run_one_job(source, {operations[source]: {"retry_quarantine": True}})


def run_one_job(job: str, op_config: dict[str, dict[str, object]]) -> NoReturn:
    """Run one job as `isobar run` would, with progress, and end."""
    from pipelines.runtime.bootstrap import bring_up_dagster_home, bring_up_database, sandbox

    interrupt_on(signal.SIGTERM)
    settings = Settings.from_environment()
    bring_up_database(settings, tell)
    os.environ.update(bring_up_dagster_home(settings))
    with sandbox(settings, os.environ) as (variables, _):
        os.environ.update(variables)
        from pipelines.runtime.run_command import run_jobs

        is_good = run_jobs({job: op_config})
    raise SystemExit(0 if is_good else 1)


def _migrated() -> str:
    """The warehouse's address, as someone who only reads, migrated and ready."""
    from pipelines.runtime.bootstrap import bring_up_database

    settings = Settings.from_environment()
    bring_up_database(settings, tell)
    return settings.warehouse_url(ANALYST)
