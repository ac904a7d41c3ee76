"""The job that takes away what has to go, and the sensor of runs that were killed.

Each operation says what it removed. One that fails does not keep the others from working.
"""

import datetime as dt
from pathlib import Path

import dagster as dg
from pydantic import Field

from pipelines.failures import PermanentFailure
from pipelines.orchestration.asset_metadata import refusals_told
from pipelines.orchestration.operations import pruning, retention
from pipelines.orchestration.operations.pruning import Removed
from pipelines.orchestration.operations.retention import days_ago
from pipelines.orchestration.orphaned_runs import UNFINISHED, end_killed, in_words
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import about_sensor, every_seconds
from pipelines.warehouse.connection import engine_for

LONGEST_ALLOWANCE_DAYS = 32
"""Allowances of the weather's providers are counted by month."""


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


class WeatherCallsKept(dg.Config):
    """How long the book of calls is kept."""

    days: int = Field(default=92, description="Calls of the weather's providers before then go.")


class DocumentsKept(dg.Config):
    """How long the documents of flights are kept."""

    days: int | None = Field(
        default=None,
        description="Documents of days before then go, for good: a rebuild of the flights tables"
        " then begins with the first day after them. None is for ever.",
    )


@dg.op
def prune_event_log(context: dg.OpExecutionContext, config: EventsKept) -> None:
    """Delete old events of Dagster's storage that nothing asks for."""
    with refusals_told():
        before = days_ago(config.days, utc_now())
        engine = engine_for(_storage_url(context.instance), role=None)
        try:
            events = pruning.prune(engine, pruning.EVENTS, before)
            checks = pruning.prune(engine, pruning.CHECKS, before)
        finally:
            engine.dispose()
    _tell(context, before, events=events, checks=checks)


@dg.op
def remove_run_files(context: dg.OpExecutionContext, config: RunFilesKept) -> None:
    """Remove what old runs wrote to the terminal, other files of theirs, and logs of sensors."""
    with refusals_told():
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
    with refusals_told(), warehouse.open() as store:
        before = days_ago(config.days, utc_now())
        forgotten = retention.forget_quarantine(store, before)
    _tell(context, before, **{f"records of {source}": one for source, one in forgotten.items()})


@dg.op
def forget_weather_calls(
    context: dg.OpExecutionContext, config: WeatherCallsKept, warehouse: WarehouseResource
) -> None:
    """Delete old calls of the weather's providers from the book."""
    with refusals_told(), warehouse.open() as store:
        before = days_ago(config.days, utc_now(), least=LONGEST_ALLOWANCE_DAYS)
        _tell(context, before, calls=retention.forget_weather_calls(store, before))


@dg.op
def remove_flight_documents(
    context: dg.OpExecutionContext, config: DocumentsKept, warehouse: WarehouseResource
) -> None:
    """Remove old documents from the archive of flights, where that is asked for."""
    if config.days is None:
        context.log.info("Documents of flights are kept for ever.")
        return
    with refusals_told(), warehouse.open() as store:
        before = days_ago(config.days, utc_now())
        _tell(context, before, documents=retention.remove_documents(store, before.date()))


@dg.job(
    description="Take away what has to go: old events of Dagster's storage, files of old runs, old"
    " records in quarantine, old calls of the weather's providers; documents of flights where asked"
    " for. Each operation's days are in its configuration, and what it removed is in its output."
)
def housekeeping() -> None:
    """One operation a matter."""
    prune_event_log()
    remove_run_files()
    forget_quarantine()
    forget_weather_calls()
    remove_flight_documents()


@dg.sensor(
    minimum_interval_seconds=every_seconds("killed_runs"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=about_sensor(
        "killed_runs",
        "Fail runs whose process was killed, so that they are tried again and hold nobody up."
        " Starts nothing itself.",
    ),
)
def killed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """What it ended."""
    ended = end_killed(context.instance)
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
