"""`isobar sources`: the list of all, with what is wrong with them, and `reset`."""

from importlib.metadata import version

import click
from rich.console import Console
from rich.table import Table

from pipelines.cli.console import reach_database
from pipelines.cli.new_source import new_source
from pipelines.cli.source_check import check
from pipelines.config import Settings
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
    Console().print(table)
    for broken in broken_sources():
        click.echo(str(broken))


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
    from pipelines.migrations.apply import drop_plugin
    from pipelines.runtime.bootstrap import prepare_database

    settings = Settings.current()
    reach_database(settings)
    rows = drop_plugin(settings.warehouse_url(), source)
    prepare_database(settings, click.echo)
    click.echo(f"Deleted {rows:,} deliveries of {name}, with its tables. Next: isobar run {name}")


list_sources.add_command(check)
list_sources.add_command(new_source)
