"""Fail runs whose process on this host is dead: Dagster's default launcher has no health check.

Such a run would block its source until its time limit.
"""

import json
import socket

import dagster as dg
import psutil

from pipelines.config import Settings
from pipelines.postgres.process_identity import find, identity, is_alive

#: Hidden tag of runs in the process of a command: a person waits, so they do not wait for a source.
TAG = ".dagster/isobar_interactive"
#: Tag of runs of workers, which the daemon queries.
BROKER_TAG = "dagster-celery/task_id"
STATUS = dg.DagsterRunStatus
AT_WORK = [STATUS.STARTING, STATUS.STARTED]
UNFINISHED = [STATUS.QUEUED, STATUS.NOT_STARTED, *AT_WORK, STATUS.CANCELING]
#: A worker logs its process among its first events.
FIRST_EVENTS = 5
#: Clock adjustments may shift the apparent start of a process by up to this.
CLOCK_SECONDS = 5


def tag_of_process(pid: int | None = None) -> str:
    """Describe a process (by default this), with the start of it: `7 since 1763735421 on vm`."""
    return f"{identity(pid)} on {socket.gethostname()}"


def fail_orphaned_runs(
    instance: dg.DagsterInstance, *, has_workers: bool = True
) -> list[dg.DagsterRun]:
    """Fail runs whose command or worker was killed on this host; the daemon retries the latter.

    Unless it `has_workers`, a code server's loopback address may be that of another host.
    """
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if not (_command_was_killed(run) or (has_workers and _worker_was_killed(instance, run))):
            continue
        seen_now = instance.get_run_by_id(run.run_id)
        if seen_now is not None and not seen_now.is_finished:
            instance.report_run_failed(run, "The process of this run was killed.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run)
    return ended


def _command_was_killed(run: dg.DagsterRun) -> bool:
    """Return whether the run's process on this host is gone; retries run in workers."""
    noted, _, host = run.tags.get(TAG, "").partition(" on ")
    return host == socket.gethostname() and run.parent_run_id is None and find(noted) is None


def _worker_was_killed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether the run's worker was on this host and is gone; unknown behind a broker."""
    host = json.loads(run.tags.get(".dagster/grpc_info", "{}")).get("host")
    # Dagster's own commands, such as `dg launch`, have no code server. They are where the database
    # is if that is the built-in one.
    is_local = host in ("127.0.0.1", "localhost", socket.gethostname())
    is_here = Settings.current().has_builtin_server if host is None else is_local
    if BROKER_TAG in run.tags or run.status not in AT_WORK or not is_here:
        return False
    of_engine = dg.DagsterEventType.ENGINE_EVENT
    events = instance.get_records_for_run(run.run_id, of_type=of_engine, limit=FIRST_EVENTS)
    for record in events.records:
        event = record.event_log_entry.get_dagster_event()
        if pid := event.engine_event_data.metadata.get("pid"):
            try:
                process = psutil.Process(int(str(pid.value)))
            except psutil.NoSuchProcess:
                return True
            is_another = process.create_time() > record.timestamp + CLOCK_SECONDS
            return is_another or not is_alive(process)
    return False
