"""Collect what `isobar status` shows. Read-only: nothing is started, migrated, created or written.

What is wrong with runs, checks, data, automation and the daemon is in the last look, which is some
seconds old while the daemon runs. If it is old, or there is none, this looks itself.
"""

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection

from pipelines.config import INSTANCE, Settings
from pipelines.failures import Failure, NotReady, redact
from pipelines.isolation import SOURCE_ERRORS, remarks
from pipelines.migrations.apply import Condition
from pipelines.orchestration.operations.broken import of_broken_sources
from pipelines.source import check_sources, sources
from pipelines.status import rules
from pipelines.status.databases import Facts, probe_storage, probe_warehouse, warehouse
from pipelines.status.rules import Database, Disk, ProcessFact
from pipelines.status.web_ui import noted_processes
from pipelines.warehouse.last_look import Look, Problem

STARTING_SECONDS = 75.0


@dataclass
class Status:
    """Everything that was collected, and the problems, worst first."""

    checked_at: dt.datetime
    problems: list[Problem] = field(default_factory=list)
    #: False if the environment is invalid, so that nothing could be inspected.
    is_inspected: bool = True
    warehouse: Database = field(default_factory=lambda: Database("database"))
    storage: Database = field(default_factory=lambda: Database("dagster_storage"))
    sources: Sequence[Mapping[str, Any]] = ()
    quarantine: Mapping[str, int] = field(default_factory=dict)
    processes: list[ProcessFact] = field(default_factory=list)
    #: Of the web UI of this machine.
    url: str | None = None
    look: Look | None = None
    disks: list[Disk] = field(default_factory=list)
    sources_off: set[str] = field(default_factory=set)


def collect(settings: Settings, now: dt.datetime) -> Status:
    """Look at every part."""
    check_sources(settings)
    off = {one.name for one in sources().values() if not one.settings.is_set_up(settings)}
    status = Status(now, sources_off=off)
    status.url, status.processes = noted_processes(settings.state)
    status.disks = _disks(settings)
    storage_failure: Failure | None = None
    try:
        status.storage, storage_url = probe_storage(settings)
    except Failure as failure:
        status.storage, storage_url = _unreachable("dagster_storage", failure), ""
        storage_failure = failure
    try:
        if storage_failure and settings.has_builtin_server and not settings.dagster_postgres_url:
            raise storage_failure  # of the one server: it is not waited for again
        with warehouse(settings) as connection:
            facts = probe_warehouse(connection)
            status.look = facts.look
            is_fresh = facts.look is not None and facts.look.is_fresh(now)
            if not is_fresh and status.storage.schema == "current":
                status.look = _look(settings, storage_url, connection, facts, now)
    except Failure as failure:
        facts = Facts(_unreachable("database", failure))
        if status.storage.schema == "current":
            status.look = _look(settings, storage_url, None, facts, now)
    status.warehouse, status.sources = facts.database, facts.sources
    status.quarantine = facts.quarantine
    status.problems = sorted(_problems(status), key=worst_first)
    return status


def worst_first(problem: Problem) -> tuple[str, float]:
    """Sort errors before warnings, and the newest first, because the report shows few warnings."""
    return problem.severity, -problem.since.timestamp()


def unconfigured(failure: Failure, now: dt.datetime) -> Status:
    """Return the status for an invalid environment, in which nothing can be inspected."""
    return Status(now, [rules.of_configuration(failure, now)], is_inspected=False)


def _look(
    settings: Settings,
    storage_url: str,
    connection: Connection | None,
    facts: Facts,
    now: dt.datetime,
) -> Look:
    """Look at everything, as the daemon does, in read-only sessions."""
    from pipelines.orchestration.instance import instance_on
    from pipelines.orchestration.operations.look import look, read_tables

    home = settings.dagster_home
    config = home if (home / INSTANCE.name).exists() else INSTANCE.parent
    can_read = facts.database.schema in ("current", "other views")
    try:
        from pipelines.definitions import definitions  # which reads schedules.toml

        repository = definitions.get_repository_def()
        tables = read_tables(connection) if connection and can_read else None
        with instance_on(storage_url, home, config) as instance:
            return look(instance, repository, tables, now)
    except SOURCE_ERRORS as error:
        words, remedy = f"{type(error).__name__}: {error}", "Fix the reported error."
        if isinstance(error, Failure):
            words, remedy = f"{error.problem} ({error.place})", error.remedy
        what = f"It could not be seen what is wrong: {redact(words)}"
        return Look(now, [rules.trouble("problems", what, "", remedy, now)])


def _problems(status: Status) -> list[Problem]:
    now, error = status.checked_at, status.storage.error
    is_reported = error is not None and error == status.warehouse.error
    found = [
        *rules.of_database(status.warehouse, now),
        *([] if is_reported else rules.of_database(status.storage, now)),
        *rules.of_processes(status.processes, now),
        *rules.of_disks(status.disks, now),
        *rules.of_remarks(remarks(), now),
        *of_broken_sources(now),
        *(status.look.problems if status.look else []),
    ]
    if _is_daemon_judged(status.processes, now):
        found = [one for one in found if one.key != "status:daemon"]
    first: dict[str, Problem] = {}
    for one in found:
        first.setdefault(one.key, one)  # as it is now, before as it was noted
    return [*first.values()]


def _is_daemon_judged(processes: Sequence[ProcessFact], now: dt.datetime) -> bool:
    """Return whether the daemon's process says more than its heartbeats: it is dead, or new."""
    return any(
        one.name == "daemon" and (one.state != "alive" or _is_starting(one, now))
        for one in processes
    )


def _is_starting(process: ProcessFact, now: dt.datetime) -> bool:
    at = process.started_at
    return at is not None and (now - at).total_seconds() < STARTING_SECONDS


def _unreachable(part: Literal["database", "dagster_storage"], failure: Failure) -> Database:
    schema: Condition | None = "missing" if isinstance(failure, NotReady) else None
    return Database(
        part, failure.place, schema=schema, error=failure.problem, remedy=failure.remedy
    )


def _disks(settings: Settings) -> list[Disk]:
    """Return the file systems of the state folder and the built-in server's data, each once."""
    places = {"state folder": settings.state}
    if settings.has_builtin_server:
        places["database"] = settings.builtin_server().home
    disks: dict[int, Disk] = {}
    for what, path in places.items():
        there = next(one for one in (path, *path.parents) if one.exists())
        usage = shutil.disk_usage(there)
        disks.setdefault(there.stat().st_dev, Disk(what, str(there), usage.free, usage.total))
    return list(disks.values())
