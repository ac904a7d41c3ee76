"""The job that deletes old data, and the sensor for orphaned runs.

Of old events, the newest of each asset, partition and kind are kept, from which Dagster derives the
state of assets; and runs, because links lead to them, with all that belongs to unfinished ones.
"""

import datetime as dt
import shutil
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from sqlalchemy import null, select, text, update

from pipelines.config import RUN_LOGS, Settings
from pipelines.failures import PermanentFailure
from pipelines.orchestration.asset_metadata import as_dagster_failure
from pipelines.orchestration.orphaned_runs import UNFINISHED, fail_orphaned_runs
from pipelines.orchestration.resources import utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.source import Retention, by_seniority, sources_of_feeds
from pipelines.warehouse.connection import Warehouse, delete_in_batches
from pipelines.warehouse.sql_files import read_sql
from pipelines.warehouse.tables import deliveries, quarantine

MIN_DAYS, MAX_DAYS = 2, 36_500
BATCH_SIZE = 5_000
#: The folders of runs in Dagster's storage are called like their ids; those of assets are not.
RUN_ID = "????????-????-????-????-????????????"
#: Logs of ticks: `<repository>/<sensor>/<tick>.err`.
TICK_LOGS = "__repository__/*/*.err"
#: Deletes everything older than a time; returns how many of each kind were deleted.
Deletion = Callable[[dg.OpExecutionContext, dt.datetime], Mapping[str, int]]


def _deletion_op(name: str, days: int | None, about: str, delete: Deletion) -> dg.OpDefinition:
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
        with as_dagster_failure(context, is_patient=False):
            if not MIN_DAYS <= days_kept <= MAX_DAYS:
                raise PermanentFailure(
                    "housekeeping",
                    f"days is {days_kept}, so this removed nothing",
                    place="the run's configuration",
                    remedy=f"Set it to a number of days from {MIN_DAYS} to {MAX_DAYS:,}.",
                )
            before = utc_now() - dt.timedelta(days=days_kept)
            removed = delete(context, before)
        said = {"before": before.isoformat(timespec="seconds"), **removed}
        context.log.info("Removed: %s", said)
        context.add_output_metadata(said)

    return op


def _remove_run_files(context: dg.OpExecutionContext, before: dt.datetime) -> Mapping[str, int]:
    folder = Settings.current().environment.get(RUN_LOGS)  # DAGSTER_HOME may be the clone
    storage = Path(folder or context.instance.storage_directory())
    unfinished = context.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return remove_run_files(storage, before, {one.run_id for one in unfinished})


def _purge_quarantine(context: dg.OpExecutionContext, before: dt.datetime) -> Mapping[str, int]:
    with context.resources.warehouse.open() as store:
        purged = purge_quarantine(store, before)
    return {f"records of {feed}": removed for feed, removed in purged.items()}


def _purge(
    kept: Retention, context: dg.OpExecutionContext, before: dt.datetime
) -> Mapping[str, int]:
    with context.resources.warehouse.open() as store:
        return {kept.name.split("_", maxsplit=1)[-1]: kept.purge(store, before)}


def prune(
    instance: dg.DagsterInstance, log: Literal["events", "checks"], before: dt.datetime
) -> int:
    """Delete entries of Dagster's log before a time that nothing reads; return how many."""
    storage: Any = instance.event_log_storage  # of PostgreSQL
    statement = text(read_sql("pipelines.orchestration.operations", f"prune_{log}"))
    parameters = {
        "before": before.astimezone(dt.UTC).replace(tzinfo=None),  # the format that Dagster stores
        "unfinished": [status.value for status in UNFINISHED],
    }
    turn = "SELECT pg_advisory_xact_lock(hashtextextended('isobar prune', 0))"
    with storage.index_transaction() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(turn))
        return int(connection.execute(statement, parameters).scalar_one())


def remove_run_files(
    storage: Path, before: dt.datetime, unfinished: Collection[str] = ()
) -> dict[str, int]:
    """Delete the output of runs, but of `unfinished` ones, and logs of ticks before a time."""
    found = {
        "folders": [one for one in storage.glob(RUN_ID) if one.name not in unfinished],
        "logs of sensors": [*storage.glob(TICK_LOGS)],
    }
    removed = dict.fromkeys(found, 0)
    for kind, paths in found.items():
        for path in paths:
            if path.stat().st_mtime < before.timestamp():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed[kind] += 1
    return removed


def purge_quarantine(store: Warehouse, before: dt.datetime) -> dict[str, int]:
    """Delete rejected records of deliveries before a time; return counts by feed.

    The ledger counts them as purged, but for those of deliveries that were rejected as a whole.
    """
    is_old = deliveries.c.loaded_at < before
    kept = update(deliveries).where(is_old, deliveries.c.bad_records.is_not(None))
    with store.transaction("housekeeping") as connection:
        connection.execute(kept.values(bad_records=null()))
        query = select(deliveries.c.feed).join(quarantine).where(is_old).distinct()
        feeds = sorted(connection.execute(query).scalars())
    statement = read_sql("pipelines.orchestration.operations", "purge_quarantine")
    owners = sources_of_feeds()
    return {
        feed: delete_in_batches(
            store,
            owners[feed].name if feed in owners else feed,  # whose loads it takes turns with
            statement,
            BATCH_SIZE,
            feed=feed,
            before=before,
        )
        for feed in feeds
    }


OPS = [
    _deletion_op(
        "prune_event_log",
        30,
        "Deletes older events and executions of checks from Dagster's storage, except the last ones"
        " of each asset, partition and check. Runs stay.",
        lambda context, before: {
            log: prune(context.instance, log, before) for log in ("events", "checks")
        },
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
        _deletion_op(kept.name, kept.days, kept.about, partial(_purge, kept))
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
    ended = [f"{one.job_name} {one.run_id[:8]}" for one in fail_orphaned_runs(context.instance)]
    return dg.SkipReason(f"Ended: {', '.join(ended)}." if ended else "None was killed.")
