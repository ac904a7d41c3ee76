"""Collect the state of every part of Isobar for `isobar status`, without printing it.

Read-only: sessions cannot write, and nothing is started, migrated or created. A probe that fails or
takes more than a few seconds is repeated with a longer limit, half a minute in total. `rules`
evaluates the results.
"""

import datetime as dt
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import dagster as dg

from pipelines.config import PROJECT, Settings, web_server_url
from pipelines.failures import Failure, NotReady, PermanentFailure, TransientFailure, redact
from pipelines.isolation import remarks
from pipelines.migrations.apply import Condition
from pipelines.orchestration.operations.problems import Problem, broken_sources_at
from pipelines.source import check_sources, sources
from pipelines.status import rules
from pipelines.status.probes.dagster import DagsterFacts, FindProblems, probe_instance
from pipelines.status.probes.databases import Ledger, place_of, probe_storage, probe_warehouse
from pipelines.status.probes.web_ui import noted_processes, query_web_server
from pipelines.status.rules import Code, Database, Disk, ProcessFact

#: Time limits of the first attempt of a probe and of its retry: a slow part is not a bad one.
PROBE_SECONDS = (2.5, 10.0)
#: The same for the Dagster instance: many short queries, each limited as above.
INSTANCE_SECONDS = (6.0, 10.0)
#: Pause before the retry if the first attempt failed at once.
PAUSE_SECONDS = 1.0
STARTING_SECONDS = 30.0
T = TypeVar("T")


@dataclass
class Status:
    """Everything that was collected, and the problems, worst first."""

    checked_at: dt.datetime
    problems: list[Problem] = field(default_factory=list)
    #: False if the environment is invalid, so that nothing could be inspected.
    is_inspected: bool = True
    warehouse: Database = field(default_factory=lambda: Database("database"))
    storage: Database = field(default_factory=lambda: Database("dagster_storage"))
    ledger: Ledger = field(default_factory=dict)
    processes: list[ProcessFact] = field(default_factory=list)
    code: Code = field(default_factory=Code)
    dagster: DagsterFacts | None = None
    disks: list[Disk] = field(default_factory=list)
    sources_off: set[str] = field(default_factory=set)
    #: Parts that answered only on the retry, with the seconds it took.
    slow: dict[str, float] = field(default_factory=dict)


class _Probe(Generic[T]):
    """A probe in a thread, retried once with a longer limit if it fails."""

    def __init__(
        self,
        place: str,
        probe: Callable[[float], T],
        limits: Sequence[float] = PROBE_SECONDS,
    ) -> None:
        self.place, self.limits = place, limits
        #: Duration of the answer, if the first attempt was too slow.
        self.slow_seconds: float | None = None
        self._answer: Future[T] = Future()
        threading.Thread(target=self._run, args=[probe], daemon=True).start()

    def result(self) -> T:
        """Return the result. Raises `Failure` for any error of both attempts."""
        try:
            return self._answer.result()
        except Failure:
            raise
        except Exception as error:
            problem = f"it could not be inspected: {_described(error)}"
            remedy = "Fix the reported error; if that is not possible, it is a bug in Isobar."
            if isinstance(error, TimeoutError):
                problem = f"it did not answer within {self.limits[-1]:.0f} s"
                remedy = "See whether it is up, and what it is busy with."
            raise TransientFailure("status", problem, place=self.place, remedy=remedy) from error

    def _run(self, probe: Callable[[float], T]) -> None:
        began = time.monotonic()
        is_slow = False
        for seconds in self.limits:
            attempt = _in_thread(probe, seconds + 1)  # its own time-outs fire first
            try:
                found = attempt.result(seconds)
            except (NotReady, PermanentFailure) as failure:
                self._answer.set_exception(failure)
                return
            except Exception as error:  # noqa: BLE001 - reported; other probes continue
                failed = error
                is_slow = isinstance(error, TimeoutError)
                if not is_slow and seconds == self.limits[0]:
                    time.sleep(PAUSE_SECONDS)  # a restart may be in progress
            else:
                if is_slow:
                    self.slow_seconds = time.monotonic() - began
                self._answer.set_result(found)
                return
        self._answer.set_exception(failed)


def _in_thread(probe: Callable[[float], T], seconds: float) -> "Future[T]":
    """Run a probe in its own thread, which is abandoned if it takes too long."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(probe(seconds))
        except Exception as error:  # noqa: BLE001 - raised in the waiting thread
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer


def collect(
    settings: Settings,
    load_repository: Callable[[], dg.RepositoryDefinition],
    find_problems: FindProblems,
    now: dt.datetime,
) -> Status:
    """Run all probes concurrently: about five seconds, more only if a part does not answer."""
    check_sources(settings)
    off = {one.name for one in sources().values() if not one.settings.is_set_up(settings)}
    status = Status(now, sources_off=off)
    place = place_of(settings.database_url, settings)
    warehouse = _Probe(place, lambda seconds: probe_warehouse(settings, seconds))
    place = place_of(settings.dagster_postgres_url or settings.database_url, settings)
    storage = _Probe(place, lambda seconds: probe_storage(settings, seconds))
    noted_url, status.processes = noted_processes(settings.state)
    url = noted_url or web_server_url()
    web_server = (
        _Probe(redact(url), lambda seconds: query_web_server(url, seconds)) if url else None
    )
    probes: dict[str, _Probe[Any] | None] = {
        "database": warehouse,
        "dagster_storage": storage,
        "code_location": web_server,
    }
    repository, own_error = _loaded(load_repository)
    status.code = _code(
        web_server, repository, own_error, is_starting=_is_starting(status.processes, now)
    )
    status.disks = _disks(settings)
    try:
        status.warehouse, status.ledger = warehouse.result()
    except Failure as failure:
        status.warehouse = _unreachable("database", failure)
    try:
        status.storage, dagster_url = storage.result()
        if status.storage.schema == "current":
            home = settings.dagster_home
            instance = _Probe(
                status.storage.place,
                lambda seconds: probe_instance(
                    home, dagster_url, repository, find_problems, now, seconds
                ),
                INSTANCE_SECONDS,
            )
            probes["runs"] = instance
            status.dagster = instance.result()
    except Failure as failure:
        status.storage = _unreachable("dagster_storage", failure)
    status.slow = {
        part: one.slow_seconds for part, one in probes.items() if one and one.slow_seconds
    }
    status.problems = sorted(_problems(status), key=worst_first)
    return status


def worst_first(problem: Problem) -> tuple[str, float]:
    """Sort errors before warnings, and the newest first, because the report shows few warnings."""
    return problem.severity, -problem.since.timestamp()


def unconfigured(failure: Failure, now: dt.datetime) -> Status:
    """Return the status for an invalid environment, in which nothing can be inspected."""
    return Status(now, [rules.of_configuration(failure, now)], is_inspected=False)


def _problems(status: Status) -> list[Problem]:
    now, dagster = status.checked_at, status.dagster
    error = status.storage.error
    is_reported = error is not None and error == status.warehouse.error
    is_known = dagster is not None or status.storage.schema == "missing"
    heartbeats = dagster.heartbeats if dagster else []
    found = [
        *rules.of_database(status.warehouse, now),
        *([] if is_reported else rules.of_database(status.storage, now)),
        *rules.of_slow(status.slow, now),
        *rules.of_processes(status.processes, now),
        *(rules.of_daemon(heartbeats, status.processes, now) if is_known else []),
        *(rules.of_runs(dagster.runs, now) if dagster else []),
        *rules.of_code(status.code, now),
        *rules.of_disks(status.disks, now),
        *rules.of_remarks(remarks(), now),
        *broken_sources_at(now),
        *(dagster.problems if dagster else []),
    ]
    return [*{one.key: one for one in found}.values()]  # those of sources are found twice


def _unreachable(part: Literal["database", "dagster_storage"], failure: Failure) -> Database:
    schema: Condition | None = "missing" if isinstance(failure, NotReady) else None
    return Database(
        part, failure.place, schema=schema, error=failure.problem, remedy=failure.remedy
    )


def _is_starting(processes: list[ProcessFact], now: dt.datetime) -> bool:
    started = [one.started_at for one in processes if one.name == "web server" and one.started_at]
    return any((now - at).total_seconds() < STARTING_SECONDS for at in started)


def _loaded(
    load_repository: Callable[[], dg.RepositoryDefinition],
) -> tuple[dg.RepositoryDefinition | None, str | None]:
    """Return the definitions of this clone, or why they do not load."""
    try:
        return load_repository(), None
    except Exception as error:  # noqa: BLE001 - it is what is reported
        return None, _described(error)


def _described(error: Exception) -> str:
    """Describe an error, with the last line of our code in its traceback."""
    if isinstance(error, Failure):
        return f"{error.problem} ({error.place}). {error.remedy}"
    ours = [
        f" ({Path(frame.filename).relative_to(PROJECT)}:{frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(PROJECT / "pipelines")
    ]
    return redact(f"{type(error).__name__}: {error}{ours[-1] if ours else ''}")


def _code(
    web_server: "_Probe[tuple[str | None, frozenset[str]]] | None",
    repository: dg.RepositoryDefinition | None,
    own_error: str | None,
    *,
    is_starting: bool,
) -> Code:
    if web_server is None:
        return Code(None, own_error is None, own_error, own_error)
    try:
        error, jobs = web_server.result()
    except NotReady:  # no answer about it, such as from a proxy with a password
        return Code(None, own_error is None, own_error, own_error)
    except Failure as failure:
        error, jobs = None if is_starting else failure.problem, frozenset()
    own_jobs = repository.job_names if repository and jobs else ()
    missing = (*sorted(name for name in own_jobs if name not in jobs),)
    return Code(web_server.place, error is None, error, own_error, missing)


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
