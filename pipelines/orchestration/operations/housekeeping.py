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
from pipelines.orchestration.operations import pruning, retention
from pipelines.orchestration.operations.retention import MIN_DAYS, days_ago
from pipelines.orchestration.orphaned_runs import UNFINISHED, fail_orphaned_runs, in_words
from pipelines.orchestration.resources import utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.source import Retention, by_seniority
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.retention import Removed

EVENT_DAYS, RUN_FILE_DAYS, QUARANTINE_DAYS = 30, 30, 365
#: Deletes everything older than a time; returns how much was deleted, by kind.
Deletion = Callable[[dg.OpExecutionContext, dt.datetime], Mapping[str, Removed]]


def _deletion_op(
    name: str, days: int | None, about: str, delete: Deletion, *, least: int = MIN_DAYS
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
            before = days_ago(days_kept, utc_now(), least=least)
            _report(context, before, delete(context, before))

    return op


def _prune_event_log(context: dg.OpExecutionContext, before: dt.datetime) -> Mapping[str, Removed]:
    engine = engine_for(_storage_url(context.instance), role=None)
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
    try:
        folders = pruning.remove_run_files(storage, before, {one.run_id for one in unfinished})
    finally:
        logs = pruning.remove_tick_logs(storage, before)
    return {"folders": folders, "logs of sensors": logs}


def _purge_quarantine(context: dg.OpExecutionContext, before: dt.datetime) -> Mapping[str, Removed]:
    with context.resources.warehouse.open() as store:
        purged = retention.purge_quarantine(store, before)
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
        EVENT_DAYS,
        "Deletes older events and executions of checks from Dagster's storage, except the last ones"
        " of each asset, partition and check. Runs stay.",
        _prune_event_log,
    ),
    _deletion_op(
        "remove_run_files",
        RUN_FILE_DAYS,
        "Deletes older output of runs, and logs of sensors.",
        _remove_run_files,
    ),
    _deletion_op(
        "purge_quarantine",
        QUARANTINE_DAYS,
        "Deletes rejected records of older deliveries; the ledger counts them as purged.",
        _purge_quarantine,
    ),
]
for _source in by_seniority():
    OPS += [
        _deletion_op(kept.name, kept.days, kept.about, _purge(kept), least=kept.min_days)
        for kept in _source.retention
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


def _storage_url(instance: dg.DagsterInstance) -> str:
    from dagster_postgres.event_log import PostgresEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, PostgresEventLogStorage):
        raise PermanentFailure(
            "housekeeping",
            f"Dagster's storage is a {type(storage).__name__}, and only PostgreSQL is pruned",
            place="dagster.yaml",
            remedy="Use the dagster.yaml of Isobar.",
        )
    return storage.postgres_url


def _report(
    context: dg.OpExecutionContext, before: dt.datetime, removed: Mapping[str, Removed]
) -> None:
    """Report what was deleted, in the log and in the output metadata."""
    counts: dict[str, int] = {}
    for name, one in removed.items():
        counts[name] = one.count
        if one.bytes:
            counts[f"bytes of {name}"] = one.bytes
    words = ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"
    context.log.info("Removed %s from before %s.", words, f"{before:%Y-%m-%d %H:%M} UTC")
    context.add_output_metadata({"before": before.isoformat(timespec="seconds"), **counts})
