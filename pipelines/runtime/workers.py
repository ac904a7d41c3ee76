"""Configuration of runs on Celery workers, for when a broker is set.

The code that runs with Celery is in `pipelines.runtime.celery_launcher`.
"""

import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from pipelines.config import INSTANCE, Settings
from pipelines.failures import PermanentFailure

TITLE = "# Written by isobar: our dagster.yaml, and runs by workers (docs/more-machines.md).\n"
LAUNCHER = """
run_launcher:
  module: pipelines.runtime.celery_launcher
  class: WorkersLauncher
  config:
    broker:
      env: CELERY_BROKER_URL
"""


def instance_with_workers() -> str:
    """Return the text of a dagster.yaml with the workers' launcher. Raises `PermanentFailure`."""
    if find_spec("dagster_celery") is None:
        raise PermanentFailure(
            "configuration",
            "CELERY_BROKER_URL is set, and dagster-celery is not installed",
            place="the environment or .env",
            remedy="Install isobar with its extra, isobar[workers], or unset the variable.",
        )
    return TITLE + INSTANCE.read_text() + LAUNCHER


def is_written_by_us(file: Path) -> bool:
    """Return whether Isobar wrote this dagster.yaml, rather than an operator."""
    return file.is_file() and file.read_text(errors="replace").startswith(TITLE)


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
