"""What sources send in a schedule, drawn by its seed, and what has to be stored of it.

A sender drives a feed of the source contract: more and more records, of which some are bad until
they are corrected, some change or are contradicted, and some are withdrawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pipelines.http.client import HttpClient
from pipelines.ingest.deliveries import last_rejects, unbalanced
from pipelines.ingest.file_loader import load_files
from pipelines.ingest.inbox import Inbox
from pipelines.sources.bookings import counts
from pipelines.sources.bookings.client import EventsClient, poll
from pipelines.sources.flights import archive
from pipelines.sources.flights.client import fetch
from pipelines.sources.solar.sync import Sync
from pipelines.sources.solar.windows import Depth
from pipelines.testing import Files, Site
from pipelines.testing.records import Record
from pipelines_tests.clock import FakeClock
from pipelines_tests.loaders import runner
from pipelines_tests.solar_rows import UNLIKE_READINGS
from pipelines_tests.sources.flights.made_up import bring_up_to_date
from pipelines_tests.sources.solar.made_up import client_of

#: Hours of the window of plants; other feeds have room for more.
MAX_RECORDS = 48
KEPT = """
SELECT DISTINCT raw FROM ops.quarantine INNER JOIN ops.deliveries USING (delivery_id)
WHERE feed = %s
"""


@dataclass
class Scene(Site):
    """Where a feed is tried, with a clock."""

    clock: FakeClock = field(default_factory=FakeClock)


class Sender:
    """One feed: the records that it has, and which of them are bad at present."""

    def __init__(self, feed: Any, random: Random) -> None:
        self.feed, self.random = feed, random
        self.records: dict[int, Record] = {}
        self.bad: set[int] = set()
        self.contradictions: list[Record] = []

    def prepare(self) -> None:
        self.feed.prepare()
        self.happen()

    def happen(self) -> str:
        """Have something new at the source; return what it is."""
        chance, good = self.random.random(), sorted(self.records.keys() - self.bad)
        if chance < 0.5 or not good:
            what = self._more()
        elif chance < 0.6:
            what = "the same again"
        elif chance < 0.8 and self.bad:
            what = f"{len(self.bad)} bad records are corrected"
            self.bad.clear()
        elif chance < 0.9 or self.feed.is_additive or len(good) == 1:  # an empty list is rejected
            what = self._change(self.random.choice(good))
        else:
            what = f"{good[-1]} is withdrawn"
            del self.records[good[-1]]
        self._send()
        return what

    def _more(self) -> str:
        """Add some records; one is bad now and then, but for the first."""
        first = max(self.records, default=-1) + 1
        numbers = range(first, min(first + self.random.randint(2, 9), MAX_RECORDS))
        self.records |= {number: self.feed.record(number) for number in numbers}
        if first and numbers and self.random.random() < 0.6:
            self.bad.add(self.random.choice(numbers))
        return f"{len(numbers)} more records, {len(self.bad)} bad"

    def _change(self, number: int) -> str:
        changed = self.feed.changed(self.records[number])
        if self.feed.latest_wins:
            self.records[number] = changed
            return f"{number} changes"
        if changed not in self.contradictions:
            self.contradictions.append(changed)
        return f"{number} is contradicted"

    def _send(self) -> None:
        self.feed.deliveries += 1
        self.feed.site.clock.pass_by(hours=25)
        sent = [
            self.feed.spoiled(record) if number in self.bad else record
            for number, record in self.records.items()
        ]
        self.feed.publish([*sent, *self.contradictions])

    def check(self) -> None:
        """Compare the tables with what was sent: each good record once, each bad one kept once."""
        feed, owner = self.feed, self.feed.site.owner
        good = [record for number, record in self.records.items() if number not in self.bad]
        assert feed.rows() == feed.expected(good)
        with feed.site.warehouse.engine.connect() as connection:
            assert unbalanced(connection, feed.source) == []
            rejects: Sequence[Any] = last_rejects(connection, feed.source)
        if feed.is_additive:  # else the last document's rejects alone count
            rejects = owner.execute(KEPT, [feed.source]).fetchall()
        assert len(rejects) == len(self.bad) + len(self.contradictions), rejects
        counts = "SELECT FROM bookings.findings WHERE rule = 'matches_recount'"
        assert owner.execute(counts).fetchall() == []
        assert owner.execute(UNLIKE_READINGS).fetchall() == []


def load(feed: Any) -> None:
    """Load what there is, as the job does. Raises the failures."""
    store = feed.site.warehouse
    if isinstance(feed, Files):
        inbox = Inbox(feed.source, feed.site.folder, "AN_INBOX", "a reading")
        with store.translate_db_errors(feed.source), store.engine.connect() as connection:
            pending = inbox.pending(connection)
        _, failures = load_files(runner(feed.source, store), inbox, pending)
        if failures:
            raise failures[0]
    else:
        FETCHERS[feed.source](feed.site, feed)
    if feed.source == "bookings":
        counts.refresh(store)
        counts.compare(store)


def _poll_bookings(site: Scene, _: Any) -> None:
    client = EventsClient(site.service.url, _http("bookings", "BOOKINGS_EVENTS_URL"))
    load = runner("bookings", site.warehouse)
    _, failure = poll(load.store, client, load.settings, load.load, clock=site.clock, is_whole=True)
    if failure is not None:
        raise failure


def _fetch_flights(site: Scene, _: Any) -> None:
    answer = fetch(site.service.url, _http("flights", "FLIGHTS_URL"))
    with site.warehouse.transaction("flights") as connection:
        archive.keep(connection, answer)
    _, failures = bring_up_to_date(site.warehouse)
    if failures:
        raise failures[0]


class SyncFailed(Exception):
    """A plant was not refreshed; the run reports why, and the other plants go on."""


def _sync_plant(site: Scene, feed: Any) -> None:
    client = client_of(site.service.url, attempts=2)
    sync = Sync(site.warehouse, client, Depth(10, 10), site.clock, window=feed.window)
    (done,) = sync.plants([feed.plant])
    if done.problem:
        raise SyncFailed(done.problem)


def _http(source: str, variable: str) -> HttpClient:
    """A client that tries twice and does not wait."""
    return HttpClient(source, variable, attempts=2, first_wait_seconds=0.01)


#: What the jobs call: many thousand runs of a job would take hours.
FETCHERS: dict[str, Callable[[Scene, Any], None]] = {
    "bookings": _poll_bookings,
    "flights": _fetch_flights,
    "solar": _sync_plant,
}
