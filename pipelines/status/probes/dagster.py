"""Read Dagster's state for `isobar status`: heartbeats, schedules, sensors, runs and sources.

The instance is opened read-only, on a storage that is known to exist.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy.exc import OperationalError

from pipelines.config import INSTANCE
from pipelines.failures import redact
from pipelines.orchestration.instance import instance_on
from pipelines.orchestration.operations.problems import (
    CheckHistory,
    Problem,
    check_histories,
    last_ticks,
)
from pipelines.orchestration.orphaned_runs import UNFINISHED
from pipelines.orchestration.resources import utc_at
from pipelines.orchestration.run_failures import innermost_error, shown
from pipelines.orchestration.schedule_config import next_tick
from pipelines.source import sources
from pipelines.status.rules import Heartbeat, Runs, trouble

FindProblems = Callable[[dg.DagsterInstance, dg.RepositoryDefinition], list[Problem]]
MAX_CHARACTERS = 300
MAX_SESSIONS = 5
WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]


@dataclass(frozen=True)
class Instigator:
    """A schedule or sensor."""

    name: str
    kind: str
    is_running: bool
    last_tick_at: dt.datetime | None
    #: Error of the last finished tick.
    error: str | None
    #: Set for running schedules.
    next_tick_at: dt.datetime | None


@dataclass(frozen=True)
class DagsterFacts:
    """Everything read from the Dagster instance."""

    heartbeats: list[Heartbeat]
    runs: Runs
    last_success_at: dict[str, dt.datetime | None]
    instigators: list[Instigator] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    checks: list[CheckHistory] = field(default_factory=list)


def probe_instance(
    home: Path,
    url: str,
    repository: dg.RepositoryDefinition | None,
    find_problems: FindProblems,
    now: dt.datetime,
    seconds: float,
) -> DagsterFacts:
    """Read the instance in Dagster's `home`, whose storage is at `url`.

    Without the definitions, schedules, sensors, freshness and problems are unknown. A query that
    takes longer than `seconds` raises `sqlalchemy.exc.OperationalError`.
    """
    config = home if (home / INSTANCE.name).exists() else INSTANCE.parent
    with instance_on(url, home, config) as instance:
        instance.optimize_for_webserver(int(seconds * 1000), -1, MAX_SESSIONS)  # else one per query
        facts = DagsterFacts(
            _heartbeats(instance),
            _runs(instance),
            {source: _last_success_at(instance, source) for source in sources()},
        )
        if repository is not None:
            facts.instigators.extend(_instigators(instance, repository, now))
            facts.problems.extend(_found(instance, repository, find_problems, now))
            facts.checks.extend(check_histories(instance, repository))
        return facts


def _found(
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    find_problems: FindProblems,
    now: dt.datetime,
) -> list[Problem]:
    try:
        return find_problems(instance, repository)
    except OperationalError:  # cancelled, or the server went away: retried
        raise
    except Exception as error:  # noqa: BLE001 - reported; the other facts remain
        what = f"It could not be seen what is wrong: {redact(f'{type(error).__name__}: {error}')}"
        return [trouble("problems", what, "problems.py", "This is a fault of Isobar.", now)]


def _heartbeats(instance: dg.DagsterInstance) -> list[Heartbeat]:
    """Return the heartbeat of each required daemon, by name."""
    beats = instance.get_daemon_heartbeats()
    facts = []
    for name in sorted(instance.get_required_daemon_types()):
        beat = beats.get(name)
        errors = (
            [shown(error.message, MAX_CHARACTERS) for error in (beat.errors or ())] if beat else []
        )
        facts.append(Heartbeat(name, utc_at(beat.timestamp) if beat else None, tuple(errors)))
    return facts


def _runs(instance: dg.DagsterInstance) -> Runs:
    under_way = [status for status in UNFINISHED if status not in WAITING]

    def oldest(statuses: list[dg.DagsterRunStatus]) -> dt.datetime | None:
        records = instance.get_run_records(
            dg.RunsFilter(statuses=statuses), limit=1, ascending=True
        )
        return records[0].create_timestamp if records else None

    return Runs(
        queued=instance.get_runs_count(dg.RunsFilter(statuses=WAITING)),
        under_way=instance.get_runs_count(dg.RunsFilter(statuses=under_way)),
        oldest_queued_at=oldest(WAITING),
        oldest_under_way_at=oldest(under_way),
    )


def _last_success_at(instance: dg.DagsterInstance, job: str) -> dt.datetime | None:
    succeeded = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])
    for record in instance.get_run_records(succeeded, limit=1):
        return utc_at(record.end_time) if record.end_time else None
    return None


def _instigators(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, now: dt.datetime
) -> list[Instigator]:
    """Return schedules, then sensors, by name."""
    states = {state.instigator_name: state for state in instance.all_instigator_state()}
    declared: list[dg.ScheduleDefinition | dg.SensorDefinition] = [
        *sorted(repository.schedule_defs, key=lambda one: one.name),
        *sorted(repository.sensor_defs, key=lambda one: one.name),
    ]
    facts = []
    for one in declared:
        state = states.get(one.name)
        status = state.status.value if state else "DECLARED_IN_CODE"  # or a person's choice
        is_running = (
            status if status != "DECLARED_IN_CODE" else one.default_status.value
        ) == "RUNNING"
        kind, next_tick_at = "sensor", None
        if isinstance(one, dg.ScheduleDefinition):
            kind = "schedule"
            next_tick_at = next_tick(one, now) if is_running else None
        ticks = last_ticks(instance, state.selector_id, kind) if state else []
        last_tick_at, error = _last_tick(ticks)
        facts.append(Instigator(one.name, kind, is_running, last_tick_at, error, next_tick_at))
    return facts


def _last_tick(ticks: Sequence[Any]) -> tuple[dt.datetime | None, str | None]:
    """Return the time of the last tick, and the error of the last finished one, if any."""
    over = next((tick for tick in ticks if tick.status.value != "STARTED"), None)
    error = over.error if over and over.is_failure else None
    return (
        utc_at(ticks[0].timestamp) if ticks else None,
        shown(innermost_error(error), MAX_CHARACTERS) if error else None,
    )
