"""One look at everything: what is wrong with runs, checks, data, automation and the daemon."""

import datetime as dt
from dataclasses import dataclass, replace

import dagster as dg
from sqlalchemy import Connection, text

from pipelines.config import Settings
from pipelines.failures import redact
from pipelines.ingest.file_loader import rejected_files
from pipelines.orchestration.operations import problems
from pipelines.orchestration.run_failures import shown
from pipelines.postgres.errors import translated
from pipelines.source import by_seniority, sources
from pipelines.warehouse import last_look
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.last_look import Look, Problem
from pipelines.warehouse.sql_files import read_sql

#: The sensor that looks.
SENSOR = "alerts"


@dataclass(frozen=True)
class Tables:
    """What the warehouse knows: what the last look found, and what is wrong with the data."""

    before: Look | None
    problems: list[Problem]


def read_tables(connection: Connection) -> Tables:
    """Read what a look needs from the warehouse. A source that is off is neither late nor quiet."""
    settings = Settings.current()
    on = {one.name for one in sources().values() if one.settings.is_set_up(settings)}
    found = [
        one
        for one in data_problems(connection)
        if one.source in on or not one.key.startswith(("freshness:", "quiet:"))
    ]
    return Tables(last_look.read(connection), found)


def look(
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    tables: Tables | None,
    now: dt.datetime,
    *,
    is_by_daemon: bool = False,
) -> Look:
    """Return what is wrong, worst first, each since when the last look had it."""
    before = tables.before if tables else None
    found = [*problems.find_problems(instance, repository), *(tables.problems if tables else ())]
    if is_by_daemon:  # whoever looks is running again
        found = [one for one in found if one.key != f"sensor:{SENSOR}"]
    else:
        found += problems.of_daemon(instance, now)
    since = {one.key: one.since for one in before.problems} if before else {}
    known = [
        replace(one, since=since.get(one.key, one.since), source=one.source or _source_of(one))
        for one in found
    ]
    known.sort(key=lambda one: (one.severity, one.since, one.key))
    return Look(now, known, is_by_daemon)


def data_problems(connection: Connection) -> list[Problem]:
    """Return what the tables know to be wrong with the data."""
    query = text(read_sql("pipelines.orchestration.operations", "data_problems"))
    found = [*connection.execute(query)]
    for file in rejected_files(connection):
        source, name = file["source"], file["name"]
        what = f"The file {name} was rejected: {file['problem']}"
        key, remedy = f"rejected file:{source}:{name}", "Correct or remove the file."
        found.append((key, "warning", source, what, f"file {name}", file["looked_at"], remedy))
    return [
        Problem(key, severity, shown(what), redact(where), since, "", remedy, source)
        for key, severity, source, what, where, since, remedy in found
    ]


def tables_of(store: Warehouse) -> Tables:
    """Read what a look needs from the warehouse. Raises `Failure`."""
    problem = "what is wrong with the data cannot be read"
    with translated("database", problem, place=store.place), store.engine.connect() as connection:
        return read_tables(connection)


def _source_of(problem: Problem) -> str | None:
    """Return the source whose job, table, view or check a problem is about."""
    _, _, place = problem.key.partition(":")
    subject, _, check = place.partition(":")
    schema = subject.partition(".")[0]
    for source in by_seniority():
        declared = any(one.on == subject and one.name == check for one in source.checks)
        jobs = (source.name, *(one.audit_job for one in source.ledgers))
        if schema in jobs or declared or subject in source.object_files:
            return source.name
    return None
