"""The storage that `dagster.yaml` names: also in Dagster's own commands, which prepare nothing.

Each process of Dagster opens its storage before it does anything else. So a command such as
`dagster dev` or `dagster asset materialize` starts the database and the sandbox here, as `isobar`
does before it starts a process, and everything that it starts itself inherits the variables.
"""

import atexit
import os
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import click
import dagster as dg

from pipelines.config import INSTANCE, RUN_LOGS, Settings, home, read_dot_env
from pipelines.failures import Failure, PermanentFailure
from pipelines.orchestration.storage import PooledPostgresStorage
from pipelines.postgres import state_folder

#: How Dagster's commands end that run a daemon: `dagster dev`, `dg dev`, `dagster-daemon run`, and
#: the same by `python -m`.
DAEMONS = (" dev", "daemon run")
#: The process with which what `dagster dev` starts ends. Dagster ends it only if it is not killed:
#: its daemon would go on, without a code server, beside the next one.
ENDS_WITH_PARENT = "ISOBAR_ENDS_WITH_PARENT"
#: What ends so; runs do not.
CHILDREN = ("webserver", "daemon run")
PARENT_SECONDS = 1.0


class PreparingStorage(PooledPostgresStorage):
    """The storage of the instance, wherever the settings say that it is."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return the schema of the options in `dagster.yaml`: there are none."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:  # noqa: ARG003
        """Open the storage; prepare what runs need if nobody has. Raises `Failure`."""
        _prepare_command()
        return cls(Settings.current().dagster_url(), inst_data)


def _prepare_command() -> None:
    """Do for a command of Dagster's what `isobar` does for its own, until the process ends."""
    from pipelines.runtime.processes import replace_environment

    context = click.get_current_context(silent=True)
    before: dict[str, str] = {}
    try:
        before |= Settings.current().environment
        command = context.command_path if context else ""
        if RUN_LOGS in before:
            if ENDS_WITH_PARENT in before and command.endswith(CHILDREN):
                parent = int(before[ENDS_WITH_PARENT])
                threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
            return
        _prepare(command)
    except Failure as failure:
        if before:  # else dg finds no dagster.yaml at its end, and sends telemetry
            replace_environment(before)
        if context is None:
            raise
        raise click.ClickException(str(failure)) from failure


def _end_with(parent: int) -> None:
    """End this process when its parent has."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _prepare(command: str) -> None:
    from pipelines.orchestration.partitions import align_with_warehouse
    from pipelines.runtime.bootstrap import bootstrapped
    from pipelines.runtime.daemon_lock import daemon_lock
    from pipelines.runtime.processes import replace_environment

    state_folder.keep_new_files_private()
    read_dot_env(home() / ".env")
    settings = Settings.current()
    until_exit = ExitStack()
    atexit.register(until_exit.close)
    if command.endswith(DAEMONS):
        until_exit.enter_context(daemon_lock(settings.state, command))
    environment, _ = until_exit.enter_context(bootstrapped(settings, _say))
    own = Path(environment["DAGSTER_HOME"], INSTANCE.name)
    is_own = settings.dagster_home == Path(settings.environment.get("DAGSTER_HOME", ""))
    if own.read_text() != INSTANCE.read_text() and not is_own:
        raise PermanentFailure(
            "configuration",
            "this instance has a dagster.yaml of its own, which Dagster's commands do not find",
            place=str(own),
            remedy=f"Type export DAGSTER_HOME={own.parent}, then the same command again.",
        )
    if command.endswith(" dev"):
        environment[ENDS_WITH_PARENT] = str(os.getpid())
    replace_environment(environment)
    with dg.DagsterInstance.get() as instance:
        align_with_warehouse(instance)


def _say(message: str) -> None:
    click.echo(message, err=True)
