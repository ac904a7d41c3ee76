"""One schedule: feeds send, runs load or are struck down, then it is calm, and all is compared.

Good runs are of this process; one that is to be struck is a process of its own.
"""

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from random import Random
from urllib.parse import parse_qsl, urlsplit

import psycopg

from pipelines.failures import TransientFailure
from pipelines.ingest.deliveries import unbalanced
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.checksums import checksum, columns_of
from pipelines_tests.drills.loads import NOTED
from pipelines_tests.drills.seeded import troubles
from pipelines_tests.drills.seeded.bookings import Bookings
from pipelines_tests.drills.seeded.feed import Feed
from pipelines_tests.drills.seeded.flights import Flights
from pipelines_tests.drills.seeded.shipments import Shipments
from pipelines_tests.drills.seeded.solar import Solar
from pipelines_tests.drills.seeded.troubles import Blow
from pipelines_tests.drills.seeded.weather import Weather
from pipelines_tests.drills.warm_runs import warm
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.fake_source import FakeSource, body, cut

FEEDS: tuple[type[Feed], ...] = (Bookings, Shipments, Flights, Solar, Weather)
#: So many there are at least and at most.
HAPPENINGS = (5, 9)
NOBODY = "http://127.0.0.1:9"
MAX_SECONDS = 300
#: Columns that change where incomplete days are requested again.
RETRIED = {"retry_at", "failures", "quarantine_id"}


class Schedule:
    """What a seed draws, on a database of its own at a server that may be killed."""

    def __init__(
        self, seed: int, server: EmbeddedPostgres, database: str, source: FakeSource, folder: Path
    ) -> None:
        self.server, self.database, self.source = server, database, source
        self.random, clock = Random(seed), FakeClock()
        url = source.url.removesuffix("/flights.json")
        self.feeds = [feed(seed, clock, url, folder) for feed in FEEDS]
        self.plot: list[str] = []
        self.bring_up()

    def play(self) -> None:
        """Raises what it finds."""
        with self._owner() as owner:
            for feed in self.feeds:
                feed.begin(owner)
                if feed.is_watched:
                    self._run(feed)
        for _ in range(self.random.randint(*HAPPENINGS)):
            feed = self.random.choice(self.feeds)
            happened = feed.happen(lambda feed=feed: self._run(feed))  # type: ignore[misc]
            self.plot.append(f"{feed.source}: {happened}")
            self.plot[-1] += f"; {self._look(feed)}"
        self.plot.append("calm")
        for feed in self.feeds:
            feed.end()
        for feed in self.feeds:
            self._run(feed)
            feed.again(self.store)
        self._check()

    def bring_up(self) -> None:
        """Have the server run, and be connected to where it is."""
        self.connections = self.server.start()
        self.store = Warehouse(self.connections.url(LOADER, self.database))

    def _look(self, feed: Feed) -> str:
        """Run one or no job; return what befell it."""
        chance = self.random.random()
        if chance < 0.15:
            return "nobody looks"
        if chance < 0.35:
            self._run(feed)
            return "it is loaded"
        if chance < 0.5 and feed.path:
            return self._run_in_vain(feed)
        return self._run_and_strike(feed, troubles.drawn_blow(self.random, feed.moments))

    def _run(self, feed: Feed) -> None:
        """Load what there is, without trouble."""
        self.source.will(self._answer)
        feed.run(self.store)
        feed.is_loaded()

    def _run_in_vain(self, feed: Feed) -> str:
        """Run while the source fails, once or on every request."""
        fault, times = self.random.choice(troubles.FAULTS), self.random.randint(1, 3)
        copied = copy.copy(feed)
        if fault == "unreachable":
            copied.url = NOBODY
        else:
            faults = {"500": body(b"{}", status=500), "cut": self._cut_short}
            self.source.will(*[faults[fault]] * times, self._answer)
        return f"{fault} {times} times; {self._outcome(feed, lambda: copied.run(self.store))}"

    def _outcome(self, feed: Feed, run: Callable[[], object]) -> str:
        try:
            run()
        except TransientFailure as failure:
            return f"it says: {failure.problem}"
        feed.is_loaded()
        return "it is loaded"

    def _run_and_strike(self, feed: Feed, blow: Blow) -> str:
        self.source.will(self._answer)
        where = self.server.state, self.connections, self.database
        ours, theirs = warm().Pipe(duplex=False)
        run = warm().Process(target=_load, args=(feed, blow, *where, theirs))
        run.start()
        theirs.close()
        assert run.pid is not None
        if blow.unit == "millisecond" and not wait([run.sentinel], blow.number / 1000):
            troubles.strike(blow.victim, *where, run.pid)
        run.join(MAX_SECONDS)
        is_over = run.exitcode is not None
        run.kill()
        assert is_over, f"{blow}: it hangs"
        try:
            said = ours.recv()
        except EOFError:
            said = "it is gone"
        ours.close()
        if blow.victim in troubles.OF_THE_SERVER:
            self.store.dispose()
            self.bring_up()
        if said == "":
            feed.is_loaded()
        else:
            assert not said.startswith("fault"), f"{blow}: {said}"
        return f"{blow}; {said or 'it is loaded in'}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body(self._content(handler))(handler)

    def _cut_short(self, handler: BaseHTTPRequestHandler) -> None:
        content = self._content(handler)
        cut(content[: len(content) // 2], len(content))(handler)

    def _content(self, handler: BaseHTTPRequestHandler) -> bytes:
        requested = urlsplit(handler.path)
        (feed,) = [one for one in self.feeds if one.path == requested.path]
        return feed.answer(dict(parse_qsl(requested.query)))

    @contextmanager
    def _owner(self) -> Iterator[psycopg.Connection]:
        url = self.connections.url(SUPERUSER, self.database)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    def _check(self) -> None:
        """Check that all is as sent, the ledger balances, and a repeat changes nothing."""
        with self._owner() as owner:
            for feed in self.feeds:
                feed.check(owner)
                with self.store.engine.connect() as connection:
                    assert unbalanced(connection, feed.source) == []
            before = _stored(owner)
            self.plot.append("all once more")
            for feed in self.feeds:
                feed.again(self.store)
            after = _stored(owner)
            changed = [table for table, rows in before.items() if rows != after[table]]
            assert changed == [], f"the last delivery again changed {changed}"


def _load(
    feed: Feed, blow: Blow, state: Path, server: Connections, database: str, reports: Pipe
) -> None:
    """Run in this process, until it is struck; what it says, nothing when all is well."""
    troubles.arm(blow, lambda: troubles.strike(blow.victim, state, server, database, os.getpid()))
    store = Warehouse(server.url(LOADER, database))
    try:
        feed.run(store)
    except TransientFailure as failure:
        reports.send(f"it says: {failure.problem}")
    except BaseException as error:  # noqa: BLE001 - passed to the test
        reports.send(f"fault: {type(error).__name__}: {error}")
    else:
        reports.send("")


def _stored(owner: psycopg.Connection) -> dict[str, str]:
    """Return the contents of all tables by table, without times and numbers of deliveries."""
    return {
        table: checksum(owner, table, [n for n in columns if n not in NOTED | RETRIED])
        for table, columns in columns_of(owner).items()
    }
