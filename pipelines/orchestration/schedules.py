"""Schedules that only start a job: declared ones and an operator's."""

import datetime as dt
from collections.abc import Iterable
from typing import cast

import dagster as dg

from pipelines.failures import PermanentFailure
from pipelines.orchestration import run_state
from pipelines.orchestration.schedule_config import Scheduled, scheduled


def schedules_of(entries: Iterable[Scheduled]) -> list[dg.ScheduleDefinition]:
    """Return a schedule for each entry."""
    return [_schedule_of(one) for one in entries]


def check_config(entry: Scheduled, job: dg.JobDefinition) -> None:
    """Raise `PermanentFailure` if the job does not accept the schedule's run configuration."""
    try:
        dg.validate_run_config(job, dict(entry.config))
    except dg.DagsterInvalidConfigError as error:
        raise PermanentFailure(
            "configuration",
            f"schedules.{entry.name}: the job {entry.job} rejects its config:"
            f" {'; '.join(one.message for one in error.errors)}",
            place="schedules.toml",
            remedy="Write config as the job's launchpad shows it.",
        ) from error


def newest_partition(job: dg.JobDefinition) -> str | None:
    """Return the newest partition of a job partitioned by day, else None."""
    days = job.partitions_def
    is_by_day = isinstance(days, dg.TimeWindowPartitionsDefinition)
    return days.get_last_partition_key() if days and is_by_day else None


def _schedule_of(entry: Scheduled) -> dg.ScheduleDefinition:
    @scheduled(entry)
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        assert context.repository_def is not None
        job = context.repository_def.get_job(entry.job)
        return due_run(entry, job, context.instance, context.scheduled_execution_time)

    return cast(dg.ScheduleDefinition, schedule)


def due_run(
    entry: Scheduled, job: dg.JobDefinition, instance: dg.DagsterInstance, moment: dt.datetime
) -> dg.RunRequest | dg.SkipReason:
    """Request a run, of the newest day if the job is partitioned, unless one is in progress."""
    with dg.partition_loading_context(moment):
        partition = newest_partition(job)
    if run_state.has_unfinished_run(instance, entry.job, partition):
        return dg.SkipReason("A run is under way.")
    return dg.RunRequest(run_config=dict(entry.config), partition_key=partition)
