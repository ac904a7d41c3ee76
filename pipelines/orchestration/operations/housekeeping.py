"""The job that takes away what has to go, and the sensor of runs that were killed.

Each operation says what it removed. One that fails does not keep the others from working.
"""

import datetime as dt
from pathlib import Path

import dagster as dg
from pydantic import Field

from pipelines.failures import PermanentFailure
from pipelines.orchestration.asset_metadata import as_permanent_failure
from pipelines.orchestration.operations import pruning, retention
from pipelines.orchestration.operations.retention import days_ago
from pipelines.orchestration.orphaned_runs import UNFINISHED, fail_orphaned_runs, in_words
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.source import Retention, sources
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.retention import Removed


class EventsKept(dg.Config):
    """How long Dagster's events are kept."""

    days: int = Field(
        default=30,
        description="Older events and executions of checks go, but for the last of each asset,"
        " partition and check. Runs stay.",
    )


class RunFilesKept(dg.Config):
    """How long the files of runs are kept."""

    days: int = Field(
        default=30,
        description="What runs wrote to the terminal before then goes, and the logs of sensors.",
    )


class QuarantineKept(dg.Config):
    """How long refused records are kept."""

    days: int = Field(
        default=365,
        description="Records go whose delivery was loaded before then; the ledger counts them.",
    )


@dg.op
def prune_event_log(context: dg.OpExecutionContext, config: EventsKept) -> None:
    """Delete old events of Dagster's storage that nothing asks for."""
    with as_permanent_failure(context):
        before = days_ago(config.days, utc_now())
        engine = engine_for(_storage_url(context.instance), role=None)
        try:
            events = pruning.prune(engine, "events", before)
            checks = pruning.prune(engine, "checks", before)
        finally:
            engine.dispose()
    _tell(context, before, events=events, checks=checks)


@dg.op
def remove_run_files(context: dg.OpExecutionContext, config: RunFilesKept) -> None:
    """Remove what old runs wrote to the terminal, other files of theirs, and logs of sensors."""
    with as_permanent_failure(context):
        before = days_ago(config.days, utc_now())
        unfinished = context.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        storage, ids = (
            Path(context.instance.storage_directory()),
            {one.run_id for one in unfinished},
        )
        try:
            folders = pruning.remove_run_files(storage, before, ids)
        finally:
            logs = pruning.remove_tick_logs(storage, before)
    _tell(context, before, folders=folders, **{"logs of sensors": logs})


@dg.op
def forget_quarantine(
    context: dg.OpExecutionContext, config: QuarantineKept, warehouse: WarehouseResource
) -> None:
    """Take old refused records out of quarantine."""
    with as_permanent_failure(context), warehouse.open() as store:
        before = days_ago(config.days, utc_now())
        forgotten = retention.forget_quarantine(store, before)
    _tell(context, before, **{f"records of {source}": one for source, one in forgotten.items()})


def _retention_op(retention: Retention) -> dg.OpDefinition:
    """The operation that deletes what a source keeps for a time only."""
    days = dg.Field(dg.Noneable(int), default_value=retention.days, description=retention.about)

    @dg.op(
        name=retention.name,
        description=retention.about,
        config_schema={"days": days},
        required_resource_keys={"warehouse"},
    )
    def delete(context: dg.OpExecutionContext) -> None:
        days_kept = context.op_config["days"]
        if days_kept is None:
            context.log.info("What %s would remove is kept for ever.", retention.name)
            return
        with as_permanent_failure(context), context.resources.warehouse.open() as store:
            before = days_ago(days_kept, utc_now(), least=retention.min_days)
            what = retention.name.split("_", maxsplit=1)[-1]
            _tell(context, before, **{what: retention.purge(store, before)})

    return delete


SOURCE_OPS = [
    _retention_op(retention) for source in sources().values() for retention in source.retention
]


@dg.job(
    description="Delete what is old: events of Dagster's storage, files of runs, records in"
    " quarantine, and what sources keep for a time only. Each operation's days are in its"
    " configuration, and what it removed is in its output."
)
def housekeeping() -> None:
    """One operation a matter."""
    prune_event_log()
    remove_run_files()
    forget_quarantine()
    for delete in SOURCE_OPS:
        delete()


@due_sensor("orphaned_runs", seconds=60)
def orphaned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Fail runs whose process was killed, so that they are tried again and hold nobody up. Starts
    nothing itself.
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


def _tell(context: dg.OpExecutionContext, before: dt.datetime, **removed: Removed) -> None:
    """Say what was removed, in the log and with the output."""
    counts: dict[str, int] = {}
    for name, one in removed.items():
        counts[name] = one.count
        if one.bytes:
            counts[f"bytes of {name}"] = one.bytes
    words = ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"
    context.log.info("Removed %s from before %s.", words, f"{before:%Y-%m-%d %H:%M} UTC")
    context.add_output_metadata({"before": before.isoformat(timespec="seconds"), **counts})
