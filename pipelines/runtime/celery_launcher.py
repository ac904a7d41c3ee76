"""Run launcher for Celery workers, and the worker program.

The broker is Redis. It stores no results: the outcome of a run is in Dagster's storage.
"""

import os
import socket
import time
from pathlib import Path
from typing import Any

import dagster as dg
from celery import signals  # type: ignore[import-untyped]

# Private API: the launcher's configuration and health types have no public name (ADR 14).
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._serdes import ConfigurableClassData
from dagster_celery.defaults import task_default_queue
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from dagster_celery.tasks import create_execute_job_task

#: How long to wait for the workers to report their active runs.
ANSWER_SECONDS = 3.0
#: How long a report is reused: the daemon checks all runs in a row.
FRESH_SECONDS = 10.0
#: How long a run may be missing from all workers: after an outage of the broker, they reconnect
#: within half a minute. The daemon checks every 30 s.
PATIENCE_SECONDS = 50.0
#: How long the daemon keeps trying to enqueue a run while the broker restarts.
BRIDGED_SECONDS = 60
SETTINGS = {
    "broker_connection_retry_on_startup": True,
    # None means retry forever: workers reconnect after any broker outage.
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "socket_keepalive": True,
        "health_check_interval": 25,
        "connect_retries_timeout": BRIDGED_SECONDS,
    },
    "task_publish_retry_policy": {
        "max_retries": BRIDGED_SECONDS,
        "interval_start": 1.0,
        "interval_step": 0.0,
        "interval_max": 1.0,
    },
    # The daemon retries a run that dies. Redis would deliver its message again after an hour.
    "task_acks_late": False,
    # A worker with a free slot fetches a run; no worker reserves more than it can execute.
    "worker_disable_prefetch": True,
    "worker_prefetch_multiplier": 1,
    # Run output is captured with the run, as a code server does.
    "worker_redirect_stdouts": False,
}


class WorkersLauncher(CeleryRunLauncher):
    """Launch runs on Celery workers, and ask the workers which runs they still execute.

    Dagster's own launcher reads what was recorded at the start, which never changes if the machine
    dies, and reports a cancelled run as failed.
    """

    def __init__(self, broker: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(
            default_queue=task_default_queue,
            broker=broker,
            backend="disabled://",
            config_source=SETTINGS,
            inst_data=inst_data,
        )
        self._known: frozenset[str] = frozenset()
        self._queried_at = float("-inf")
        self._missed_since: dict[str, float] = {}

    def terminate(self, run_id: str) -> bool:
        """Ask the worker to stop a run at the next safe point."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        if task_id := run.tags.get(DAGSTER_CELERY_TASK_ID_TAG):
            self.celery.control.revoke(task_id, terminate=True)
        return task_id is not None

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Check that a worker has had the run recently. Raises when the broker is unreachable."""
        task_id = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG, "")
        if task_id in self._tasks_at_work():
            self._missed_since.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        since = self._missed_since.setdefault(run.run_id, time.monotonic())
        if time.monotonic() - since < PATIENCE_SECONDS:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self._missed_since.pop(run.run_id)
        return CheckRunHealthResult(WorkerStatus.FAILED, "No worker has this run any more.")

    def get_run_worker_debug_info(self, *_: Any, **__: Any) -> None:
        """Return None: there is no further information."""

    def _tasks_at_work(self) -> frozenset[str]:
        if time.monotonic() - self._queried_at > FRESH_SECONDS:
            at_once = {"connect_retries_timeout": 1}  # fail fast: the next check is soon
            try:
                with self.celery.connection_for_write(transport_options=at_once) as broker:
                    workers = self.celery.control.inspect(timeout=ANSWER_SECONDS, connection=broker)
                    answers = workers.active() or {}
            except Exception:
                self._missed_since.clear()  # with the broker down, no worker could report
                raise
            self._known = frozenset(task["id"] for tasks in answers.values() for task in tasks)
            self._queried_at = time.monotonic()
        return self._known


def work(beat: Path, runs: int | None) -> None:
    """Execute runs from the broker, at most `runs` at once; on SIGTERM, complete those first.

    The default is the limit of the run queue. The file `beat` is touched while the worker is
    connected to the broker.
    """
    with dg.DagsterInstance.get() as instance:
        launcher = instance.run_launcher
        assert isinstance(launcher, CeleryRunLauncher)
        queue = instance.get_concurrency_config().run_queue_config
        at_once = runs or (queue.max_concurrent_runs if queue else 1)
    create_execute_job_task(launcher.celery)
    signals.heartbeat_sent.connect(lambda **_: beat.touch(), weak=False)
    launcher.celery.worker_main(
        [
            "worker",
            f"--concurrency={at_once}",
            "--max-tasks-per-child=1",  # one process per run, as in a code server
            f"--hostname={os.getpid()}@{socket.gethostname()}",
            *("--loglevel=INFO", "--without-gossip", "--without-mingle"),
        ]
    )
