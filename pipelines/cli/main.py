"""The command `isobar`. Each command only makes a few calls; the logic is in other packages.

A command is imported when it is called: those that need no source then import none.
"""

from functools import cached_property
from importlib import import_module
from typing import Any

import click

#: Where each command is, its module and its name there, and what `isobar --help` says of it.
COMMANDS = {
    "alerts": ("cli.alerts:alerts", "Notify people of problems (docs/operations.md, Alerts)."),
    "backup": ("cli.backup:backup", "Back up both databases into a folder."),
    "dashboard": ("cli.dashboard:dashboard", "Serve the dashboards until Ctrl-C."),
    "database": ("cli.database:database", "Control the built-in PostgreSQL, and connect to it."),
    "import": ("cli.running:import_", "Load one file by hand, from any folder."),
    "migrate": ("cli.running:migrate", "Migrate the database to this version."),
    "quarantine": ("cli.quarantine:quarantine", "Show, retry and dismiss rejected records."),
    "restore": ("cli.backup:restore", "Restore both databases from a backup."),
    "run": ("cli.running:run", "Refresh all sources once, or only some."),
    "sandbox": ("cli.sandbox:sandbox", "Serve the simulated sources until Ctrl-C."),
    "serve": ("cli.serve:serve", "Run one process of Dagster, for containers and services."),
    "sources": ("cli.source_list:list_sources", "List, check and write sources."),
    "status": ("status.command:status", "Show what is wrong, and what to do about it."),
    "ui": ("cli.running:ui", "Serve the Dagster web UI until Ctrl-C."),
}


class Commands(click.Group):
    """Isobar's commands, and those that sources define in their `cli.py`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; one that Ctrl-C stops exits with 130, as a shell expects it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(130)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in order."""
        return sorted(COMMANDS.keys() | self._of_sources)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now, or nothing if there is none of that name."""
        if cmd_name not in COMMANDS:
            return self._of_sources.get(cmd_name)
        place, words = COMMANDS[cmd_name]
        module, name = place.split(":")
        command: click.Command = getattr(import_module(f"pipelines.{module}"), name)
        command.short_help = words
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, of which none is imported for it."""
        known = {name: words for name, (_, words) in COMMANDS.items()}
        known |= {name: one.get_short_help_str() for name, one in self._of_sources.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(known.items()))

    @cached_property
    def _of_sources(self) -> dict[str, click.Command]:
        from pipelines.isolation import isolated
        from pipelines.source import by_seniority

        found: dict[str, click.Command] = {}
        for source in by_seniority():
            with isolated(source.name, "its commands", source.package):
                module = source.module("cli")
                own = {str(one.name): one for one in module.commands} if module else {}
                if taken := sorted(own.keys() & (COMMANDS.keys() | found)):
                    raise ValueError(f"there is a command {taken[0]!r} already")
                found |= own
        return found


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="isobar")
def isobar() -> None:
    """Operational feeds joined in one PostgreSQL, kept fresh by Dagster.

    Without any settings the sources are simulated, and PostgreSQL is built in.

    \b
      isobar run                           refresh all sources once, and show the outcome
      isobar ui                            keep everything fresh, with the Dagster web UI
      isobar database psql --role analyst  query the tables
      isobar status                        show what is wrong now, and what to do about it

    Settings are environment variables, or lines in the .env of the clone (of the working directory
    if Isobar is installed as a package). State is kept next to it in .isobar, or in ISOBAR_HOME.

    Exit codes: 0 success, 1 a failure, with a message, 2 wrong usage, 130 stopped by Ctrl-C.
    """
