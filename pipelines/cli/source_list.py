"""`isobar sources`: the list of all, with what is wrong with them, `reset` and `drop`."""

from importlib.metadata import version

import click
from rich.console import Console
from rich.table import Table

from pipelines.cli.new_source import new_source
from pipelines.cli.source_check import check
from pipelines.config import Settings
from pipelines.failures import Failure
from pipelines.isolation import LOG, broken_sources, is_broken
from pipelines.source import (
    check_sources,
    declared_sources,
    is_plugin,
    own_names,
    plugin_entry_points,
    sources,
)


@click.group(name="sources", invoke_without_command=True)
@click.pass_context
def list_sources(context: click.Context) -> None:
    """List the installed sources: version, origin, state, and what is wrong with declarations.

    Jobs, schedules and views are tried by `isobar sources check`.

    \b
    States:
      on        it is refreshed
      off       none of the variables that turn it on is set
      broken    an error switched it off; the other sources go on
      disabled  ISOBAR_DISABLE_SOURCES names it
      away      it is not installed, and the database has what it stored

    A plug-in that hangs or exits at its import takes every command with it: set
    ISOBAR_DISABLE_SOURCES to its name until it is fixed or uninstalled.
    """
    LOG.disabled = is_list = context.invoked_subcommand is None  # the list has what is logged
    isobar = context.find_root().command
    if isinstance(isobar, click.Group):
        isobar.list_commands(context)  # notes what is wrong with the commands of sources
    if not is_list:
        return
    settings = Settings.current()
    check_sources(settings)
    origins = {name: ("isobar", version("isobar")) for name in own_names()}
    for entry in plugin_entry_points():
        label = f"{entry.name} ({entry.value})"
        package = (entry.dist.name, entry.dist.version) if entry.dist else (entry.value, "")
        origins[label if is_broken(label) else entry.name] = package
    table = Table("source", "version", "origin", "state", box=None, pad_edge=False)
    for name, (origin, release) in origins.items():
        table.add_row(name, release, origin, _state(name, settings))
    absent = _away(settings)
    for name in absent:
        table.add_row(name, "", "", "away")
    Console().print(table)
    for broken in broken_sources():
        click.echo(str(broken))
    for name in absent:
        click.echo(
            f"The source {name} is away, and what it stored stays: install its package again, or"
            f" delete all of it by isobar sources drop {name}"
        )


def _away(settings: Settings) -> list[str]:
    """Return the sources of the database that are not installed; none if it cannot be read."""
    from pipelines.migrations.removal import away
    from pipelines.status.databases import warehouse

    try:
        with warehouse(settings) as connection:
            return away(connection)
    except Failure:
        return []


def _state(name: str, settings: Settings) -> str:
    if is_broken(name):
        return "broken"
    if name not in sources():
        return "disabled"
    return "on" if declared_sources()[name].settings.is_set_up(settings) else "off"


@list_sources.command(name="reset", short_help="Delete what a plug-in has stored.")
@click.argument("name")
@click.confirmation_option(
    "--yes", prompt="This deletes its tables, and its entries in ledger and quarantine. Go on?"
)
def reset(name: str) -> None:
    """Delete the tables of a plug-in, and its entries in ledger and quarantine.

    What others have built on its tables, such as a view of an analyst, is named and stops it.

    Empty tables are created from its models, and the next `isobar run` loads everything again. To
    keep what is stored, change the tables by what `isobar sources check NAME` names instead.
    """
    source = sources().get(name)
    if source is None or not is_plugin(source):
        plugins = [one.name for one in sources().values() if is_plugin(one)]
        raise click.BadParameter(f"{name!r} is not one of the plug-ins: {', '.join(plugins)}")
    rows = _removed(name, "reset", for_good=False)
    click.echo(f"Deleted {rows:,} deliveries of {name}, with its tables. Next: isobar run {name}")


@list_sources.command(name="drop", short_help="Delete what a source that is away has left.")
@click.argument("name")
@click.confirmation_option(
    "--yes", prompt="This deletes its schema, and its entries in ledger and quarantine. Go on?"
)
def drop(name: str) -> None:
    """Delete what a source that is not installed any more has left in the database.

    That is its tables, views, functions and schema, and its entries in ledger, quarantine,
    inboxes and watermarks. What others have built on them is named and stops it.
    """
    if name in own_names():
        raise click.BadParameter(f"{name!r} is one of Isobar's own sources, and stays")
    if name in {entry.name for entry in plugin_entry_points()}:
        words = f"{name!r} is installed: uninstall it first, or empty it by isobar sources reset"
        raise click.BadParameter(words)
    rows = _removed(name, "drop", for_good=True)
    click.echo(f"Deleted {rows:,} deliveries of {name}, with its tables, views and schema.")


def _removed(name: str, command: str, *, for_good: bool) -> int:
    """Delete what a source has in the database, migrated before and after; return the deliveries.

    The first migration frees it of the views of others that gather what sources have.
    """
    from pipelines.migrations.removal import away, remove
    from pipelines.runtime.bootstrap import prepare_database
    from pipelines.status.databases import warehouse

    settings = Settings.current()
    prepare_database(settings, click.echo)
    if for_good:
        with warehouse(settings) as connection:
            known = away(connection)
        if name not in known:
            words = ", ".join(known) or "there are none"
            raise click.BadParameter(f"{name!r} is not one of the sources that are away: {words}")
    command = f"isobar sources {command} {name}"
    rows = remove(settings.warehouse_url(), name, command, for_good=for_good)
    prepare_database(settings, click.echo)
    return rows


list_sources.add_command(check)
list_sources.add_command(new_source)
