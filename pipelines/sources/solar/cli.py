"""Commands for the registry of solar plants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.console import echo, reach_database
from pipelines.config import Settings
from pipelines.postgres.roles import LOADER, OPERATOR

if TYPE_CHECKING:
    from pipelines.warehouse.connection import Warehouse

#: Wide enough for the longest names: one line per plant, on a terminal and in a pipe.
WIDTH = 250


@click.group()
def plants() -> None:
    """Manage the registry of solar plants."""


a_plant = click.argument("plant_id", type=int)
LATITUDE, LONGITUDE = click.FloatRange(-90, 90), click.FloatRange(-180, 180)
DAY = click.DateTime(["%Y-%m-%d"])


class Number(click.ParamType):  # type: ignore[type-arg]  # not generic before Click 8.5
    """A decimal number, exactly as written."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> Decimal:
        """Return the number."""
        try:
            return Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is not a number.", param, ctx)


class Currency(click.ParamType):  # type: ignore[type-arg]  # the same
    """The ISO 4217 code of a currency."""

    name = "code"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Return the code in capital letters."""
        from babel.numbers import list_currencies

        code = str(value).upper()
        if code not in list_currencies():
            self.fail(f"{value!r} is not the code of a currency, such as EUR.", param, ctx)
        return code


NUMBER, CURRENCY = Number(), Currency()


@plants.command(name="list")
def list_() -> None:
    """List the plants and the number of their complete days."""
    from pipelines.sources.solar import registry

    with _registry() as store, store.engine.connect() as connection:
        rows = registry.listing(connection)
    click.echo(_table(rows) if rows else "No plant is registered.")


@plants.command(short_help="Register a plant, and print its number.")
@click.argument("name")
@click.option("--latitude", type=LATITUDE, help="Degrees north.")
@click.option("--longitude", type=LONGITUDE, help="Degrees east.")
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    help="Time zone of the monitoring service's times for this plant.",
)
@click.option(
    "--id",
    "plant_id",
    type=click.IntRange(1, 2**31 - 2),
    help="Its number. Default: the next one; a rejected attempt uses one up.",
)
@click.option("--capacity-kwp", type=float, help="Installed capacity (DC), kWp.")
@click.option("--tariff-per-kwh", type=NUMBER, help="What a kWh is worth.")
@click.option("--tariff-currency", type=CURRENCY, help="Its currency: EUR.")
def add(
    name: str,
    latitude: float | None,
    longitude: float | None,
    time_zone: str,
    plant_id: int | None,
    **values: object,
) -> None:
    """Register a plant, and print its number.

    The monitoring service must know the plant by this number. Without coordinates, no weather is
    joined.

    \b
      isobar plants add "Sierra Nevada" --latitude 37.1 --longitude -3.4 --time-zone Europe/Madrid
    """
    if (latitude is None) != (longitude is None):
        raise click.UsageError("Use --latitude and --longitude together.")
    if (values["tariff_per_kwh"] is None) != (values["tariff_currency"] is None):
        raise click.UsageError("Use --tariff-per-kwh and --tariff-currency together.")
    plant_id = _apply("add", name, latitude, longitude, time_zone, plant_id, **values)
    echo("Registered. isobar run syncs it; a running isobar ui begins within a minute.")
    click.echo(plant_id)


@plants.command()
@a_plant
@click.argument("new_name")
def rename(plant_id: int, new_name: str) -> None:
    """Rename a plant."""
    _apply("rename", plant_id, new_name)
    echo(f"Renamed plant {plant_id}.")


@plants.command()
@a_plant
def retire(plant_id: int) -> None:
    """Stop syncing a plant, and keep its data."""
    retired_at = _apply("retire", plant_id)
    echo(f"Plant {plant_id} is retired since {retired_at:%Y-%m-%d %H:%M} UTC; its data are kept.")


@plants.command()
@a_plant
def unretire(plant_id: int) -> None:
    """Sync a retired plant again, including the days since it was retired."""
    _apply("unretire", plant_id)
    echo(f"Plant {plant_id} is synced again.")


@plants.command(short_help="Change the coordinates of a plant.")
@a_plant
@click.option("--latitude", type=LATITUDE, required=True, help="Degrees north.")
@click.option("--longitude", type=LONGITUDE, required=True, help="Degrees east.")
def set_location(plant_id: int, latitude: float, longitude: float) -> None:
    """Change the coordinates of a plant. The weather at the new place is joined from then on."""
    _apply("set_location", plant_id, latitude, longitude)
    echo(f"Plant {plant_id} is at {latitude:g}, {longitude:g}.")


@plants.command(
    short_help="Change the capacity of a plant.",
    context_settings={"ignore_unknown_options": True},  # a number below zero is no option
)
@a_plant
@click.argument("capacity_kwp", type=float)
def set_capacity(plant_id: int, capacity_kwp: float) -> None:
    """Change the installed capacity of a plant's modules, in kWp (DC).

    With it, the plant has a specific yield and an IEC performance ratio.
    """
    _apply("set_capacity", plant_id, capacity_kwp)
    echo(f"Plant {plant_id} has {capacity_kwp:g} kWp.")


@plants.command(
    short_help="Change what a kWh of a plant is worth.",
    context_settings={"ignore_unknown_options": True},
)
@a_plant
@click.argument("tariff_per_kwh", type=NUMBER)
@click.argument("currency", type=CURRENCY)
def set_tariff(plant_id: int, tariff_per_kwh: Decimal, currency: str) -> None:
    """Change what a kWh of a plant is worth, and in which currency.

    \b
      isobar plants set-tariff 3 0.082 EUR
    """
    _apply("set_tariff", plant_id, tariff_per_kwh, currency)
    echo(f"A kWh of plant {plant_id} is worth {tariff_per_kwh} {currency}.")


@plants.command(short_help="Sync a plant now, or request some days again.")
@a_plant
@click.option("--from", "first", type=DAY, metavar="YYYY-MM-DD", help="The first day.")
@click.option("--to", "end", type=DAY, metavar="YYYY-MM-DD", help="The day after the last one.")
def sync(plant_id: int, first: datetime | None, end: datetime | None) -> None:
    """Sync the missing days of a plant now, or request some days again.

    \b
      isobar plants sync 3 --from 2026-10-01 --to 2026-11-01

    If the service sends other values than before, the earlier ones are kept in solar.corrections.
    """
    from pipelines.cli.running import run_one_job
    from pipelines.sources.solar import registry

    if (first is None) != (end is None):
        raise click.UsageError("Use --from and --to together.")
    if first and end and first >= end:
        raise click.UsageError("--from has to be before --to, which is the day after the last one.")
    with _registry() as store, store.engine.connect() as connection:
        if registry.find(connection, plant_id).retired_at:
            problem = f"Plant {plant_id} is retired. First: isobar plants unretire {plant_id}"
            raise click.UsageError(problem)
    if not (first and end):
        run_one_job("solar", {"solar_readings": {"plants": [plant_id]}})
    days = {"from_date": f"{first:%Y-%m-%d}", "to_date": f"{end:%Y-%m-%d}"}
    run_one_job("backfill_solar_days", {"request_days": {"plants": [plant_id], **days}})


@plants.command(short_help="Delete a plant and its data.")
@a_plant
@click.confirmation_option(prompt="Delete the plant and all of its readings?")
def delete(plant_id: int) -> None:
    """Delete a plant and its data, unless a sync is running. To keep the data, retire it."""
    readings = _apply("delete", plant_id)
    echo(f"Deleted plant {plant_id} and {readings:,} readings.")


def _apply(change: str, *values: object, **others: object) -> Any:
    """Return what the function of that name in `registry` returns for the values."""
    from pipelines.runtime.bootstrap import seed_sandbox
    from pipelines.sources.solar import registry

    with _registry() as store:
        seed_sandbox(Settings.current(), echo)  # its plants have the first numbers
        return getattr(registry, change)(store, *values, **others)


def _registry() -> Warehouse:
    """Return the migrated warehouse, as the loader."""
    from pipelines.warehouse.connection import Warehouse

    settings = Settings.current()
    reach_database(settings)
    url = settings.warehouse_url(LOADER)
    return Warehouse(url, LOADER if settings.has_builtin_server else _role(url))


def _role(url: str) -> str:
    """Return the loader, or the operator if this login may not act as the loader."""
    from sqlalchemy import text

    from pipelines.warehouse.connection import Warehouse

    query = text("SELECT pg_has_role(:role, 'SET')")
    with (
        Warehouse(url, role=None) as store,
        store.translate_db_errors("solar"),
        store.engine.connect() as connection,
    ):
        return LOADER if connection.execute(query, {"role": LOADER}).scalar() else OPERATOR


def _table(rows: Sequence[Any]) -> str:
    """A table with one line for each plant."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pipelines.failures import printable

    columns = ("id", "name", "time zone", "coordinates", "kWp", "tariff", "registered", "retired")
    table = Table(*columns, box=None, pad_edge=False)
    for column in ("days complete", "days missing", "days not requested"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            str(row.plant_id),
            Text(printable(row.name).replace("\n", " ")),
            row.time_zone,
            "" if row.latitude is None else f"{row.latitude:g}, {row.longitude:g}",
            "" if row.capacity_kwp is None else f"{row.capacity_kwp:g}",
            "" if row.tariff_per_kwh is None else f"{row.tariff_per_kwh} {row.tariff_currency}",
            f"{row.registered_at:%Y-%m-%d}",
            "" if row.retired_at is None else f"{row.retired_at:%Y-%m-%d}",
            f"{row.days_complete:,}",
            f"{row.days_missing:,}",
            f"{row.days_not_requested:,}",
        )
    out = StringIO()
    Console(file=out, width=WIDTH).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


#: The commands that `isobar` adds.
commands = [plants]
