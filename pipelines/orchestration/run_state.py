"""Queries about runs, for sensors and schedules. None of them changes anything.

A run whose process was killed is in progress until the sensor `orphaned_runs` fails it.
"""

import time

import dagster as dg

from pipelines.orchestration.format_duration import span_in_words
from pipelines.orchestration.orphaned_runs import UNFINISHED

__all__ = [
    "PARTITION_TAG",
    "UNFINISHED",
    "covered_by_pending_run",
    "failed_lately",
    "has_unfinished_run",
    "is_by_hand",
    "last_ended",
    "last_failure_at",
    "reason_to_wait",
]

#: Tags of runs that a sensor, a schedule or an automation condition starts.
AUTOMATIC_TAGS = {
    "dagster/sensor_name",
    "dagster/schedule_name",
    "dagster/from_automation_condition",
}
PARTITION_TAG, RANGE_TAG = "dagster/partition", "dagster/asset_partition_range_start"
#: How many of the newest runs are looked at for one that is of no partition.
RUNS_LOOKED_AT = 20


def is_by_hand(run: dg.DagsterRun) -> bool:
    """Return whether a person started a run, by `isobar run` or in the UI."""
    return not AUTOMATIC_TAGS & run.tags.keys()


def has_unfinished_run(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Return whether a run of the job, but of no partition, is queued or in progress."""
    unfinished = dg.RunsFilter(job_name=job_name, statuses=UNFINISHED)
    return any(not _is_of_partitions(run) for run in instance.get_runs(unfinished))


def reason_to_wait(
    instance: dg.DagsterInstance, job_name: str, *others: str, seconds: float
) -> str | None:
    """Return why a sensor should not start the job now; None if it should.

    A run of it or of one of the `others` is in progress, or its last run failed and began less than
    `seconds` ago.
    """
    if any(has_unfinished_run(instance, name) for name in (job_name, *others)):
        return "A run is under way."
    if failed_lately(instance, job_name, seconds):
        return f"The last run failed; trying again {span_in_words(seconds)} after its start."
    return None


def covered_by_pending_run(instance: dg.DagsterInstance, job_name: str, moment: float) -> bool:
    """Return whether a run of the job is queued or began after `moment` (seconds since 1970).

    Either run sees everything that existed at that moment.
    """
    under_way = dg.RunsFilter(job_name=job_name, statuses=UNFINISHED)
    return any(
        record.start_time is None or record.start_time > moment
        for record in instance.get_run_records(under_way)
    )


def failed_lately(instance: dg.DagsterInstance, job_name: str, seconds: float) -> bool:
    """Return whether the job's last run failed and began less than `seconds` ago."""
    failed_at = last_failure_at(instance, job_name)
    return failed_at is not None and time.time() - failed_at < seconds


def last_ended(instance: dg.DagsterInstance, job_name: str) -> dg.RunRecord | None:
    """Return the last run of the job without a partition, if it has ended, however it did."""
    for record in instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=RUNS_LOOKED_AT):
        if not _is_of_partitions(record.dagster_run):
            return record if record.end_time else None
    return None


def last_failure_at(instance: dg.DagsterInstance, job_name: str) -> float | None:
    """Return when the job's last run began (seconds since 1970), if it failed."""
    last = instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=1)
    if not last or last[0].dagster_run.status != dg.DagsterRunStatus.FAILURE:
        return None
    return last[0].start_time or last[0].create_timestamp.timestamp()


def _is_of_partitions(run: dg.DagsterRun) -> bool:
    """Return whether somebody chose partitions for a run, such as plants."""
    return PARTITION_TAG in run.tags or RANGE_TAG in run.tags
