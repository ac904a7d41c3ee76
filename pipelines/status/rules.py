"""Rules of `isobar status`: facts about each part in, problems out.

No clock, no connections, no processes: `collect` gathers the facts. Runs, checks, freshness,
sensors and schedules of Dagster are evaluated in `problems`.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.config import RUN_SECONDS
from pipelines.failures import Failure
from pipelines.migrations.apply import Condition
from pipelines.orchestration.format_duration import span_in_words
from pipelines.orchestration.operations.problems import Problem
from pipelines.orchestration.run_failures import KEPT

#: Daemon heartbeats come every half minute; a daemon that missed two is late.
BEAT_SECONDS = 75.0
#: A single thread may be busy for a while if the others send heartbeats.
HANGS_SECONDS = 300.0
QUEUED_SECONDS = 900.0
#: Half of the time after which runs are ended by default.
UNDER_WAY_SECONDS = RUN_SECONDS / 2
GIB = 2**30
#: PostgreSQL's write-ahead log alone may use 4 GiB.
LITTLE_BYTES, TOO_LITTLE_BYTES = 5 * GIB, GIB
START = "Start it: isobar ui (make ui)."


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
    #: Memory that the server keeps for its own cache.
    shared_buffers_bytes: int | None = None
    #: Servers that follow this one, and by how many seconds the last one is behind.
    replicas: int = 0
    replica_lag_seconds: float | None = None
    schema: Condition | None = None
    #: Plug-ins whose tables or views are not those of their code.
    outdated: tuple[str, ...] = ()
    #: What others have built on views, functions and tables of Isobar.
    built_on: tuple[str, ...] = ()
    #: Views and functions that could not be upgraded because of that.
    not_upgraded: tuple[str, ...] = ()
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
class Heartbeat:
    """The last heartbeat of one of the daemon's threads; `at` is None if there was none."""

    name: str
    at: dt.datetime | None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Code:
    """Whether the definitions load, in the web server (its URL) and in this process."""

    web_server: str | None = None
    is_loaded: bool | None = None
    error: str | None = None
    own_error: str | None = None
    #: Jobs of this clone that the web server does not have.
    missing_jobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Runs:
    """Unfinished runs."""

    queued: int | None
    under_way: int | None
    oldest_queued_at: dt.datetime | None
    oldest_under_way_at: dt.datetime | None


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
    severity: Literal["error", "warning"] = "error",
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
    verdicts: dict[Condition | None, tuple[str, str, Literal["error", "warning"]]] = {
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
        plugins = f" ({', '.join(found.outdated)})" if found.outdated else ""
        what = f"{name}: {what}{plugins}"
        problems.append(trouble(found.part, what, found.place, remedy, now, severity=severity))
    if found.schema in ("behind", "other views") and found.built_on:
        what = f"Others have built on the views that are to be upgraded: {few(found.built_on)}"
        remedy = (
            "Where columns that they use change, the former view stays, or the migration stops and"
            " names them: drop them, migrate, and create them again."
        )
        key = f"{found.part}:built_on"
        problems.append(trouble(key, what, found.place, remedy, now, severity="warning"))
    if found.not_upgraded:
        what = f"Not upgraded, as others have built on them: {', '.join(found.not_upgraded)}"
        names = {name.partition("(")[0] for name in found.not_upgraded}
        using = [one for one in found.built_on if one.rpartition(" on ")[2] in names]
        remedy = f"Drop or change {few(using or found.built_on)}, then run isobar migrate."
        key = f"{found.part}:not_upgraded"
        problems.append(trouble(key, what, found.place, remedy, now, severity="warning"))
    return problems


def few(names: Sequence[str]) -> str:
    """Return the first few names, in words."""
    more = [f"and {len(names) - 5} more (isobar status --json)"] if len(names) > 5 else []
    return "; ".join([*names[:5], *more])


def of_slow(seconds: Mapping[str, float], now: dt.datetime) -> list[Problem]:
    """Return the parts that answered only with more time; the key names the part."""
    names = {
        "database": "The database",
        "dagster_storage": "Dagster's storage",
        "code_location": "The web server",
        "runs": "Dagster's state",
    }
    return [
        trouble(
            f"{part}:slow",
            f"{names[part]} is slow: it answered at the second attempt, after {waited:.0f} s",
            "",
            "Nothing has failed. See what keeps the machine busy, such as a backfill.",
            now,
            severity="warning",
        )
        for part, waited in seconds.items()
    ]


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


def of_daemon(
    beats: Sequence[Heartbeat], processes: Sequence[ProcessFact], now: dt.datetime
) -> list[Problem]:
    """Return whether the daemon is alive, by its heartbeats; a new one may have none yet."""
    process = next((one for one in processes if one.name == "daemon"), None)
    if process and process.state != "alive":
        return []  # reported with the processes
    if process and process.started_at and _age(process.started_at, now) < BEAT_SECONDS:
        return []
    beat_at = [beat.at for beat in beats if beat.at is not None]
    if not beat_at:
        what = "No daemon has run yet: schedules and sensors start no runs"
        return [trouble("daemon", what, "", START, now, severity="warning")]
    if (age := _age(max(beat_at), now)) > BEAT_SECONDS:
        what = f"The daemon is dead or stands still: no sign of life for {span_in_words(age)}"
        remedy = "Read .isobar/daemon.log, and kill it: isobar ui starts it again."
        return [trouble("daemon", what, "", remedy if process else START, max(beat_at))]
    return [
        problem for beat in beats for problem in _of_beat(beat, now, is_here=process is not None)
    ]


def _of_beat(beat: Heartbeat, now: dt.datetime, *, is_here: bool) -> list[Problem]:
    """Return the problem of one thread of a live daemon."""
    age = _age(beat.at, now) if beat.at else HANGS_SECONDS
    severity: Literal["error", "warning"] = "error" if age > HANGS_SECONDS else "warning"
    if age > BEAT_SECONDS:
        since = span_in_words(age) if beat.at else "ever"
        what = f"{beat.name} of the daemon: no sign of life for {since}"
    elif beat.errors:
        what = f"{beat.name} of the daemon: {beat.errors[0]}"
    else:
        return []
    remedy = (
        "Read .isobar/daemon.log; to have it started again, kill the daemon."
        if is_here
        else "No daemon runs on this machine: start isobar ui (make ui). If one runs on another"
        " machine, read its log there and restart it."
    )
    key, begun_at = f"daemon:{beat.name}", beat.at or now
    return [trouble(key, what, beat.name, remedy, begun_at, severity=severity)]


#: What to do if the web server was started before a source was installed.
LACKS = "Start isobar ui again, with the settings of this command."
#: How changed code is loaded.
ANEW = "Start isobar ui again; with dagster dev, reload the code location in the UI."


def of_code(found: Code, now: dt.datetime) -> list[Problem]:
    """Return whether this clone's definitions load, and whether the web server loaded its own."""
    problems = []
    if found.web_server and found.error:
        what = f"The web server: {found.error}"
        remedy = f"Fix the reported error. {ANEW}"
        problems.append(trouble("code_location", what, found.web_server, remedy, now))
    elif found.web_server and found.missing_jobs:
        what = f"The web server lacks jobs of this clone: {few(found.missing_jobs)}"
        one = trouble("code_location:lacks", what, found.web_server, LACKS, now, severity="warning")
        problems.append(one)
    is_reported = bool(problems) and (found.own_error or "") in (found.error or "")
    if found.own_error and not is_reported:
        what = f"The definitions of this clone do not load: {found.own_error}"
        where = "pipelines.definitions"
        problems.append(
            trouble(
                "code_location:own",
                what,
                where,
                "Fix the reported error; runs fail until then.",
                now,
            )
        )
    return problems


def of_runs(found: Runs, now: dt.datetime) -> list[Problem]:
    """Return whether runs are queued or in progress for too long."""
    problems = []
    if (at := found.oldest_queued_at) and (age := _age(at, now)) > QUEUED_SECONDS:
        what = f"A run has been waiting in the queue for {span_in_words(age)}"
        remedy = "See in the UI what runs before it, and whether the daemon lives."
        path = "/runs?q=status:QUEUED"
        one = trouble("runs:queued", what, "", remedy, at, severity="warning", path=path)
        problems.append(one)
    if (at := found.oldest_under_way_at) and (age := _age(at, now)) > UNDER_WAY_SECONDS:
        what = f"A run has been under way for {span_in_words(age)}"
        remedy = f"Terminate it in the UI; {KEPT}."
        path = "/runs?q=status:STARTED"
        one = trouble("runs:hangs", what, "", remedy, at, severity="warning", path=path)
        problems.append(one)
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


def _age(at: dt.datetime, now: dt.datetime) -> float:
    return (now - at).total_seconds()
