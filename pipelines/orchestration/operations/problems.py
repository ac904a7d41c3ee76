"""Current problems as Dagster's instance knows them: runs, checks, ticks and the daemon.

About twenty small queries through the instance's methods if there are no problems. Read-only.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import dagster as dg

from pipelines.config import RUN_SECONDS
from pipelines.orchestration.checks import (
    NO_REJECTS,
    READABLE_FILES,
    expectation_and_remedy,
)
from pipelines.orchestration.format_duration import span_in_words
from pipelines.orchestration.operations.broken import of_broken_sources
from pipelines.orchestration.operations.unresolved_failures import (
    BY_ASSETS,
    Entity,
    chosen,
    ended_at,
    failed_materializations,
    failing_jobs,
    partition_of,
)
from pipelines.orchestration.orphaned_runs import UNFINISHED
from pipelines.orchestration.resources import utc_at, utc_now
from pipelines.orchestration.run_failures import (
    KEPT,
    innermost_error,
    shown,
    split_remedy,
    why_run_failed,
)
from pipelines.warehouse.last_look import Problem

LOCATION = "pipelines"
#: While the code server restarts, a tick that it should evaluate may fail.
RELOAD_SECONDS = 120.0
RECENT_SECONDS = 600.0
DISMISS = "To dismiss the alert, delete the run."
RUN_AGAIN = f"See the run's page; when it is fixed, run it again. {DISMISS}"
SEE_CHECK = "See its page, and the table of checks in docs/operations.md."
SEE_TICK = "See the tick's page; the next tick shows whether it is fixed."
SWITCH_ON = "Switch it on in the UI, under Automation."
#: Checks of what the look reads from the tables themselves, as it is now.
SEEN_IN_TABLES = (NO_REJECTS, READABLE_FILES)
WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
QUEUED_SECONDS = 900.0
#: Half of the time after which runs are ended by default.
UNDER_WAY_SECONDS = RUN_SECONDS / 2
#: Daemon heartbeats come every half minute; a daemon that missed two is late.
BEAT_SECONDS = 75.0
#: A single thread may be busy for a while if the others send heartbeats.
HANGS_SECONDS = 300.0
START = "Start it: isobar ui (make ui)."


def rows_found(evaluation: dg.AssetCheckEvaluation | None) -> list[dict[str, Any]]:
    """Return the rows that an evaluation of a check shows."""
    table = evaluation.metadata.get("rows") if evaluation else None
    records = table.records if isinstance(table, dg.TableMetadataValue) else []
    return [dict(one.data) for one in records]


def find_problems(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[Problem]:
    """Return all current problems of sources and of the instance."""
    return [
        *of_broken_sources(utc_now()),
        *_failing_jobs(instance, repository),
        *_failed_materializations(instance, repository),
        *_failing_checks(instance, repository),
        *_failing_ticks(instance, repository),
    ]


def unfinished_runs(instance: dg.DagsterInstance) -> dict[str, Any]:
    """Return how many runs wait and are under way, and since when the oldest of each."""
    facts: dict[str, Any] = {}
    under_way = [status for status in UNFINISHED if status not in WAITING]
    for name, statuses in (("queued", WAITING), ("under_way", under_way)):
        runs = dg.RunsFilter(statuses=statuses)
        oldest = instance.get_run_records(runs, limit=1, ascending=True)
        facts[name] = instance.get_runs_count(runs) if oldest else 0
        facts[f"oldest_{name}_at"] = oldest[0].create_timestamp if oldest else None
    return facts


def of_runs(runs: dict[str, Any], now: dt.datetime) -> Iterator[Problem]:
    """Yield whether runs wait or are under way for too long."""
    for name, limit, words, remedy, status in (
        (
            "queued",
            QUEUED_SECONDS,
            "has been waiting in the queue",
            "See in the UI what runs before it, and whether the daemon lives.",
            "QUEUED",
        ),
        (
            "under_way",
            UNDER_WAY_SECONDS,
            "has been under way",
            f"Terminate it in the UI; {KEPT}.",
            "STARTED",
        ),
    ):
        at = runs[f"oldest_{name}_at"]
        if at is not None and (age := (now - at).total_seconds()) > limit:
            what = f"A run {words} for {span_in_words(age)}"
            path = f"/runs?q=status:{status}"
            yield Problem(f"status:runs:{name}", "warning", what, "", at, path, remedy)


def heartbeats(instance: dg.DagsterInstance) -> list[dict[str, Any]]:
    """Return name, last sign of life and errors of each part that the daemon must have."""
    beats = instance.get_daemon_heartbeats()
    return [
        {
            "name": name,
            "at": utc_at(beat.timestamp) if (beat := beats.get(name)) else None,
            "errors": [shown(one.message) for one in (beat.errors or ())] if beat else [],
        }
        for name in sorted(instance.get_required_daemon_types())
    ]


def of_daemon(beats: Sequence[dict[str, Any]], now: dt.datetime) -> Iterator[Problem]:
    """Yield whether the daemon is alive and all of its parts are, by its heartbeats."""
    moments = [one["at"] for one in beats if one["at"]]
    if not moments:
        what = "No daemon has run yet: schedules and sensors start no runs"
        yield Problem("status:daemon", "warning", what, "", now, "", START)
        return
    if (age := (now - max(moments)).total_seconds()) > BEAT_SECONDS:
        what = f"The daemon is dead or stands still: no sign of life for {span_in_words(age)}"
        yield Problem("status:daemon", "error", what, "", max(moments), "", START)
        return
    remedy = "Read .isobar/daemon.log; to have it started again, kill the daemon."
    for one in beats:
        at, name = one["at"], one["name"]
        if at is None or (now - at).total_seconds() > HANGS_SECONDS:
            age = (now - at).total_seconds() if at else 0
            what = (
                f"{name} of the daemon: no sign of life for {span_in_words(age) if at else 'ever'}"
            )
            yield Problem(f"status:daemon:{name}", "error", what, name, at or now, "", remedy)
        elif one["errors"]:
            what = f"{name} of the daemon: {one['errors'][0]}"
            yield Problem(f"status:daemon:{name}", "warning", what, name, at, "", remedy)


def last_ticks(instance: dg.DagsterInstance, selector_id: str, kind: str) -> Sequence[Any]:
    """Return the two newest ticks of a sensor or schedule: the newest may still be in progress.

    A sensor has tens of thousands of ticks. Dagster's query sorts all of them unless it is limited
    by time.
    """
    if kind == "sensor":
        lately = time.time() - RECENT_SECONDS
        if len(ticks := instance.get_ticks("", selector_id, after=lately, limit=2)) == 2:
            return ticks
    return instance.get_ticks("", selector_id, limit=2)


def _failing_jobs(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    jobs = [name for name in repository.job_names if name != BY_ASSETS]
    for record in failing_jobs(instance, jobs):
        name = record.dagster_run.job_name
        yield _failed_run(instance, f"run:{name}", f"job {name}", record)


def _failed_materializations(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Yield failed materializations of selected assets."""
    for record in failed_materializations(instance, repository):
        names = _names(record)
        where = f"materialisation of {shown(names, 200)}"
        yield _failed_run(instance, f"materialisation:{_short(names)}", where, record)


def _failed_run(
    instance: dg.DagsterInstance, key: str, where: str, record: dg.RunRecord
) -> Problem:
    run_id, partition = record.dagster_run.run_id, partition_of(record)
    what, remedy = split_remedy(why_run_failed(instance, run_id), RUN_AGAIN)
    if partition:  # it may no longer be offered, and its run never be repeated
        where = f"{where}, partition {shown(partition, 100)}"
        remedy = remedy if remedy.endswith(DISMISS) else f"{remedy} {DISMISS}"
    return Problem(key, "error", what, where, utc_at(ended_at(record)), f"/runs/{run_id}", remedy)


def _failing_checks(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Yield the checks whose last completed evaluation failed."""
    storage, graph = instance.event_log_storage, repository.asset_graph
    latest = storage.get_latest_asset_check_execution_by_key([*graph.asset_check_keys])
    planned = [key for key, one in latest.items() if one.status.value == "PLANNED"]
    before = {
        key: one.last_completed_check_execution_record
        for key, one in storage.get_asset_check_summary_records(planned).items()
    }
    for key, execution in {**latest, **before}.items():
        if execution is None or execution.status.value != "FAILED" or not execution.evaluation:
            continue
        if key.name in SEEN_IN_TABLES:
            continue
        expected, remedy = expectation_and_remedy(graph.get_check_spec(key).description or "")
        is_error = execution.evaluation.severity == dg.AssetCheckSeverity.ERROR
        asset = _dotted(key.asset_key)
        yield Problem(
            key=f"check:{asset}:{key.name}",
            severity="error" if is_error else "warning",
            what=shown(_found(execution.evaluation, expected)),
            where=f"check {key.name} of {asset}",
            since=utc_at(execution.create_timestamp),
            path=_asset_path(key.asset_key, view="checks", checkDetail=key.name),
            remedy=remedy or SEE_CHECK,
            rows=rows_found(execution.evaluation),
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
        if automation.name not in states:
            continue
        state = states[automation.name]
        kind = "sensor" if isinstance(automation, dg.SensorDefinition) else "schedule"
        where, path = (
            f"{kind} {automation.name}",
            f"/locations/{LOCATION}/{kind}s/{automation.name}",
        )
        sensor = state.sensor_instigator_data
        if sensor and sensor.last_tick_success_timestamp and state.status.value != "STOPPED":
            continue  # the daemon records the end of a good tick
        ticks = last_ticks(instance, state.selector_id, kind)
        if state.status.value == "STOPPED":
            if automation.default_status.value == "RUNNING":
                what = "It was stopped, though it is on by default."
                # Dagster does not expose the time; that of the last tick is the closest.
                at = utc_at(ticks[0].timestamp) if ticks else utc_now()
                key = f"stopped:{automation.name}"
                yield Problem(key, "warning", what, where, at, path, SWITCH_ON)
            continue
        ended = [one for one in ticks if one.status.value != "STARTED"]
        if not ended or ended[0].status.value != "FAILURE":
            continue
        tick, since = ended[0], utc_at(ended[0].timestamp)
        error = tick.error.cls_name if tick.error else None
        is_first = len(ended) < 2 or ended[1].status.value != "FAILURE"
        is_young = (utc_now() - since).total_seconds() < RELOAD_SECONDS
        if error == "DagsterUserCodeUnreachableError" and is_first and is_young:
            continue
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


def _names(record: dg.RunRecord) -> str:
    return ", ".join(sorted(_name(key) for key in chosen(record)))


def _name(key: Entity) -> str:
    if isinstance(key, dg.AssetKey):
        return _dotted(key)
    return f"{_dotted(key.asset_key)}:{key.name}"


def _short(names: str) -> str:
    """Return the names, or a digest of them if they are too long."""
    return names if len(names) <= 100 else hashlib.sha256(names.encode()).hexdigest()[:16]


def _asset_path(key: dg.AssetKey, **query: str) -> str:
    return f"/assets/{'/'.join(quote(part, safe='') for part in key.path)}?{urlencode(query)}"
