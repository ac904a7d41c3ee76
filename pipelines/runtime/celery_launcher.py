"""Runs as tasks of Celery: the launcher that gives them to workers, and a worker as a program.

The broker is a Redis. No results are kept in it: what came of a run is in Dagster's storage.
"""

import argparse
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import dagster as dg
from celery import signals  # type: ignore[import-untyped]

# Private: what a launcher is configured and answers with has no public name (ADR 14).
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._serdes import ConfigurableClassData
from dagster_celery.defaults import task_default_queue
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from dagster_celery.tasks import create_execute_job_task

#: So long each worker has to say which runs it has.
ANSWER_SECONDS = 3.0
#: So long an answer serves: the daemon looks at all runs in a row.
FRESH_SECONDS = 10.0
#: So long no worker may know a run: after a broker was away, they return within half a minute.
#:
#: With the daemon looking every 30 s, a run ends at the third look in vain.
PATIENCE_SECONDS = 50.0
#: So long the daemon tries to give away a run, while a broker is started again.
BRIDGED_SECONDS = 60
SETTINGS = {
    "broker_connection_retry_on_startup": True,
    # None: it comes and goes, and the workers come back.
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
    # A message is done with when its run begins. A run that dies is begun anew by the daemon, as
    # another run; the same one a second time, which Redis would offer after an hour, is of no use.
    "task_acks_late": False,
    # Who has a place free takes a run; nobody keeps one in store.
    "worker_disable_prefetch": True,
    "worker_prefetch_multiplier": 1,
    # What a run prints is kept with it, as a code server's.
    "worker_redirect_stdouts": False,
}


class WorkersLauncher(CeleryRunLauncher):
    """Launches runs on workers, and queries these for the runs that they still have.

    Dagster's own queries a state that was recorded when the run began, which a machine that dies
    leaves as it was; and it takes a run that someone stops for one that failed.
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

    @classmethod
    def config_type(cls) -> Any:
        """The schema of its configuration in dagster.yaml."""
        return {"broker": dg.StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> Self:
        """The launcher of an instance."""
        return cls(inst_data=inst_data, **config_value)

    def terminate(self, run_id: str) -> bool:
        """Have its worker stop a run, at the next safe point."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        if task_id := run.tags.get(DAGSTER_CELERY_TASK_ID_TAG):
            self.celery.control.revoke(task_id, terminate=True)
        return task_id is not None

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether a worker has the run, or had it a minute ago. Raises when the broker is away."""
        task_id = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG, "")
        if task_id in self._tasks_at_work():
            self._missed_since.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        since = self._missed_since.setdefault(run.run_id, time.monotonic())
        if time.monotonic() - since < PATIENCE_SECONDS:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self._missed_since.pop(run.run_id)
        return CheckRunHealthResult(WorkerStatus.FAILED, "No worker has this run any more.")

    def get_run_worker_debug_info(
        self,
        run: dg.DagsterRun,  # noqa: ARG002 - an interface's
        include_container_logs: bool | None = True,  # noqa: ARG002
    ) -> str | None:
        """Nothing more is known."""
        return None

    def _tasks_at_work(self) -> frozenset[str]:
        """Which tasks the workers are executing."""
        if time.monotonic() - self._queried_at > FRESH_SECONDS:
            at_once = {"connect_retries_timeout": 1}  # the next look is near
            try:
                with self.celery.connection_for_write(transport_options=at_once) as broker:
                    workers = self.celery.control.inspect(timeout=ANSWER_SECONDS, connection=broker)
                    answers = workers.active() or {}
            except Exception:
                self._missed_since.clear()  # nobody could answer
                raise
            self._known = frozenset(task["id"] for tasks in answers.values() for task in tasks)
            self._queried_at = time.monotonic()
        return self._known


def work(beat: Path, runs: int | None) -> None:
    """Execute what the broker gives, so many runs at once at most, until SIGTERM.

    By default as many as the queue lets go on at once, so that one worker is enough for all.
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
            "--max-tasks-per-child=1",  # a process for each run, as a code server has it
            f"--hostname={os.getpid()}@{socket.gethostname()}",
            *("--loglevel=INFO", "--without-gossip", "--without-mingle"),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--beat", type=Path, required=True)
    parser.add_argument("--runs", type=int)
    arguments = parser.parse_args()
    work(arguments.beat, arguments.runs)
