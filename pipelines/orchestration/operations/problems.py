"""Current problems as Dagster's instance knows them: runs, checks, freshness and ticks.

About twenty small queries through the instance's methods if there are no problems. Read-only.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Literal
from urllib.parse import quote, urlencode

import dagster as dg

from pipelines import isolation
from pipelines.orchestration.checks import READABLE_FILES, SHOWN_ROWS, expectation_and_remedy
from pipelines.orchestration.operations.unresolved_failures import (
    BY_ASSETS,
    Entity,
    chosen,
    ended_at,
    failed_materializations,
    failing_jobs,
    last_done_at,
    partition_of,
)
from pipelines.orchestration.resources import utc_at, utc_now
from pipelines.orchestration.run_failures import (
    innermost_error,
    shown,
    split_remedy,
    why_run_failed,
)

LOCATION = "pipelines"
#: While the code server restarts, one or two ticks that it should evaluate may fail.
RELOAD_SECONDS = 120.0
#: How far back to search for the start of a failure.
MAX_EXECUTIONS, MAX_TICKS = 100, 1_000
#: How many executions of a check are its history.
MAX_HISTORY = 14
RECENT_SECONDS = 600.0
DISMISS = "To dismiss the alert, delete the run."
RUN_AGAIN = f"See the run's page; when it is fixed, run it again. {DISMISS}"
SEE_CHECK = "See its page, and the table of checks in docs/operations.md."
SEE_WHY_LATE = (
    "See whether its schedule or sensor is on, whether its runs fail, and whether they wait in the"
    " queue."
)
SEE_TICK = "See the tick's page; the next tick shows whether it is fixed."
MEND_SOURCE = (
    "Fix it, uninstall it, or name it in ISOBAR_DISABLE_SOURCES; then start again what is running,"
    " such as isobar ui. isobar sources lists all of them."
)
SWITCH_ON = "Switch it on in the UI, under Automation."


@dataclass(frozen=True)
class Problem:
    """A problem that exists now."""

    #: Identifies the problem while it lasts, such as `run:<job>`, `check:<asset>:<check>`.
    key: str
    severity: Literal["error", "warning"]
    #: The problem in one or a few lines.
    what: str
    #: The job, asset, check, sensor or schedule.
    where: str
    since: dt.datetime
    #: Path of its page in the web UI, such as `/runs/1234`.
    path: str
    remedy: str


@dataclass(frozen=True)
class CheckHistory:
    """What a check found, the last executions that ended."""

    asset: str
    name: str
    #: What it expects.
    expected: str
    #: Path of its page in the web UI.
    path: str
    #: When it was executed and whether it passed, newest first.
    outcomes: list[tuple[dt.datetime, bool]]
    #: The first rows that it found the last time; none if it passed.
    rows: list[dict[str, Any]]


def check_histories(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[CheckHistory]:
    """Return the history of each check that was executed, by asset and name."""
    storage, graph = instance.event_log_storage, repository.asset_graph
    found = []
    for key in sorted(graph.asset_check_keys, key=lambda key: (_dotted(key.asset_key), key.name)):
        completed = [
            one
            for one in storage.get_asset_check_execution_history(key, limit=MAX_HISTORY)
            if one.status.value in ("SUCCEEDED", "FAILED")
        ]
        outcomes = [
            (
                utc_at(one.event.timestamp if one.event else one.create_timestamp),
                one.status.value == "SUCCEEDED",
            )
            for one in completed
        ]
        expected, _ = expectation_and_remedy(graph.get_check_spec(key).description or "")
        path = _asset_path(key.asset_key, view="checks", checkDetail=key.name)
        if outcomes:
            asset = _dotted(key.asset_key)
            rows = rows_found(completed[0].evaluation)
            found.append(CheckHistory(asset, key.name, shown(expected), path, outcomes, rows))
    return found


def rows_found(evaluation: dg.AssetCheckEvaluation | None) -> list[dict[str, Any]]:
    """Return the rows that an evaluation of a check shows."""
    table = evaluation.metadata.get("rows") if evaluation else None
    records = table.records if isinstance(table, dg.TableMetadataValue) else []
    return [dict(one.data) for one in records]


def find_problems(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[Problem]:
    """Return all current problems of sources and of the instance, worst first."""
    found = [
        *broken_sources_at(utc_now()),
        *_failing_jobs(instance, repository),
        *_failed_materializations(instance, repository),
        *_failing_checks(instance, repository),
        *_missed_freshness(instance, repository),
        *_failing_ticks(instance, repository),
    ]
    return sorted(found, key=lambda one: (one.severity, one.since, one.key))


def broken_sources_at(now: dt.datetime) -> list[Problem]:
    """Return a problem for each broken source of this process."""
    return [
        Problem(
            key=f"status:source:{broken.name}",
            severity="error",
            what=str(broken),
            where=f"source {broken.name}",
            since=now,
            path="",
            remedy=MEND_SOURCE,
        )
        for broken in isolation.broken_sources()
    ]


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
    for newest, first in failing_jobs(instance, jobs):
        name = newest.dagster_run.job_name
        yield _failed_run(instance, f"run:{name}", f"job {name}", newest, first)


def _failed_materializations(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Yield failed materializations of selected assets, by partition, until all were refreshed."""
    newest: dict[str, dg.RunRecord] = {}
    first: dict[str, dg.RunRecord] = {}
    for record in failed_materializations(instance, repository):
        names, partition = _names(record), partition_of(record)
        key = f"materialisation:{_short(f'{names}@{partition}' if partition else names)}"
        newest.setdefault(key, record)
        first[key] = record
    for key, record in newest.items():
        where = f"materialisation of {shown(_names(record), 200)}"
        yield _failed_run(instance, key, where, record, first[key])


def _failed_run(
    instance: dg.DagsterInstance, key: str, where: str, newest: dg.RunRecord, first: dg.RunRecord
) -> Problem:
    run_id, partition = newest.dagster_run.run_id, partition_of(newest)
    what, remedy = split_remedy(why_run_failed(instance, run_id), RUN_AGAIN)
    if partition:  # it may no longer be offered, and its run never be repeated
        where = f"{where}, partition {shown(partition, 100)}"
        remedy = remedy if remedy.endswith(DISMISS) else f"{remedy} {DISMISS}"
    return Problem(key, "error", what, where, utc_at(ended_at(first)), f"/runs/{run_id}", remedy)


def _failing_checks(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Yield the checks whose last completed evaluation failed."""
    storage, graph = instance.event_log_storage, repository.asset_graph
    executions = storage.get_latest_asset_check_execution_by_key([*graph.asset_check_keys])
    planned = [key for key, one in executions.items() if one.status.value == "PLANNED"]
    before = {
        key: one.last_completed_check_execution_record
        for key, one in storage.get_asset_check_summary_records(planned).items()
    }
    for key, execution in {**executions, **before}.items():
        if execution is None or execution.status.value != "FAILED" or not execution.evaluation:
            continue
        since = execution
        for one in storage.get_asset_check_execution_history(key, limit=MAX_EXECUTIONS):
            if one.status.value == "SUCCEEDED":
                break
            since = one if one.status.value == "FAILED" else since
        expected, remedy = expectation_and_remedy(graph.get_check_spec(key).description or "")
        is_error = execution.evaluation.severity == dg.AssetCheckSeverity.ERROR
        asset = _dotted(key.asset_key)
        problem = Problem(
            key=f"check:{asset}:{key.name}",
            severity="error" if is_error else "warning",
            what=shown(_found(execution.evaluation, expected)),
            where=f"check {key.name} of {asset}",
            since=utc_at(since.event.timestamp if since.event else since.create_timestamp),
            path=_asset_path(key.asset_key, view="checks", checkDetail=key.name),
            remedy=remedy or SEE_CHECK,
        )
        rows = rows_found(execution.evaluation) if key.name == READABLE_FILES else []
        if rows and len(rows) < SHOWN_ROWS:  # else not all are known
            yield from _of_files(problem, rows)
        else:
            yield problem


def _of_files(problem: Problem, rows: Sequence[dict[str, Any]]) -> Iterator[Problem]:
    """Yield a problem for each rejected file, so that a second one is alerted, too."""
    for row in rows:
        name, since = str(row["name"]), dt.datetime.fromisoformat(str(row["looked_at"]))
        what = shown(f"{name}: {row['problem']}")
        yield replace(problem, key=f"{problem.key}:{name}", what=what, since=since)


def _missed_freshness(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Yield overdue assets that have a freshness policy; the daemon evaluates it every 30 s."""
    watched = [node.key for node in repository.asset_graph.asset_nodes if node.freshness_policy]
    states = instance.get_freshness_state_records(watched)
    late = {key: one for key, one in states.items() if one.freshness_state.value == "FAIL"}
    done_at = last_done_at(instance, late.keys()) if late else {}
    for key, state in late.items():
        done = f"last {utc_at(done_at[key]):%Y-%m-%d %H:%M} UTC" if key in done_at else "never"
        yield Problem(
            key=f"freshness:{_dotted(key)}",
            severity="error",
            what=f"It was not refreshed in time ({done}).",
            where=f"asset {_dotted(key)}",
            since=state.updated_at,
            path=_asset_path(key, view="overview"),
            remedy=SEE_WHY_LATE,
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
        tick = next((one for one in ticks if one.status.value != "STARTED"), None)
        if tick is None or tick.status.value != "FAILURE":
            continue
        since = utc_at(_failing_since(instance, state.selector_id))
        error = tick.error.cls_name if tick.error else None
        age = utc_now() - since
        is_reload = error == "DagsterUserCodeUnreachableError"
        if is_reload and age.total_seconds() < RELOAD_SECONDS:
            continue
        if error == "DagsterCodeLocationNotFoundError":  # it was waiting when the daemon stopped
            continue
        description = innermost_error(tick.error) if tick.error else "Its evaluation failed."
        what, remedy = split_remedy(description, SEE_TICK)
        yield Problem(f"{kind}:{automation.name}", "error", what, where, since, path, remedy)


def _failing_since(instance: dg.DagsterInstance, selector_id: str) -> float:
    """Return the time of the first failed tick since the last good one, among the last thousand."""
    ticks = instance.get_tick_summaries("", selector_id, limit=MAX_TICKS)
    finished = [one for one in ticks if one.status.value != "STARTED"]
    failed = takewhile(lambda one: one.status.value == "FAILURE", finished)
    return min(one.timestamp for one in failed)


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
