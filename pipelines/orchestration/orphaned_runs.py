"""Find runs whose process has died, mark them failed and free their pool slots.

A run of `isobar run` records its process; Dagster records that of a worker. A live code server
monitors its own workers. Run as a program, this module ends orphaned runs and prints them. Then it
brings the instance in line with the tables (`pipelines.orchestration.partitions`).
"""

import datetime as dt
import json
import re
import socket

import dagster as dg
import psutil

from pipelines.config import Settings
from pipelines.postgres.process_identity import is_alive

#: Tag of runs in the process of a command: a person waits, so they do not wait for a source.
#: Names and values are short: a page of runs shows 40 characters of both.
TAG = "isobar/interactive"
TAG_TEXT = re.compile(r"(?P<pid>\d+)@(?P<host>\S+) (?P<started_at>\d\d \d\d:\d\d:\d\d)")
#: Tag of runs of `pipelines.runtime.celery_launcher`, whose daemon queries the workers.
BROKER_TAG = "dagster-celery/task_id"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
AT_WORK = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
#: A worker logs its process among its first events.
FIRST_EVENTS = 5
#: Day of the month and time, in UTC.
STARTED_AT = "%d %H:%M:%S"
#: Clock adjustments may shift the apparent start of a process by up to this.
CLOCK_SECONDS = 5


def tag_of_process(pid: int | None = None) -> str:
    """Describe a process (by default this), with the start of it: `7@vm 21 14:30:21`."""
    process = psutil.Process(pid)
    return f"{process.pid}@{socket.gethostname()} {_in_tag(process.create_time())}"


def reconcile(instance: dg.DagsterInstance) -> None:
    """Fail runs whose command was killed on this machine, and free their pool slots."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if _command_was_killed(run):
            _end(instance, run)


def fail_orphaned_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Do the same, and fail runs whose worker was killed, which the daemon then retries.

    Returns the runs. Call it only on the machine of the workers: elsewhere, a code server's
    loopback address would be mistaken for this machine's.
    """
    return [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        if is_orphaned(instance, run) and _end(instance, run)
    ]


def is_orphaned(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether this machine knows that the process of an unfinished run was killed."""
    return _command_was_killed(run) or _worker_was_killed(instance, run)


def in_words(run: dg.DagsterRun) -> str:
    """Return a short description of a run."""
    return f"the run {run.run_id[:8]} of {run.job_name}"


def _end(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Fail a run whose process is gone, unless it has finished in the meantime."""
    seen_now = instance.get_run_by_id(run.run_id)
    if seen_now is None or seen_now.is_finished:
        return False
    instance.report_run_failed(run, "The process of this run was killed.")
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return True


def _command_was_killed(run: dg.DagsterRun) -> bool:
    """Return whether the run's process on this machine is gone; retries run in workers."""
    noted = TAG_TEXT.fullmatch(run.tags.get(TAG, ""))
    if noted is None or run.parent_run_id is not None or noted["host"] != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(noted["pid"]))
        began_at = process.create_time()
    except psutil.NoSuchProcess:
        return True
    near = {_in_tag(began_at + seconds) for seconds in range(-CLOCK_SECONDS, CLOCK_SECONDS + 1)}
    return noted["started_at"] not in near or not is_alive(process)


def _in_tag(began_at: float) -> str:
    return dt.datetime.fromtimestamp(began_at, dt.UTC).strftime(STARTED_AT)


def _worker_was_killed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether the run's worker was on this machine and is gone.

    For a run that went through a broker, this cannot be known: its code server tag, which names
    this machine, may be left from the previous attempt.
    """
    if BROKER_TAG in run.tags:
        return False
    host = json.loads(run.tags.get(".dagster/grpc_info", "{}")).get("host")
    # Dagster's own commands, such as `dg launch`, have no code server. They are where the database
    # is if that is the built-in one.
    is_here = (
        Settings.current().has_builtin_server
        if host is None
        else host in ("127.0.0.1", "localhost", socket.gethostname())
    )
    if run.status not in AT_WORK or not is_here:
        return False
    records = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=FIRST_EVENTS
    )
    for record in records.records:
        event = record.event_log_entry.get_dagster_event()
        if pid := event.engine_event_data.metadata.get("pid"):
            return _is_gone(int(str(pid.value)), record.timestamp)
    return False


def _is_gone(pid: int, seen_at: float) -> bool:
    """Return whether a process seen at a time (seconds since 1970) is dead or replaced."""
    try:
        process = psutil.Process(pid)
        return process.create_time() > seen_at + CLOCK_SECONDS or not is_alive(process)
    except psutil.NoSuchProcess:
        return True


def _main() -> None:
    from pipelines.orchestration.partitions import align_with_warehouse

    with dg.DagsterInstance.get() as instance:
        for run in fail_orphaned_runs(instance):
            print(in_words(run))  # noqa: T201 - output of the program
        align_with_warehouse(instance)


if __name__ == "__main__":
    _main()
