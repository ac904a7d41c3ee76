"""Collect what `isobar status` shows. Read-only: nothing is started, migrated, created or written.

What is wrong with runs, checks, data, automation and the daemon is in the last look, which is some
seconds old while the daemon runs. If it is old, or there is none, this looks itself. It adds what
it sees of databases, processes and disks.
"""

import datetime as dt
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from pipelines.config import INSTANCE, Settings
from pipelines.failures import Failure, NotReady, redact
from pipelines.isolation import SOURCE_ERRORS
from pipelines.orchestration.operations.broken import of_broken_sources
from pipelines.postgres.process_identity import find, read_noted_ui
from pipelines.source import check_sources, sources
from pipelines.status import databases
from pipelines.status.databases import READABLE, Data
from pipelines.warehouse.last_look import Look, Problem, Severity

GIB = 2**30
#: PostgreSQL's write-ahead log alone may use 4 GiB.
LITTLE_BYTES, TOO_LITTLE_BYTES = 5 * GIB, GIB
#: A daemon that is younger may not have given a sign of life yet.
STARTING_SECONDS = 75.0
MIGRATE = (
    "Run isobar migrate. If that is not enough, isobar sources check names what differs in tables"
    " of plug-ins."
)
#: What is wrong with a database by its schema, what to do, and how bad it is.
SCHEMAS: Mapping[str, tuple[str, str, Severity]] = {
    "missing": ("it is empty", "Run make run (isobar run), which fills it.", "error"),
    "behind": ("its tables are of older code", MIGRATE, "error"),
    "foreign": (
        "its tables are of code that this clone does not know",
        "Update this clone, or restore a backup. One of Isobar 1.0 or 2.0 is not upgraded.",
        "error",
    ),
    "other views": ("its views are of other code", MIGRATE, "warning"),
}
NAMES = {"database": "The database", "dagster_storage": "Dagster's storage"}
START_AGAIN = "Start isobar ui again (make ui); it ends what is left of the last one first."
UNKNOWN: Mapping[str, Any] = dict.fromkeys(
    ("last_success_at", "is_overdue", "promised_seconds", "last_delivery_at", "in_quarantine")
)


@dataclass(frozen=True)
class ProcessFact:
    """A process that `isobar ui` recorded."""

    name: str
    pid: int
    is_alive: bool
    started_at: dt.datetime


def collect(settings: Settings, now: dt.datetime) -> dict[str, Any]:
    """Look at every part; return what `isobar status --help` lists, worst problems first."""
    check_sources(settings)
    facts, data, problems = _databases(settings, now)
    look = data.look
    url, processes = noted_processes(settings.state)
    disks = _disks(settings)
    found = [
        *problems,
        *of_processes(processes, now),
        *of_disks(disks, now),
        *of_broken_sources(now),
        *(look.problems if look else []),
    ]
    if any(one.name == "daemon" and _is_starting(one, now) for one in processes):
        found = [one for one in found if one.key != "status:daemon"]
    first: dict[str, Problem] = {}
    for one in found:
        first.setdefault(one.key, one)  # as it is now, before as it was noted
    ordered = sorted(first.values(), key=worst_first)
    parts: dict[str, Mapping[str, Any]] = {
        **facts,
        "processes": {"url": url, "processes": [asdict(one) for one in processes]},
        "daemon": {},
        "disks": {"places": disks},
    }
    unseen = {"daemon"} if look is None else set()
    unseen |= set() if processes else {"processes"}
    return {
        "status": status_of(ordered),
        "checked_at": now,
        "looked_at": look.looked_at if look else None,
        "problems": ordered,
        **{
            name: {"status": None if name in unseen else _status_of(name, part, ordered), **part}
            for name, part in parts.items()
        },
        "sources": [source_facts(name, data.sources, settings, now) for name in sources()],
    }


def unconfigured(failure: Failure, now: dt.datetime) -> dict[str, Any]:
    """Return the document for an invalid environment, in which nothing can be inspected."""
    where, remedy = failure.place, failure.remedy
    problem = _trouble("configuration", f"{failure.problem} ({where})", where, remedy, now)
    return {"status": "bad", "checked_at": now, "problems": [problem]}


def worst_first(problem: Problem) -> tuple[str, float]:
    """Sort errors before warnings, and the newest first."""
    return problem.severity, -problem.since.timestamp()


def status_of(problems: Iterable[Problem]) -> str:
    """Return the worst severity as a status."""
    severities = {problem.severity for problem in problems}
    return "bad" if "error" in severities else "warning" if severities else "ok"


def noted_processes(state: Path) -> tuple[str | None, list[ProcessFact]]:
    """Return the URL of the web UI on this machine if it runs, and its processes.

    Both are empty if it was never started, or was stopped cleanly.
    """
    url, noted = read_noted_ui(state)
    facts = []
    try:
        for name, words in noted.items():
            pid, _, began = words.partition(" since ")
            started_at = dt.datetime.fromtimestamp(float(began), dt.UTC)
            facts.append(ProcessFact(name, int(pid), find(words) is not None, started_at))
    except ValueError:  # written by another version
        return None, []
    is_up = any(one.name == "web server" and one.is_alive for one in facts)
    return url if is_up else None, facts


def of_processes(found: Sequence[ProcessFact], now: dt.datetime) -> Iterator[Problem]:
    """Yield that processes of `isobar ui` have ended; nothing if it does not run here."""
    dead = [one.name for one in found if not one.is_alive]
    if not dead:
        return
    remedy = "isobar ui starts it again in a second; if it does not, read its log in .isobar."
    if "isobar ui" in dead:
        remedy = START_AGAIN
    what = f"Processes of isobar ui have ended: {', '.join(dead)}"
    yield _trouble("processes", what, ".isobar/ui.json", remedy, now)
    if "daemon" in dead:
        yield _trouble("daemon", "The daemon has ended", "", remedy, now)


def of_disks(found: Sequence[Mapping[str, Any]], now: dt.datetime) -> Iterator[Problem]:
    """Yield the file systems with little free space."""
    for disk in found:
        if (free := disk["free_bytes"]) < LITTLE_BYTES:
            severity: Severity = "error" if free < TOO_LITTLE_BYTES else "warning"
            what = f"Only {free / GIB:.1f} GiB are free for the {disk['what']}"
            remedy = "Free some space; a full disk stops the database."
            yield _trouble(f"disks:{disk['what']}", what, disk["path"], remedy, now, severity)


def of_schema(part: str, facts: Mapping[str, Any], now: dt.datetime) -> Iterator[Problem]:
    """Yield what is wrong with the tables and views of a database."""
    if facts["schema"] in SCHEMAS:
        words, remedy, severity = SCHEMAS[facts["schema"]]
        yield _trouble(part, f"{NAMES[part]}: {words}", facts["place"], remedy, now, severity)


def source_facts(
    name: str, known: Mapping[str, Mapping[str, Any]], settings: Settings, now: dt.datetime
) -> dict[str, Any]:
    """Return the facts about a source; null is not known, and nothing is promised of one off."""
    is_on = sources()[name].settings.is_set_up(settings)
    facts = {"name": name, "is_on": is_on, "remarks": [], **known.get(name, UNKNOWN)}
    at = facts["last_success_at"]
    facts["age_seconds"] = round((now - at).total_seconds(), 1) if at else None
    return facts if is_on else facts | {"is_overdue": None, "promised_seconds": None}


def _trouble(
    key: str, what: str, where: str, remedy: str, now: dt.datetime, severity: Severity = "error"
) -> Problem:
    return Problem(f"status:{key}", severity, what, where, now, "", remedy)


def _databases(
    settings: Settings, now: dt.datetime
) -> tuple[dict[str, Mapping[str, Any]], Data, list[Problem]]:
    """Return the facts about both databases, what the warehouse has, and what is wrong."""
    problems: list[Problem] = []
    data, url = Data(), ""
    try:
        storage, url = databases.probe_storage(settings)
        problems += of_schema("dagster_storage", storage, now)
    except Failure as failure:
        storage = _unreachable(failure)
        if settings.has_builtin_server and not settings.dagster_postgres_url:
            # It is one server, which is not waited for again.
            problem = _of_unreachable("database", failure, now)
            return {"database": storage, "dagster_storage": storage}, data, [problem]
        problems.append(_of_unreachable("dagster_storage", failure, now))
    try:
        with databases.warehouse(settings) as connection:
            warehouse, data = databases.probe_warehouse(connection)
            problems += of_schema("database", warehouse, now)
            is_fresh = data.look is not None and data.look.is_fresh(now)
            if storage["schema"] == "current" and not is_fresh:
                read = connection if warehouse["schema"] in READABLE else None
                data = replace(data, look=_look(settings, url, read, now))
    except Failure as failure:
        warehouse = _unreachable(failure)
        if warehouse["error"] == storage["error"]:  # it is one server
            problems.clear()
        problems.append(_of_unreachable("database", failure, now))
    return {"database": warehouse, "dagster_storage": storage}, data, problems


def _unreachable(failure: Failure) -> dict[str, Any]:
    schema = "missing" if isinstance(failure, NotReady) else None
    return {
        **databases.UNREACHABLE,
        "place": failure.place,
        "error": failure.problem,
        "schema": schema,
    }


def _of_unreachable(part: str, failure: Failure, now: dt.datetime) -> Problem:
    what = f"{NAMES[part]}: {failure.problem}"
    return _trouble(part, what, failure.place, failure.remedy, now)


def _look(
    settings: Settings, storage_url: str, connection: Connection | None, now: dt.datetime
) -> Look:
    """Look at everything, as the daemon does, in read-only sessions."""
    from pipelines.orchestration.instance import instance_on
    from pipelines.orchestration.operations.look import look, read_tables

    home = settings.dagster_home
    config = home if (home / INSTANCE.name).exists() else INSTANCE.parent
    try:
        from pipelines.definitions import definitions  # which reads schedules.toml

        tables = read_tables(connection) if connection else None
        with instance_on(storage_url, home, config) as instance:
            return look(instance, definitions.get_repository_def(), tables, now)
    except SOURCE_ERRORS as error:
        words, remedy = f"{type(error).__name__}: {error}", "Fix the reported error."
        if isinstance(error, Failure):
            words, remedy = f"{error.problem} ({error.place})", error.remedy
        what = f"It could not be seen what is wrong: {redact(words)}"
        return Look(now, [_trouble("problems", what, "", remedy, now)])


def _status_of(part: str, facts: Mapping[str, Any], problems: Iterable[Problem]) -> str:
    """Return the status of a part. A database may be reported with the other one."""
    mine = [one for one in problems if one.key.split(":")[:2] == ["status", part]]
    return "bad" if facts.get("is_reachable") is False else status_of(mine)


def _is_starting(process: ProcessFact, now: dt.datetime) -> bool:
    return process.is_alive and (now - process.started_at).total_seconds() < STARTING_SECONDS


def _disks(settings: Settings) -> list[dict[str, Any]]:
    """Return the file systems of the state folder and the built-in server's data, each once."""
    places = {"state folder": settings.state}
    if settings.has_builtin_server:
        places["database"] = settings.builtin_server().home
    disks: dict[int, dict[str, Any]] = {}
    for what, path in places.items():
        there = next(one for one in (path, *path.parents) if one.exists())
        usage = shutil.disk_usage(there)
        sizes = {"free_bytes": usage.free, "total_bytes": usage.total}
        disks.setdefault(there.stat().st_dev, {"what": what, "path": str(there), **sizes})
    return list(disks.values())
