"""Runs and what became of their processes: which are under way, and which were killed.

A run of `isobar run` notes its process; one that was killed is found dead here, fails, and gives
back what it held. Runs of the daemon are watched by Dagster itself.
"""

import socket
import time

import dagster as dg

from pipelines.core.process_identity import find, identity

TAG = "isobar/run"
"""On runs in the process of a command: a person waits, so they do not wait for a source."""
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def tag_of_this_process() -> str:
    """What names this process on this machine."""
    return f"{identity()} on {socket.gethostname()}"


def reconcile(instance: dg.DagsterInstance) -> None:
    """Fail the runs whose command was killed on this machine, and free their pool slots."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if _was_killed(run.tags.get(TAG, "")):
            instance.report_run_failed(run, "The process of this run was killed.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def is_under_way(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Whether a run of the job is queued or running, killed ones aside."""
    reconcile(instance)
    under_way = dg.RunsFilter(job_name=job_name, statuses=UNFINISHED)
    return instance.get_runs_count(under_way) > 0


def will_see(instance: dg.DagsterInstance, job_name: str, moment: float) -> bool:
    """Whether a run of the job is still to begin, or began after the moment, in seconds since 1970.

    Either sees what was there at that moment.
    """
    reconcile(instance)
    under_way = dg.RunsFilter(job_name=job_name, statuses=UNFINISHED)
    return any(
        record.start_time is None or record.start_time > moment
        for record in instance.get_run_records(under_way)
    )


def failed_lately(instance: dg.DagsterInstance, job_name: str, seconds: float) -> bool:
    """Whether the job's last run failed, and began less than so many seconds ago."""
    failed_at = last_failure_at(instance, job_name)
    return failed_at is not None and time.time() - failed_at < seconds


def last_failure_at(instance: dg.DagsterInstance, job_name: str) -> float | None:
    """When the job's last run began, in seconds since 1970, if that one failed."""
    last = instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=1)
    if not last or last[0].dagster_run.status != dg.DagsterRunStatus.FAILURE:
        return None
    return last[0].start_time or last[0].create_timestamp.timestamp()


def _was_killed(noted: str) -> bool:
    """Whether it was a process of this machine and is gone."""
    process, _, host = noted.partition(" on ")
    return host == socket.gethostname() and find(process) is None
