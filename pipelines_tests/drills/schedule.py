"""One schedule: feeds send, runs load or are struck down, then it is calm, and all is compared.

Good runs are of this process; one that is to be struck is a process of its own. A moment is a
number of statements or commits, so that a seed replays; some are of the clock.
"""

import itertools
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import psutil
import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from pipelines.failures import TransientFailure
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.testing.fake_source import FakeSource, body, cut
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.clock import FakeClock
from pipelines_tests.drills.senders import Scene, Sender, SyncFailed, load
from pipelines_tests.source_contract.feeds import (
    BookingFiles,
    BookingsApi,
    FlightDocuments,
    ShipmentFiles,
    SolarWindows,
)

#: So many there are at least and at most.
HAPPENINGS = (6, 10)
MAX_SECONDS = 300
#: What a run that was not lucky may say: run it again.
FOR_NOW = (TransientFailure, SyncFailed)
OF_THE_SERVER = ("backend", "postmaster", "server")
#: The server less often: it needs a second to restart.
VICTIMS = ("loader",) * 10 + ("sessions",) * 5 + OF_THE_SERVER
FAULTS = ("500", "cut")
#: Most runs are over by then.
MAX_NUMBER = {"statement": 50, "commit": 4, "millisecond": 120}
SESSIONS = """
SELECT pid FROM pg_stat_activity
WHERE datname = %s AND application_name = 'isobar' AND pid <> pg_backend_pid() ORDER BY pid
"""
GONE_MILLISECONDS = 10_000


@dataclass(frozen=True)
class Blow:
    """The victim, and when it is killed: at a numbered statement, commit or millisecond."""

    victim: str
    unit: str
    number: int
    is_after: bool

    def __str__(self) -> str:
        when = "after" if self.is_after else "before"
        return f"{self.victim} killed {when} {self.unit} {self.number}"


def drawn_blow(random: Random) -> Blow:
    unit = random.choice(("statement", "statement", "commit", "commit", "millisecond"))
    number = random.randint(1, MAX_NUMBER[unit])
    return Blow(random.choice(VICTIMS), unit, number, random.random() < 0.5)


def arm(blow: Blow, strike: Callable[[], object]) -> None:
    """Have it struck when the moment comes in this process, which is the loader's alone."""
    passed = itertools.count(1)

    def pass_by(*_: Any) -> None:
        if next(passed) == blow.number:
            strike()

    commit: Callable[[DefaultDialect, Any], None] = DefaultDialect.do_commit

    def do_commit(dialect: DefaultDialect, connection: Any) -> None:
        if not blow.is_after:
            pass_by()
        commit(dialect, connection)
        if blow.is_after:
            pass_by()

    if blow.unit == "statement":
        when = "after_cursor_execute" if blow.is_after else "before_cursor_execute"
        event.listen(Engine, when, pass_by)
    elif blow.unit == "commit":
        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def strike(victim: str, state: Path, server: Connections, database: str, loader: int) -> None:
    """Kill, by -9 all but sessions; `state` is the server's folder, `loader` a process.

    A killed backend takes all sessions with it; that is over when this returns.
    """
    if victim == "loader":
        with suppress(ProcessLookupError):  # it was done a moment before
            os.kill(loader, signal.SIGKILL)
    elif victim in ("sessions", "backend"):
        with psycopg.connect(server.url(SUPERUSER, database), autocommit=True) as connection:
            for (pid,) in connection.execute(SESSIONS, (database,)).fetchall():
                if victim == "backend":
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:  # it was done a moment before
                        continue
                    with suppress(psycopg.OperationalError):
                        connection.execute("SELECT pg_sleep(60)")
                    return
                how = (pid, GONE_MILLISECONDS)
                connection.execute("SELECT pg_terminate_backend(%s, %s)", how)
    else:
        pid_file = EmbeddedPostgres(state).data / "postmaster.pid"
        postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
        family = postmaster.children() if victim == "server" else []
        postmaster.kill()
        for process in family:
            if process.is_running():
                process.kill()


class Schedule:
    """Events drawn by a seed, on a separate database of a server that may be killed."""

    def __init__(self, seed: int, server: EmbeddedPostgres, database: str, folder: Path) -> None:
        self.server, self.database = server, database
        self.random = Random(seed)
        self.plot: list[str] = []
        self.senders: list[Sender] = []
        self._open = ExitStack()
        self._bring_up()
        bookings = self.random.choice((BookingFiles, BookingsApi))
        for kind in (bookings, FlightDocuments, ShipmentFiles, SolarWindows):
            self.senders.append(Sender(kind(self._site(folder)), self.random))

    def play(self) -> None:
        """Raises what it finds."""
        for sender in self.senders:
            sender.prepare()
        for _ in range(self.random.randint(*HAPPENINGS)):
            sender = self.random.choice(self.senders)
            self.plot.append(f"{sender.feed.title}: {sender.happen()}")
            self.plot[-1] += f"; {self._look(sender.feed)}"
        self.plot.append("calm")
        for sender in self.senders:
            sender.feed.site.clock.pass_by(hours=3)
            load(sender.feed)
            sender.check()
        self.plot.append("all once more")
        for sender in self.senders:
            load(sender.feed)
            sender.check()

    def close(self) -> None:
        """Have the server run, and no session of this schedule be left."""
        self._open.close()
        self._store.dispose()
        self.server.start()

    def _site(self, folder: Path) -> Any:
        own = Path(tempfile.mkdtemp(dir=folder))
        service = self._open.enter_context(FakeSource())
        return Scene(self._store, self._owner, own, service)

    def _bring_up(self) -> None:
        """Have the server run, and everybody be connected to where it is."""
        self.connections = self.server.start()
        self._store = Warehouse(self.connections.url(LOADER, self.database))
        url = self.connections.url(SUPERUSER, self.database)
        self._owner = psycopg.connect(url, autocommit=True)
        self._open.callback(self._owner.close)
        for sender in self.senders:
            sender.feed.site.warehouse, sender.feed.site.owner = self._store, self._owner

    def _look(self, feed: Any) -> str:
        """Run one or no job; return what befell it."""
        chance = self.random.random()
        if chance < 0.15:
            return "nobody looks"
        if chance < 0.3:
            load(feed)
            return "it is loaded"
        if chance < 0.45 and feed.is_http:
            return self._run_in_vain(feed)
        return self._run_and_strike(feed, drawn_blow(self.random))

    def _run_in_vain(self, feed: Any) -> str:
        """Run while the source fails, once or on every request."""
        fault, times = self.random.choice(FAULTS), self.random.randint(1, 3)
        answers = {"500": body(b"{}", status=500), "cut": cut(b"[", 1000)}
        queued = feed.site.service.answers
        queued[:0] = [answers[fault]] * times
        try:
            load(feed)
        except FOR_NOW as failure:
            return f"{fault} {times} times; it says: {failure}"
        finally:
            queued[:] = [one for one in queued if one is not answers[fault]]
        return f"{fault} {times} times; it is loaded"

    def _run_and_strike(self, feed: Any, blow: Blow) -> str:
        where = self.server.state, self.connections, self.database
        ours, theirs = warm().Pipe(duplex=False)
        known = {name: value for name, value in vars(feed).items() if name != "site"}
        site = feed.site.folder, feed.site.service.url, feed.site.clock
        run = warm().Process(target=_load, args=(type(feed), known, site, blow, where, theirs))
        run.start()
        theirs.close()
        assert run.pid is not None
        if blow.unit == "millisecond" and not wait([run.sentinel], blow.number / 1000):
            strike(blow.victim, *where, run.pid)
        run.join(MAX_SECONDS)
        is_over = run.exitcode is not None
        run.kill()
        assert is_over, f"{blow}: it hangs"
        try:
            said = ours.recv()
        except EOFError:
            said = "it is gone"
        ours.close()
        if blow.victim in OF_THE_SERVER:
            self._store.dispose()
            self._bring_up()
        assert not said.startswith("fault"), f"{blow}: {said}"
        return f"{blow}; {said or 'it is loaded'}"


def warm() -> ForkServerContext:
    """Return a context that forks from a process with one thread and all imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipelines_tests.drills.schedule"])
    return context


def _load(
    kind: Any,
    known: dict[str, Any],
    site: tuple[Path, str, FakeClock],
    blow: Blow,
    where: tuple[Path, Connections, str],
    reports: Pipe,
) -> None:
    """Run in this process, until it is struck; what it says, nothing when all is well."""
    arm(blow, lambda: strike(blow.victim, *where, os.getpid()))
    folder, url, clock = site
    _, server, database = where
    store = Warehouse(server.url(LOADER, database))
    service: Any = SimpleNamespace(url=url)
    feed = kind(Scene(store, None, folder, service, clock=clock))  # type: ignore[arg-type]
    vars(feed).update(known)
    try:
        load(feed)
    except FOR_NOW as failure:
        reports.send(f"it says: {failure}")
    except BaseException as error:  # noqa: BLE001 - passed to the test
        reports.send(f"fault: {type(error).__name__}: {error}")
    else:
        reports.send("")
