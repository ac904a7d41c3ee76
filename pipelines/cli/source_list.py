"""`isobar sources`: all installed sources, which are on, and what is wrong with the others."""

import importlib
import importlib.util
from importlib.metadata import version

import click
from rich.console import Console
from rich.table import Table

from pipelines.cli.new_source import new_source
from pipelines.cli.source_check import check
from pipelines.cli.source_reset import reset
from pipelines.config import Settings
from pipelines.isolation import (
    LOG,
    broken_sources,
    is_broken,
)
from pipelines.source import (
    check_sources,
    declared_sources,
    own_names,
    plugin_entry_points,
    sources,
)


@click.group(
    name="sources",
    invoke_without_command=True,
    short_help="List, check and write sources.",
)
@click.pass_context
def list_sources(context: click.Context) -> None:
    """List the installed sources: version, origin, state, and what is wrong with them.

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
    importlib.import_module("pipelines.definitions")  # notes what is wrong with jobs and schedules
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


list_sources.add_command(check)
list_sources.add_command(new_source)
list_sources.add_command(reset)


def _state(name: str, settings: Settings) -> str:
    if is_broken(name):
        return "broken"
    if name not in sources():
        return "disabled"
    return "on" if declared_sources()[name].settings.is_set_up(settings) else "off"
