"""Runs and what became of their processes: which are under way, and which were killed.

A run of `isobar run` notes its process, and Dagster that of a worker; one that was killed is found
dead here, fails, and gives back what it held. Workers of a code server that lives are watched by
it. Run as a program, this ends killed runs and says which.
"""

import json
import socket
import time
from collections.abc import Sequence

import dagster as dg
import psutil
from dagster._core.storage.tags import GRPC_INFO_TAG, PARTITION_NAME_TAG

from pipelines.postgres.process_identity import find, identity, is_alive

TAG = "isobar/run"
"""On runs in the process of a command: a person waits, so they do not wait for a source."""
BROKER_TAG = "dagster-celery/task_id"
"""On runs of `pipelines.runtime.celery_launcher`, whose daemon asks the workers."""
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
AT_WORK = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
FIRST_EVENTS = 5
"""A worker says its process with the first thing that it does."""
CLOCK_SECONDS = 5
"""Clocks are set: a process may seem to have begun so much later than it did."""


def tag_of_this_process() -> str:
    """What names this process on this machine."""
    return f"{identity()} on {socket.gethostname()}"


def reconcile(instance: dg.DagsterInstance) -> None:
    """Fail the runs whose command was killed on this machine, and free their pool slots."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if _command_was_killed(run):
            _end(instance, run)


def end_killed(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The same, and for runs whose worker was killed, which the daemon then takes again.

    Returns them. Only for the machine of the workers: on each one the address of its code server
    may be that of loopback.
    """
    return [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        if (_command_was_killed(run) or _worker_was_killed(instance, run)) and _end(instance, run)
    ]


def is_under_way(instance: dg.DagsterInstance, job_name: str, partition: str | None = None) -> bool:
    """Whether a run of the job, and of the partition if given, is queued or running.

    Killed ones aside.
    """
    end_killed(instance)
    return instance.get_runs_count(_runs_of(job_name, partition, UNFINISHED)) > 0


def will_see(instance: dg.DagsterInstance, job_name: str, moment: float) -> bool:
    """Whether a run of the job is still to begin, or began after the moment, in seconds since 1970.

    Either sees what was there at that moment.
    """
    end_killed(instance)
    under_way = dg.RunsFilter(job_name=job_name, statuses=UNFINISHED)
    return any(
        record.start_time is None or record.start_time > moment
        for record in instance.get_run_records(under_way)
    )


def failed_lately(
    instance: dg.DagsterInstance, job_name: str, seconds: float, partition: str | None = None
) -> bool:
    """Whether the job's last run failed, and began less than so many seconds ago."""
    failed_at = last_failure_at(instance, job_name, partition)
    return failed_at is not None and time.time() - failed_at < seconds


def last_failure_at(
    instance: dg.DagsterInstance, job_name: str, partition: str | None = None
) -> float | None:
    """When the job's last run, of the partition if given, began, if that one failed.

    In seconds since 1970.
    """
    last = instance.get_run_records(_runs_of(job_name, partition), limit=1)
    if not last or last[0].dagster_run.status != dg.DagsterRunStatus.FAILURE:
        return None
    return last[0].start_time or last[0].create_timestamp.timestamp()


def _runs_of(
    job_name: str, partition: str | None, statuses: Sequence[dg.DagsterRunStatus] = ()
) -> dg.RunsFilter:
    tags = {PARTITION_NAME_TAG: partition} if partition else {}
    return dg.RunsFilter(job_name=job_name, statuses=list(statuses), tags=tags)


def in_words(run: dg.DagsterRun) -> str:
    """Which run it is."""
    return f"the run {run.run_id[:8]} of {run.job_name}"


def _end(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Fail a run whose process is gone, unless it ended well just before."""
    seen_now = instance.get_run_by_id(run.run_id)
    if seen_now is None or seen_now.is_finished:
        return False
    instance.report_run_failed(run, "The process of this run was killed.")
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return True


def _command_was_killed(run: dg.DagsterRun) -> bool:
    """Whether it was in a process of this machine that is gone; another attempt is a worker's."""
    process, _, host = run.tags.get(TAG, "").partition(" on ")
    is_first = run.parent_run_id is None
    return is_first and host == socket.gethostname() and find(process) is None


def _worker_was_killed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether it has a worker on this machine, and that is gone.

    A run that a broker gave away is not known to be here: the tag of a code server, which names
    this machine, may be that of the attempt before it.
    """
    if BROKER_TAG in run.tags:
        return False
    host = json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("host")
    is_here = host in ("127.0.0.1", "localhost", socket.gethostname())
    if run.status not in AT_WORK or not is_here:
        return False
    told = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=FIRST_EVENTS
    )
    for record in told.records:
        event = record.event_log_entry.get_dagster_event()
        if pid := event.engine_event_data.metadata.get("pid"):
            return _is_gone(int(str(pid.value)), record.timestamp)
    return False


def _is_gone(pid: int, seen_at: float) -> bool:
    """Whether a process seen at a moment, in seconds since 1970, is dead or another one by now."""
    try:
        process = psutil.Process(pid)
        return process.create_time() > seen_at + CLOCK_SECONDS or not is_alive(process)
    except psutil.NoSuchProcess:
        return True


def _main() -> None:
    with dg.DagsterInstance.get() as instance:
        for run in end_killed(instance):
            print(in_words(run))  # noqa: T201 - the words of a program


if __name__ == "__main__":
    _main()
