"""Rules of `isobar status` for what it looks at itself: databases, processes, disks.

No clock, no connections, no processes: `collect` gathers the facts. All else is in the last look
(`pipelines.warehouse.last_look`).
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.failures import Failure
from pipelines.migrations.apply import Condition
from pipelines.warehouse.last_look import Problem, Severity

GIB = 2**30
#: PostgreSQL's write-ahead log alone may use 4 GiB.
LITTLE_BYTES, TOO_LITTLE_BYTES = 5 * GIB, GIB


@dataclass(frozen=True)
class Database:
    """Facts about the warehouse or Dagster's storage."""

    part: Literal["database", "dagster_storage"]
    place: str = ""
    is_reachable: bool = False
    server_version: str | None = None
    size_bytes: int | None = None
    #: Whether it is a standby, which takes no writes.
    is_standby: bool = False
    schema: Condition | None = None
    error: str | None = None
    remedy: str | None = None


@dataclass(frozen=True)
class ProcessFact:
    """A process that `isobar ui` recorded."""

    name: str
    pid: int
    state: Literal["alive", "stopped", "dead"]
    started_at: dt.datetime | None


@dataclass(frozen=True)
class Disk:
    """A file system that Isobar writes to."""

    what: str
    path: str
    free_bytes: int
    total_bytes: int


def trouble(
    key: str,
    what: str,
    where: str,
    remedy: str,
    since: dt.datetime,
    *,
    severity: Severity = "error",
    path: str = "",
) -> Problem:
    """Create a platform problem. Most of them have no page in the web UI."""
    return Problem(f"status:{key}", severity, what, where, since, path, remedy)


def of_remarks(lines: Iterable[str], now: dt.datetime) -> list[Problem]:
    """Return a warning for each part of the configuration that has no effect."""
    remedy = "Correct or remove it, or install and fix the source that it is for."
    return [trouble(f"remark:{line}", line, "", remedy, now, severity="warning") for line in lines]


def of_configuration(failure: Failure, now: dt.datetime) -> Problem:
    """Return the problem of an invalid variable."""
    return trouble("configuration", failure.problem, failure.place, failure.remedy, now)


def of_database(found: Database, now: dt.datetime) -> list[Problem]:
    """Return the problems of the warehouse or Dagster's storage."""
    name = {"database": "The database", "dagster_storage": "Dagster's storage"}[found.part]
    if not found.is_reachable:
        what = f"{name}: {found.error or 'it does not answer'}"
        remedy = found.remedy or "See whether the server is up."
        return [trouble(found.part, what, found.place, remedy, now)]
    migrate = "Run isobar migrate, which says what is wrong if that is not enough."
    verdicts: dict[Condition | None, tuple[str, str, Severity]] = {
        "missing": ("it is empty", "Run make run (isobar run), which fills it.", "error"),
        "behind": ("its tables are of older code", migrate, "error"),
        "foreign": (
            "its tables are of code that this clone does not know",
            (
                "Update this clone. To go back to an older version, restore a backup. One of"
                " Isobar 1.0 or 2.0 is not upgraded: start anew with an empty one."
            ),
            "error",
        ),
        "other views": ("its views are of other code", migrate, "warning"),
    }
    problems = []
    if found.is_standby:
        what = f"{name}: the server is read-only, a standby"
        variable = "DATABASE_URL" if found.part == "database" else "DAGSTER_POSTGRES_URL"
        primary = f"Set {variable} to the primary."
        problems.append(trouble(f"{found.part}:standby", what, found.place, primary, now))
    if found.schema in verdicts:
        what, remedy, severity = verdicts[found.schema]
        problems.append(
            trouble(found.part, f"{name}: {what}", found.place, remedy, now, severity=severity)
        )
    return problems


def of_processes(found: Sequence[ProcessFact], now: dt.datetime) -> list[Problem]:
    """Return dead or stopped processes of `isobar ui`; none if it does not run here."""
    is_watched = any(one.name == "isobar ui" and one.state == "alive" for one in found)
    again = "Start isobar ui again (make ui); it ends what is left of the last one first."
    problems = []
    for one in found:
        key = "daemon:process" if one.name == "daemon" else f"processes:{one.name}"
        who, where = f"The {one.name}", f"process {one.pid}"
        if one.name == "isobar ui":
            who = "isobar ui, which starts again what ends,"
        if one.state == "stopped":
            remedy = f"Continue it: kill -CONT {one.pid}"
            problems.append(trouble(key, f"{who} is stopped", where, remedy, now))
        elif one.state == "dead":
            log = f".isobar/{one.name.replace(' ', '_')}.log"
            watched = f"isobar ui starts it again in a second; if it does not, read {log}."
            remedy = watched if is_watched else again
            problems.append(trouble(key, f"{who} has ended", where, remedy, now))
    if found and all(one.state == "dead" for one in found):
        what = "isobar ui was killed, and all of its processes have ended"
        killed = trouble("processes", what, ".isobar/ui.json", again, now)
        return [killed, *(one for one in problems if one.key == "status:daemon:process")]
    return problems


def of_disks(found: Sequence[Disk], now: dt.datetime) -> list[Problem]:
    """Return the file systems with little free space."""
    return [
        trouble(
            f"disks:{disk.what}",
            f"Only {disk.free_bytes / GIB:.1f} GiB are free for the {disk.what}",
            disk.path,
            "Free some space; a full disk stops the database.",
            now,
            severity="error" if disk.free_bytes < TOO_LITTLE_BYTES else "warning",
        )
        for disk in found
        if disk.free_bytes < LITTLE_BYTES
    ]


def status_of(problems: Iterable[Problem]) -> Literal["ok", "warning", "bad"]:
    """Return the worst severity as a status."""
    severities = {problem.severity for problem in problems}
    return "bad" if "error" in severities else "warning" if severities else "ok"
