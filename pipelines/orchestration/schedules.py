"""Schedules that only start a job: declared ones and an operator's."""

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


def _schedule_of(entry: Scheduled) -> dg.ScheduleDefinition:
    @scheduled(entry)
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return due_run(entry, context.instance)

    return cast(dg.ScheduleDefinition, schedule)


def due_run(entry: Scheduled, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """Request a run, unless one is in progress."""
    if run_state.has_unfinished_run(instance, entry.job):
        return dg.SkipReason("A run is under way.")
    return dg.RunRequest(run_config=dict(entry.config))
