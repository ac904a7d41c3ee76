"""The command `isobar`. Each command only makes a few calls; the logic is in other packages.

A command is imported when it is called: those that need no source then import none.
"""

from functools import cached_property
from importlib import import_module
from typing import Any

import click

#: Where each command is: its module, and its name there.
COMMANDS = {
    "alerts": "pipelines.cli.alerts:alerts",
    "backup": "pipelines.cli.backup:backup",
    "dashboard": "pipelines.cli.dashboard:dashboard",
    "database": "pipelines.cli.database:database",
    "import": "pipelines.cli.importing:import_",
    "migrate": "pipelines.cli.running:migrate",
    "quarantine": "pipelines.cli.quarantine:quarantine",
    "restore": "pipelines.cli.backup:restore",
    "run": "pipelines.cli.running:run",
    "sandbox": "pipelines.cli.sandbox:sandbox",
    "serve": "pipelines.cli.serve:serve",
    "sources": "pipelines.cli.source_list:list_sources",
    "status": "pipelines.status.command:status",
    "ui": "pipelines.cli.running:ui",
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

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names of all commands, in order."""
        return sorted(COMMANDS.keys() | self._of_sources)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        cmd_name: str,
    ) -> click.Command | None:
        """Return a command, imported now, or nothing if there is none of that name."""
        if cmd_name not in COMMANDS:
            return self._of_sources.get(cmd_name)
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

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
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
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
