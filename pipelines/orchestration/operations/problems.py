"""What is wrong at this moment, as Dagster's instance knows it: runs, checks, freshness, looks.

Reads Dagster's storage, which has to be PostgreSQL, with a few queries; changes nothing.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.definitions.asset_key import EntityKey
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.selector import InstigatorSelector
from dagster._core.events.log import EventLogEntry
from dagster._serdes import deserialize_value
from sqlalchemy import Connection, text

from pipelines.orchestration.checks import expectation_and_remedy
from pipelines.orchestration.operations.unresolved_failures import (
    BY_ASSETS,
    RETRY_SECONDS,
    chosen,
    ended_at,
    last_done_at,
    partition_of,
    unrepaired,
)
from pipelines.orchestration.run_failures import said, shown, what_and_remedy, why_run_failed
from pipelines.warehouse.sql_files import read_sql

LOCATION = "pipelines"
RELOAD_SECONDS = 120.0
"""While the code server starts again, the looks that it should take fail once or twice."""
RUN_AGAIN = "See the run's page; when it is mended, run it again. To have it forgotten, delete it."
SEE_CHECK = "See its page, and the table of checks in docs/operations.md."
SEE_WHY_LATE = (
    "See whether its schedule or sensor is on, whether its runs fail, and whether they wait in the"
    " queue."
)
SEE_TICK = "See the tick's page; when it is mended, the next look tells."
SWITCH_ON = "Switch it on in the UI, under Automation."


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be, until it is."""

    key: str
    """Names it as long as it lasts, such as `run:<job>`, `check:<asset>:<check>`."""
    severity: Literal["error", "warning"]
    what: str
    """In one or a few lines."""
    where: str
    """The job, asset, check, sensor or schedule."""
    since: dt.datetime
    path: str
    """Its page in the web UI, such as `/runs/1234`, without the address."""
    remedy: str


def find_problems(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[Problem]:
    """All that is wrong now, worst first."""
    from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

    storage = instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    with storage.connect() as connection:
        found = [
            *_failing_jobs(connection, instance, repository),
            *_failing_checks(connection, repository),
            *_failing_looks(connection, repository),
            *_failed_materialisations(connection, instance, repository),
        ]
    found += _missed_freshness(instance, repository)
    return sorted(found, key=lambda one: (one.severity, one.since, one.key))


def selector_of(repository: dg.RepositoryDefinition, name: str) -> str:
    """What sensors and schedules go by in the storage."""
    return InstigatorSelector(
        location_name=LOCATION, repository_name=repository.name, name=name
    ).get_id()


def _failing_jobs(
    connection: Connection, instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    jobs = [name for name in repository.job_names if name != BY_ASSETS]
    promised_since = time.time() - RETRY_SECONDS
    for row in _rows(connection, "failing_jobs", jobs=jobs, promised_since=promised_since):
        where = _with_partition(f"job {row.name}", row.partition)
        yield _failed_run(instance, row.run_id, f"run:{row.name}", where, row.since)


def _failed_materialisations(
    connection: Connection, instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Of chosen assets, each partition by itself, until all of them were brought up to date."""
    newest: dict[str, dg.RunRecord] = {}
    first: dict[str, dg.RunRecord] = {}
    for record in unrepaired(connection, instance, repository):
        names, partition = _names(record), partition_of(record)
        key = f"materialisation:{_short(f'{names}@{partition}' if partition else names)}"
        newest.setdefault(key, record)
        first[key] = record
    for key, record in newest.items():
        where = f"materialisation of {shown(_names(record), 200)}"
        yield _failed_run(
            instance,
            record.dagster_run.run_id,
            key,
            _with_partition(where, partition_of(record)),
            ended_at(first[key]),
        )


def _failed_run(
    instance: dg.DagsterInstance, run_id: str, key: str, where: str, since: float
) -> Problem:
    what, remedy = what_and_remedy(why_run_failed(instance, run_id), RUN_AGAIN)
    return Problem(key, "error", what, where, _utc(since), f"/runs/{run_id}", remedy)


def _failing_checks(
    connection: Connection, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    graph = repository.asset_graph
    for row in _rows(connection, "failing_checks"):
        asset = dg.AssetKey.from_db_string(row.asset_key)
        assert asset is not None
        key = dg.AssetCheckKey(asset, row.check_name)
        if key not in graph.asset_check_keys:
            continue
        verdict = _evaluation(_event(row.event))
        expected, remedy = expectation_and_remedy(graph.get_check_spec(key).description or "")
        yield Problem(
            key=f"check:{_dotted(asset)}:{key.name}",
            severity="error" if verdict.severity == dg.AssetCheckSeverity.ERROR else "warning",
            what=shown(_found(verdict, expected)),
            where=f"check {key.name} of {_dotted(asset)}",
            since=_utc(_event(row.first_event).timestamp),
            path=_asset_path(asset, view="checks", checkDetail=key.name),
            remedy=remedy or SEE_CHECK,
        )


def _missed_freshness(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Of the assets that have a policy; the daemon judges them every half minute."""
    watched = [node.key for node in repository.asset_graph.asset_nodes if node.freshness_policy]
    states = instance.get_freshness_state_records(watched)
    late = {key: one for key, one in states.items() if one.freshness_state == FreshnessState.FAIL}
    done_at = last_done_at(instance, late.keys()) if late else {}
    for key, state in late.items():
        done = f"last {_utc(done_at[key]):%Y-%m-%d %H:%M} UTC" if key in done_at else "never"
        yield Problem(
            key=f"freshness:{_dotted(key)}",
            severity="error",
            what=f"It was not brought up to date in time ({done}).",
            where=f"asset {_dotted(key)}",
            since=state.updated_at,
            path=_asset_path(key, view="overview"),
            remedy=SEE_WHY_LATE,
        )


def _failing_looks(
    connection: Connection, repository: dg.RepositoryDefinition
) -> Iterator[Problem]:
    """Sensors and schedules of which the last look failed, or that were stopped."""
    from dagster._core.scheduler.instigation import TickData

    defined: list[dg.SensorDefinition | dg.ScheduleDefinition] = [
        *repository.sensor_defs,
        *repository.schedule_defs,
    ]
    looks = {selector_of(repository, one.name): one for one in defined}
    for row in _rows(connection, "failing_looks", selectors=list(looks)):
        look = looks[row.selector_id]
        kind = "sensor" if isinstance(look, dg.SensorDefinition) else "schedule"
        where, path = f"{kind} {look.name}", f"/locations/{LOCATION}/{kind}s/{look.name}"
        if row.is_stopped:
            if look.default_status.value == "RUNNING":
                what = "It was stopped, though it is on by default."
                key = f"stopped:{look.name}"
                yield Problem(key, "warning", what, where, row.changed_at, path, SWITCH_ON)
            continue
        tick, first = (deserialize_value(body, TickData) for body in (row.tick, row.first_tick))
        since = _utc(first.timestamp)
        age = dt.datetime.now(dt.UTC) - since
        error = tick.error.cls_name if tick.error else None
        is_reload = error == "DagsterUserCodeUnreachableError"
        if is_reload and age.total_seconds() < RELOAD_SECONDS:
            continue
        if error == "DagsterCodeLocationNotFoundError":  # it waited while the daemon was stopped
            continue
        what, remedy = what_and_remedy(
            said(tick.error) if tick.error else "The look failed.", SEE_TICK
        )
        yield Problem(f"{kind}:{look.name}", "error", what, where, since, path, remedy)


def _rows(connection: Connection, name: str, **parameters: Any) -> Sequence[Any]:
    query = text(read_sql("pipelines.orchestration.operations", name))
    return connection.execute(query, parameters).all()


def _event(body: str) -> EventLogEntry:
    return deserialize_value(body, EventLogEntry)


def _evaluation(event: EventLogEntry) -> AssetCheckEvaluation:
    evaluation = event.get_dagster_event().event_specific_data
    assert isinstance(evaluation, AssetCheckEvaluation)
    return evaluation


def _found(verdict: AssetCheckEvaluation, expected: str | None) -> str:
    offending = verdict.metadata.get("offending")
    found = f"Found {offending.value}" if offending else "It failed"
    if verdict.description:
        return f"{found}: {verdict.description}"
    return f"{found}; expected: {expected}" if expected else f"{found}."


def _dotted(key: dg.AssetKey) -> str:
    return ".".join(key.path)


def _names(record: dg.RunRecord) -> str:
    return ", ".join(sorted(_name(key) for key in chosen(record)))


def _name(key: EntityKey) -> str:
    if isinstance(key, dg.AssetKey):
        return _dotted(key)
    assert isinstance(key, dg.AssetCheckKey)
    return f"{_dotted(key.asset_key)}:{key.name}"


def _short(names: str) -> str:
    """The names, or what stands for them where they are many."""
    return names if len(names) <= 100 else hashlib.sha256(names.encode()).hexdigest()[:16]


def _asset_path(key: dg.AssetKey, **query: str) -> str:
    return f"/assets/{'/'.join(quote(part, safe='') for part in key.path)}?{urlencode(query)}"


def _with_partition(where: str, partition: str | None) -> str:
    return f"{where}, partition {shown(partition, 100)}" if partition else where


def _utc(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
