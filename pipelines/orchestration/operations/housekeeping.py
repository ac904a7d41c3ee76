"""The job that deletes old data, and the sensor for orphaned runs.

Each op reports what it deleted. If one fails, the others still run.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import dagster as dg

from pipelines.config import RUN_LOGS, Settings
from pipelines.failures import PermanentFailure
from pipelines.orchestration.asset_metadata import as_permanent_failure
from pipelines.orchestration.operations import pruning
from pipelines.orchestration.orphaned_runs import UNFINISHED, fail_orphaned_runs, in_words
from pipelines.orchestration.resources import utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.source import Retention, by_seniority
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.retention import Removed

MAX_DAYS = 36_500
#: Deletes everything older than a time; returns how much was deleted, by kind.
Deletion = Callable[[dg.OpExecutionContext, dt.datetime], Mapping[str, Removed]]


def _deletion_op(
    name: str, days: int | None, about: str, delete: Deletion, least: int = 2
) -> dg.OpDefinition:
    """Return an op that deletes data older than a number of days, or nothing if that is None."""
    days_field = dg.Field(dg.Noneable(int), default_value=days, description=about)

    @dg.op(
        name=name,
        description=about,
        config_schema={"days": days_field},
        required_resource_keys={"warehouse"},
    )
    def op(context: dg.OpExecutionContext) -> None:
        days_kept = context.op_config["days"]
        if days_kept is None:
            context.log.info("%s deletes nothing: days is not set.", name)
            return
        with as_permanent_failure(context):
            if not least <= days_kept <= MAX_DAYS:
                raise PermanentFailure(
                    "housekeeping",
                    f"days is {days_kept}, so this removed nothing",
                    place="the run's configuration",
                    remedy=f"Set it to a number of days from {least} to {MAX_DAYS:,}.",
                )
            before = utc_now() - dt.timedelta(days=days_kept)
            _report(context, before, delete(context, before))

    return op


def _prune_event_log(context: dg.OpExecutionContext, before: dt.datetime) -> Mapping[str, Removed]:
    from dagster_postgres.event_log import PostgresEventLogStorage

    storage = context.instance.event_log_storage
    assert isinstance(storage, PostgresEventLogStorage)
    engine = engine_for(storage.postgres_url, role=None)
    try:
        return {
            "events": pruning.prune(engine, "events", before),
            "checks": pruning.prune(engine, "checks", before),
        }
    finally:
        engine.dispose()


def _remove_run_files(context: dg.OpExecutionContext, before: dt.datetime) -> Mapping[str, Removed]:
    folder = Settings.current().environment.get(RUN_LOGS)  # DAGSTER_HOME may be the clone
    storage = Path(folder or context.instance.storage_directory())
    unfinished = context.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return pruning.remove_run_files(storage, before, {one.run_id for one in unfinished})


def _purge_quarantine(context: dg.OpExecutionContext, before: dt.datetime) -> Mapping[str, Removed]:
    with context.resources.warehouse.open() as store:
        purged = pruning.purge_quarantine(store, before)
    return {f"records of {feed}": removed for feed, removed in purged.items()}


def _purge(kept: Retention) -> Deletion:
    """Return the deletion of data that a source keeps for a limited time."""

    def purge(context: dg.OpExecutionContext, before: dt.datetime) -> Mapping[str, Removed]:
        with context.resources.warehouse.open() as store:
            return {kept.name.split("_", maxsplit=1)[-1]: kept.purge(store, before)}

    return purge


OPS = [
    _deletion_op(
        "prune_event_log",
        30,
        "Deletes older events and executions of checks from Dagster's storage, except the last ones"
        " of each asset, partition and check. Runs stay.",
        _prune_event_log,
    ),
    _deletion_op(
        "remove_run_files",
        30,
        "Deletes older output of runs, and logs of sensors.",
        _remove_run_files,
    ),
    _deletion_op(
        "purge_quarantine",
        365,
        "Deletes rejected records of older deliveries; the ledger counts them as purged.",
        _purge_quarantine,
    ),
    *(
        _deletion_op(kept.name, kept.days, kept.about, _purge(kept), kept.min_days)
        for source in by_seniority()
        for kept in source.retention
    ),
]


@dg.job(
    description="Delete old data: events in Dagster's storage, files of runs, records in"
    " quarantine, and data that sources keep for a limited time. Each operation has a number of"
    " days in its configuration, and its output shows what it removed."
)
def housekeeping() -> None:
    """Run every operation; if one fails, the others still run."""
    for op in OPS:
        op()


@due_sensor("orphaned_runs", seconds=60, polls_once=True)
def orphaned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Mark runs whose process was killed as failed, so that they are retried and free their slots.

    It starts nothing itself.
    """
    ended = fail_orphaned_runs(context.instance)
    return dg.SkipReason(
        f"Ended {', '.join(map(in_words, ended))}." if ended else "None was killed."
    )


def _report(
    context: dg.OpExecutionContext, before: dt.datetime, removed: Mapping[str, Removed]
) -> None:
    """Report what was deleted, in the log and in the output metadata."""
    counts = {name: one.count for name, one in removed.items()}
    counts |= {f"bytes of {name}": one.bytes for name, one in removed.items() if one.bytes}
    words = ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"
    context.log.info("Removed %s from before %s.", words, f"{before:%Y-%m-%d %H:%M} UTC")
    context.add_output_metadata({"before": before.isoformat(timespec="seconds"), **counts})
