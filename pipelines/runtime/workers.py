"""Runs on Celery workers, for when a broker is set.

The code that runs with Celery is in `pipelines.runtime.celery_launcher`.
"""

import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.config import Settings
from pipelines.failures import PermanentFailure


class Launcher(dg.DefaultRunLauncher):
    """The launcher that `dagster.yaml` names: of the code server or, with a broker, of workers."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Any:
        """Return the launcher of an instance. Raises `PermanentFailure`."""
        broker = Settings.current().celery_broker_url
        if broker is None:
            return super().from_config_value(inst_data, config_value)
        if find_spec("dagster_celery") is None:
            raise PermanentFailure(
                "configuration",
                "CELERY_BROKER_URL is set, and dagster-celery is not installed",
                place="the environment or .env",
                remedy="Install isobar with its extra, isobar[workers], or unset the variable.",
            )
        from pipelines.runtime.celery_launcher import WorkersLauncher

        return WorkersLauncher(broker.get_secret_value(), inst_data)


def worker_command(settings: Settings) -> list[str]:
    """Return the command that starts a worker in the foreground, in Dagster's environment.

    On SIGTERM the worker first completes its runs. It touches `worker_beat` while it is connected
    to the broker. Raises `PermanentFailure` if no broker is set.
    """
    if settings.celery_broker_url is None:
        raise PermanentFailure(
            "configuration",
            "a worker needs a broker, and none is set",
            place="CELERY_BROKER_URL",
            remedy="Set it to the Redis of the daemon, redis://default@host:6379/0, and its"
            " password in CELERY_BROKER_PASSWORD.",
        )
    runs = [f"--runs={settings.worker_runs}"] if settings.worker_runs else []
    return [
        *(sys.executable, "-P", "-m", "pipelines.runtime.celery_launcher"),
        *(f"--beat={worker_beat(settings)}", *runs),
    ]


def worker_beat(settings: Settings) -> Path:
    """Return the file that a worker touches every few seconds; stale means unhealthy."""
    return settings.state / f"worker.{socket.gethostname()}.beat"
