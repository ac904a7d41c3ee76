"""`isobar sources`: all installed sources, which of them are on, and what is wrong with the others.

A plug-in that hangs or exits at its import would take every other command with it. This one first
imports each plug-in in a process of its own.
"""

import importlib
import importlib.util
import multiprocessing
import os
from importlib.metadata import EntryPoint, version
from multiprocessing.connection import Connection

import click
from rich.console import Console
from rich.table import Table

from pipelines.cli.new_source import new_source
from pipelines.cli.source_check import check
from pipelines.cli.source_reset import reset
from pipelines.config import Settings, disabled_sources
from pipelines.isolation import (
    LOG,
    SOURCE_ERRORS,
    broken_sources,
    is_broken,
    isolated,
    note_broken,
    remarks,
)
from pipelines.source import (
    check_sources,
    declared_sources,
    own_names,
    plugin_entry_points,
    sources,
)

IMPORT_SECONDS = 10.0
#: The modules of a plug-in that this process imports later, and the one that it does not.
LATER, PAGES = ("tables", "jobs", "cli", "sandbox"), "dashboard"


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

    Each plug-in is first imported in a process of its own, for at most ten seconds: this command
    works although a plug-in hangs or exits at its import, and names it. Until it is fixed or
    uninstalled, set ISOBAR_DISABLE_SOURCES to its name.
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
        found = (entry.dist.name, entry.dist.version) if entry.dist else (entry.value, "")
        origins[label if is_broken(label) else entry.name] = found
    table = Table("source", "version", "origin", "state", box=None, pad_edge=False)
    for name, (origin, release) in origins.items():
        table.add_row(name, release, origin, _state(name, settings))
    Console().print(table)
    for broken in broken_sources():
        click.echo(str(broken))
    for line in remarks():
        click.echo(line, err=True)


list_sources.add_command(check)
list_sources.add_command(new_source)
list_sources.add_command(reset)


def _state(name: str, settings: Settings) -> str:
    if is_broken(name):
        return "broken"
    if name not in sources():
        return "disabled"
    return "on" if declared_sources()[name].settings.is_set_up(settings) else "off"


def skip_plugins_that_hang() -> None:
    """Import each plug-in in a process of its own; note those that fail there, and skip them.

    This process has imported no plug-in yet.
    """
    importlib.import_module("dagster")  # so that its import does not count as theirs
    skipped = {*disabled_sources()}
    for entry in plugin_entry_points():
        if entry.name not in skipped and (problem := _problem_of_import(entry)):
            note_broken(entry.name, problem)
            skipped.add(entry.name)
    os.environ["ISOBAR_DISABLE_SOURCES"] = ",".join(sorted(skipped))


def _problem_of_import(entry: EntryPoint) -> str | None:
    """Return why a plug-in cannot be imported, unless this process would find that out as well."""
    forked = multiprocessing.get_context("fork")
    ours, theirs = forked.Pipe(duplex=False)
    process = forked.Process(target=_import, args=(entry, theirs), daemon=True)
    process.start()
    theirs.close()
    problem = f"it did not finish its import within {IMPORT_SECONDS:.0f} s"
    try:
        if ours.poll(IMPORT_SECONDS):
            problem = ours.recv()
    except EOFError:
        process.join()
        problem = f"it exited at its import, with {process.exitcode}"
    finally:
        process.kill()
        process.join()
        ours.close()
    return problem or None


def _import(entry: EntryPoint, answer: Connection) -> None:
    """Import all modules of a plug-in, and send what is wrong with its pages, if anything is."""
    for name in LATER:
        try:
            entry.load()
            if importlib.util.find_spec(f"{entry.module}.{name}"):
                importlib.import_module(f"{entry.module}.{name}")
        except SOURCE_ERRORS:  # this process will find it, too
            answer.send("")
            os._exit(0)
    os.environ["STREAMLIT_LOGGER_LEVEL"] = "error"  # of this process: it warns without a server
    if importlib.util.find_spec("streamlit") and importlib.util.find_spec(entry.module):
        with isolated(entry.name, "its pages", entry.module):
            if importlib.util.find_spec(f"{entry.module}.{PAGES}"):
                importlib.import_module(f"{entry.module}.{PAGES}")
    answer.send("".join(one.problem for one in broken_sources() if one.name == entry.name))
    os._exit(0)
