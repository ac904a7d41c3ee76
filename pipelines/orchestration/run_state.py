"""Queries about runs, for sensors and schedules."""

import time

import dagster as dg

from pipelines.orchestration.format_duration import span_in_words
from pipelines.orchestration.orphaned_runs import UNFINISHED

#: Tags of runs that a sensor, a schedule or an automation condition starts.
AUTOMATIC_TAGS = {
    "dagster/sensor_name",
    "dagster/schedule_name",
    "dagster/from_automation_condition",
}
PARTITION_TAG = "dagster/partition"
#: Tags of runs for which somebody chose partitions, such as plants.
OF_PARTITIONS = {PARTITION_TAG, "dagster/asset_partition_range_start"}


def is_by_hand(run: dg.DagsterRun) -> bool:
    """Return whether a person started a run, by `isobar run` or in the UI."""
    return not AUTOMATIC_TAGS & run.tags.keys()


def has_unfinished_run(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Return whether a run of the job, but of no partition, is queued or in progress."""
    unfinished = dg.RunsFilter(job_name=job_name, statuses=UNFINISHED)
    return any(not OF_PARTITIONS & run.tags.keys() for run in instance.get_runs(unfinished))


def reason_to_wait(
    instance: dg.DagsterInstance, job_name: str, *others: str, seconds: float, news_at: float = 0.0
) -> str | None:
    """Return why a sensor should not start the job now; None if it should.

    A run of it or of the `others` is in progress, or its last one failed and began within
    `seconds`, but after `news_at` (seconds since 1970), if there is news.
    """
    if any(has_unfinished_run(instance, name) for name in (job_name, *others)):
        return "A run is under way."
    last = instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=1)
    if last and last[0].dagster_run.status == dg.DagsterRunStatus.FAILURE:
        began_at = last[0].start_time or last[0].create_timestamp.timestamp()
        if began_at > max(time.time() - seconds, news_at):
            return f"The last run failed; trying again {span_in_words(seconds)} after its start."
    return None


def last_ended(instance: dg.DagsterInstance, job_name: str) -> dg.RunRecord | None:
    """Return the last run of the job, if it has ended, however it did."""
    last = instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=1)
    return last[0] if last and last[0].end_time else None
