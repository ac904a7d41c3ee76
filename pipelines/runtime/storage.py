"""What `dagster.yaml` names: the storage, which lets Dagster's own commands work in a clone.

Each process of Dagster opens its storage first. So `dagster dev` finds the database by the settings
of Isobar, and starts and prepares the built-in server. What it starts inherits the variables.

Dagster's own storage opens a connection for each query, some fifteen per second when idle: 28 % of
a core, and 11 % with a pool.
"""

import atexit
from contextlib import ExitStack
from functools import cache, partial
from typing import Any, Self

import click
import dagster as dg
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Engine, create_engine, event, make_url

from pipelines.config import RUN_LOGS, Settings, bypass_proxies_on_this_machine, home, read_dot_env
from pipelines.failures import Failure
from pipelines.orchestration.patience import polling_file
from pipelines.postgres import sessions, state_folder
from pipelines.postgres.clients import place_of
from pipelines.runtime.processes import daemon_lock, replace_environment

#: How Dagster's commands end that run a daemon: `dagster dev`, `dg dev`, `dagster-daemon run`.
DAEMONS = (" dev", "daemon run")
#: Pool size; further connections are opened on demand and closed after use.
KEPT_SESSIONS = 3


class Storage(DagsterPostgresStorage):
    """The storage of the instance, wherever the settings say it is; its parts share one pool."""

    def __init__(self, postgres_url: str, inst_data: Any = None) -> None:
        # Whoever may change the database has made the tables (`bootstrap.prepare_dagster_storage`).
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        for part in (self.run_storage, self.event_log_storage, self.schedule_storage):
            # Dagster 1.13 has no public way to pass an engine.
            part._engine = _engine(postgres_url)  # type: ignore[union-attr]
        # It would look both up in the catalogue with each event, and they are made before.
        log: Any = self.event_log_storage
        log.has_table, log.has_asset_key_col = cache(log.has_table), cache(log.has_asset_key_col)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return the schema of the options in `dagster.yaml`: there are none."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:  # noqa: ARG003
        """Open the storage; prepare what runs need if nobody has. Raises `Failure`."""
        context = click.get_current_context(silent=True)
        command = context.command_path if context else ""
        before: dict[str, str] = {}
        try:
            before |= Settings.current().environment
            if RUN_LOGS not in before:  # neither `isobar` nor such a command started it
                replace_environment(_prepared(command))
        except Failure as failure:
            if before:  # else dg finds no dagster.yaml at its end, and sends telemetry
                replace_environment(before)
            if context is None:
                raise
            raise click.ClickException(str(failure)) from failure
        return cls(Settings.current().dagster_url(), inst_data)


class Launcher(dg.DefaultRunLauncher):
    """Dagster's launcher, which is replaced by that of workers where a broker is set."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Any:
        """Return the launcher of an instance."""
        broker = Settings.current().celery_broker_url
        if broker is None:
            return super().from_config_value(inst_data, config_value)
        from pipelines.runtime.celery_launcher import WorkersLauncher  # of the extra `workers`

        return WorkersLauncher(broker.get_secret_value(), inst_data)


@cache
def _engine(url: str) -> Engine:
    given = make_url(url).query.get("options", "")
    engine = create_engine(
        url,
        connect_args={"options": f"{given} {sessions.options(None, sessions.OF_TIMES)}"},
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        pool_size=KEPT_SESSIONS,
        max_overflow=-1,
        pool_pre_ping=True,  # the database may have restarted
        pool_recycle=600,  # before firewalls drop idle ones
        pool_use_lifo=True,
    )
    check = partial(sessions.compare, role=None, place=place_of(url), settings=sessions.OF_TIMES)
    event.listen(engine, "connect", lambda new, _: check(new))
    return engine


def _prepared(command: str) -> dict[str, str]:
    """Prepare what a command of Dagster's needs, until it ends; return its environment."""
    from pipelines.runtime.bootstrap import bootstrapped

    state_folder.keep_new_files_private()
    read_dot_env(home() / ".env")
    bypass_proxies_on_this_machine()
    settings, until_exit = Settings.current(), ExitStack()
    atexit.register(until_exit.close)
    if command.endswith(DAEMONS):
        until_exit.enter_context(daemon_lock(settings.state, command))
        polling_file(settings.dagster_home).unlink(missing_ok=True)  # of an isobar ui, killed
    prepared = bootstrapped(settings, partial(click.echo, err=True), may_migrate=False)
    environment, _ = until_exit.enter_context(prepared)
    return environment
