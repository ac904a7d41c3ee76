"""Current problems as Dagster's instance knows them: runs, checks, ticks and the daemon."""

import datetime as dt
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import dagster as dg

from pipelines.orchestration.checks import NO_REJECTS, READABLE_FILES, expectation_and_remedy
from pipelines.orchestration.operations.broken import of_broken_sources
from pipelines.orchestration.resources import utc_at, utc_now
from pipelines.orchestration.run_failures import (
    innermost_error,
    shown,
    split_remedy,
    why_run_failed,
)
from pipelines.orchestration.run_state import PARTITION_TAG
from pipelines.warehouse.last_look import Problem

#: Job name of runs that materialize selected assets.
BY_ASSETS = "__ASSET_JOB"
#: How many failed runs are looked at, and of each job, how many finished ones.
MAX_RUNS, MAX_FINISHED = 100, 20
#: A retry that Dagster announced starts within this time, or never.
RETRY_SECONDS = 300.0
RUN_AGAIN = (
    "See the run's page; when it is fixed, run it again. To dismiss the alert, delete the run."
)
SEE_CHECK = "See its page, and the table of checks in docs/operations.md."
SEE_TICK = "See the tick's page; the next tick shows whether it is fixed."
SWITCH_ON = "Switch it on in the UI, under Automation."
#: While the code server restarts, a tick that it should evaluate may fail.
RELOAD_SECONDS = 120.0
#: Checks of what the look reads from the tables themselves, as it is now.
SEEN_IN_TABLES = (NO_REJECTS, READABLE_FILES)
FAILURE, SUCCESS = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS
#: Daemon heartbeats come every half minute; a daemon that missed two is late.
BEAT_SECONDS = 75.0
START = "Start it: isobar ui (make ui)."


def find_problems(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[Problem]:
    """Return all current problems of sources and of the instance."""
    return [
        *of_broken_sources(utc_now()),
        *_failed_runs(instance, repository),
        *_failing_checks(instance, repository),
        *_failing_ticks(instance, repository),
    ]


def of_daemon(instance: dg.DagsterInstance, now: dt.datetime) -> Iterator[Problem]:
    """Yield that the daemon gives no sign of life."""
    beats = instance.get_daemon_heartbeats().values()
    if not beats:
        what = "No daemon has run yet: schedules and sensors start no runs"
        yield Problem("status:daemon", "warning", what, "", now, "", START)
        return
    last = utc_at(max(one.timestamp for one in beats))
    if (now - last).total_seconds() > BEAT_SECONDS:
        since = f"no sign of life since {last:%Y-%m-%d %H:%M} UTC"
        what = f"The daemon is dead or stands still: {since}"
        yield Problem("status:daemon", "error", what, "", last, "", START)


def _failed_runs(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Yield failed runs that neither a later run has made good nor Dagster retries."""
    records = instance.get_run_records(dg.RunsFilter(statuses=[FAILURE]), limit=MAX_RUNS)
    failed = {one.dagster_run.job_name for one in records}
    if len(records) == MAX_RUNS:  # older failures of other jobs may be missing
        failed = {*repository.job_names}
    for job in sorted(failed & {*repository.job_names} - {BY_ASSETS}):
        finished = dg.RunsFilter(job_name=job, statuses=[SUCCESS, FAILURE])
        found = instance.get_run_records(finished, limit=MAX_FINISHED)
        counted = [one for one in found if not _is_ignored(one)]
        if counted and counted[0].dagster_run.status == FAILURE:
            yield _failed_run(instance, f"run:{job}", f"job {job}", counted[0])
    if BY_ASSETS not in failed:
        return
    by_hand = dg.RunsFilter(job_name=BY_ASSETS, statuses=[FAILURE])
    found = instance.get_run_records(by_hand, limit=MAX_RUNS)
    counted = [one for one in found if not _is_ignored(one)]
    keys = {key for one in counted for key in one.dagster_run.asset_selection or ()}
    known = keys & repository.asset_graph.get_all_asset_keys()
    # A run is made good when each of its assets is in another one.
    last = {one.asset_entry.last_run_id for one in instance.get_asset_records([*known])}
    for record in counted:
        if record.dagster_run.run_id in last:
            names = sorted(_dotted(key) for key in record.dagster_run.asset_selection or ())
            words = shown(", ".join(names), 200)
            key, where = f"materialisation:{words}", f"materialisation of {words}"
            yield _failed_run(instance, key, where, record)


def _is_ignored(record: dg.RunRecord) -> bool:
    """Return whether Dagster has retried a run, or may be about to."""
    tags = record.dagster_run.tags
    is_young = _ended_at(record) > time.time() - RETRY_SECONDS
    is_retried = "dagster/auto_retry_run_id" in tags or is_young
    return tags.get("dagster/will_retry") == "true" and is_retried


def _ended_at(record: dg.RunRecord) -> float:
    return record.end_time or record.create_timestamp.timestamp()


def _failed_run(
    instance: dg.DagsterInstance, key: str, where: str, record: dg.RunRecord
) -> Problem:
    run_id = record.dagster_run.run_id
    what, remedy = split_remedy(why_run_failed(instance, run_id), RUN_AGAIN)
    if partition := record.dagster_run.tags.get(PARTITION_TAG):
        where = f"{where}, partition {shown(partition, 100)}"
    since = utc_at(_ended_at(record))
    return Problem(key, "error", what, where, since, f"/runs/{run_id}", remedy)


def _failing_checks(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Yield the checks whose last completed evaluation failed."""
    graph = repository.asset_graph
    keys = [key for key in graph.asset_check_keys if key.name not in SEEN_IN_TABLES]
    records = instance.event_log_storage.get_asset_check_summary_records(keys)
    for key, record in records.items():
        execution = record.last_completed_check_execution_record
        if execution is None or execution.status.value != "FAILED" or not execution.evaluation:
            continue
        expected, remedy = expectation_and_remedy(graph.get_check_spec(key).description or "")
        found, asset = execution.evaluation, _dotted(key.asset_key)
        table = found.metadata.get("rows")
        rows = table.records if isinstance(table, dg.TableMetadataValue) else []
        page = urlencode({"view": "checks", "checkDetail": key.name})
        yield Problem(
            key=f"check:{asset}:{key.name}",
            severity="error" if found.severity == dg.AssetCheckSeverity.ERROR else "warning",
            what=shown(_found(found, expected)),
            where=f"check {key.name} of {asset}",
            since=utc_at(execution.create_timestamp),
            path=f"/assets/{'/'.join(key.asset_key.path)}?{page}",
            remedy=remedy or SEE_CHECK,
            rows=[dict(one.data) for one in rows],
        )


def _failing_ticks(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Yield sensors and schedules whose last tick failed, or that were stopped."""
    states = {one.instigator_name: one for one in instance.all_instigator_state()}
    declared: list[dg.SensorDefinition | dg.ScheduleDefinition] = [
        *repository.sensor_defs,
        *repository.schedule_defs,
    ]
    for automation in declared:
        state = states.get(automation.name)
        if state is None:
            continue
        kind = "sensor" if isinstance(automation, dg.SensorDefinition) else "schedule"
        where = f"{kind} {automation.name}"
        path = f"/locations/pipelines/{kind}s/{automation.name}"
        sensor = state.sensor_instigator_data
        if sensor and sensor.last_tick_success_timestamp and state.status.value != "STOPPED":
            continue  # the daemon records the end of a good tick
        if state.status.value == "STOPPED":
            if automation.default_status.value == "RUNNING":
                what = "It was stopped, though it is on by default."
                key = f"stopped:{automation.name}"
                yield Problem(key, "warning", what, where, utc_now(), path, SWITCH_ON)
            continue
        ticks = instance.get_ticks("", state.selector_id, limit=2)  # the newest may not have ended
        ended = [one for one in ticks if one.status.value != "STARTED"]
        if not ended or ended[0].status.value != "FAILURE":
            continue
        tick, since = ended[0], utc_at(ended[0].timestamp)
        error = tick.error.cls_name if tick.error else None
        is_first = len(ended) < 2 or ended[1].status.value != "FAILURE"
        is_young = (utc_now() - since).total_seconds() < RELOAD_SECONDS
        if error == "DagsterUserCodeUnreachableError" and is_first and is_young:
            continue  # it is also the error of a tick that takes too long
        if error == "DagsterCodeLocationNotFoundError":  # it was waiting when the daemon stopped
            continue
        description = innermost_error(tick.error) if tick.error else "Its evaluation failed."
        what, remedy = split_remedy(description, SEE_TICK)
        yield Problem(f"{kind}:{automation.name}", "error", what, where, since, path, remedy)


def _found(verdict: dg.AssetCheckEvaluation, expected: str | None) -> str:
    offending = verdict.metadata.get("offending")
    found = f"Found {offending.value}" if offending else "It failed"
    if verdict.description:
        return f"{found}: {verdict.description}" if offending else verdict.description
    return f"{found}; expected: {expected}" if expected else f"{found}."


def _dotted(key: dg.AssetKey) -> str:
    return ".".join(key.path)
