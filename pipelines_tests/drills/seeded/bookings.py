"""Booking events by files and by an API: doubled, late, bad, contradicting, in files that grow."""

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg

from pipelines.ingest.file_loader import load_file, load_files
from pipelines.ingest.inbox import Inbox, look_at
from pipelines.sources.bookings import Settings
from pipelines.sources.bookings import counts as hotel_bookings
from pipelines.sources.bookings.client import EventsClient
from pipelines.sources.bookings.polling import poll
from pipelines.sources.bookings.retry import retry_quarantine
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills import truth
from pipelines_tests.drills.seeded.feed import Feed, Settle, rejected_files, same
from pipelines_tests.loaders import loader
from pipelines_tests.sources.bookings.made_up import Event, event, text_of

MOST_BAD, FEW_BAD = 0.25, 20
PAGE_EVENTS = 8
BAD: tuple[Event, ...] = ({"status": 3}, {"hotel_id": "x"}, {"night_of_stay": "never"})
EVENTS = """
SELECT event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay FROM bookings.events
"""
COUNTED = (
    "SELECT hotel_id, day, bookings, cancellations, net_bookings FROM metrics.{} ORDER BY 1, 2"
)
MANY = """
SELECT pg_restore_relation_stats(
    'schemaname', 'bookings', 'relname', 'events', 'reltuples', 10000::real
)
"""
BAD_RECORDS = """
SELECT raw FROM ops.quarantine INNER JOIN ops.deliveries USING (delivery_id)
WHERE source = 'bookings' AND name LIKE 'events%%'
"""


@dataclass(frozen=True)
class SentEvent:
    """An event as it was sent; if it is not good, whether it is bad by itself."""

    event: Any
    is_good: bool = True
    is_bad: bool = False


@dataclass(frozen=True)
class File:
    """A file as it was dropped."""

    name: str
    sha256: str
    lines: list[SentEvent]

    @property
    def is_rejected(self) -> bool:
        bad = sum(line.is_bad for line in self.lines)
        return bad > max(FEW_BAD, MOST_BAD * len(self.lines))


class Bookings(Feed):
    """Each id has one true event; another one under it only comes when the true one is stored."""

    source = "bookings"
    path = "/events"
    moments: ClassVar[Mapping[str, int]] = {"statement": 40, "commit": 6}

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.files: list[File] = []
        self.served: list[SentEvent] = []
        self.true: dict[int, Event] = {}
        self.settled: set[int] = set()
        self.is_retry = False

    def begin(self, owner: psycopg.Connection) -> None:
        """Make every second schedule add to the counts: the planner expects many events."""
        if self.random.random() < 0.5:
            owner.execute(MANY)

    def happen(self, settle: Settle) -> str:
        chance = self.random.random()
        if chance < 0.35 or not self.files:
            return self._drop(f"{len(self.files)}.csv", self._lines(self.random.randint(5, 25)))
        if chance < 0.45:
            last = self.files[-1]
            return self._drop(f"{len(self.files)}.csv", last.lines)
        if chance < 0.5:
            self.touch(self.files[-1].name)
            return f"{self.files[-1].name} is touched"
        if chance < 0.65:
            return self._rewrite()
        if chance < 0.85:
            sent = self._lines(self.random.randint(2, 12), with_conflicts=False)
            self.served += sent
            return f"the API serves {_described(sent)}"
        if chance < 0.92:
            self.is_retry = True
            return "quarantine is to be read again"
        return self._contradict(settle)

    def _rewrite(self) -> str:
        """Extend the last file; mend it if it was rejected."""
        last = self.files[-1]
        kept = [line for line in last.lines if not (last.is_rejected and line.is_bad)]
        new = [line for line in self._lines(self.random.randint(2, 8)) if not line.is_bad]
        return self._drop(last.name, [*kept, *new])

    def _contradict(self, settle: Settle) -> str:
        settle()
        self.settled = self._ids()
        if not self.settled:
            return "nothing is sent"
        number = self.random.choice(sorted(self.settled))
        other = SentEvent(self.true[number] | {"hotel_id": 99}, is_good=False)
        if self.random.random() < 0.5:
            return self._drop(f"{len(self.files)}.csv", [other, *self._lines(6)])
        if all(one.event != other.event for one in self.served):
            self.served = [one for one in self.served if _number(one) != number] + [other]
        return f"the API contradicts {number}"

    def _drop(self, name: str, lines: list[SentEvent]) -> str:
        sha256 = super().drop(name, text_of(line.event for line in lines))
        self.files.append(File(name, sha256, lines))
        is_rejected = ", to be rejected" if self.files[-1].is_rejected else ""
        return f"{name} is dropped with {_described(lines)}{is_rejected}"

    def _lines(self, count: int, *, with_conflicts: bool = True) -> list[SentEvent]:
        """Events that are new, and some of those known, bad or different in a second line."""
        random, lines = self.random, list[SentEvent]()
        known = sorted(self._ids())
        share = random.choice((0.0, 0.05, 0.1, 0.5))
        for _ in range(count):
            if known and random.random() < 0.2:
                lines.append(SentEvent(self.true[random.choice(known)]))
                continue
            number = len(self.true) + 1
            self.true[number] = self._event(number)
            if random.random() < share:
                bad = self.true[number] | random.choice(BAD)
                lines.append(SentEvent(bad, is_good=False, is_bad=True))
                continue
            lines.append(SentEvent(self.true[number]))
            if with_conflicts and random.random() < 0.04:
                lines.append(SentEvent(self.true[number] | {"hotel_id": 99}, is_good=False))
        return lines

    def _event(self, number: int) -> Event:
        """At some full hour of the last three days: many are late, and many of one time."""
        at = self.clock().replace(minute=0) - dt.timedelta(hours=self.random.randrange(1, 72))
        night = at.date() + dt.timedelta(days=self.random.randrange(4))
        return event(
            number,
            hotel_id=self.random.choice((1, 2)),
            event_timestamp=f"{at:%Y-%m-%d %H:%M:%S}",
            status=self.random.choice((1, 1, 2)),
            night_of_stay=str(night),
        )

    def _latest(self) -> list[File]:
        """Return the files as they are now; they still contain their earlier lines."""
        return [*{file.name: file for file in self.files}.values()]

    def _ids(self) -> set[int]:
        """Return the events that have a good line somewhere now, or were loaded before."""
        lines = [line for file in self._latest() if not file.is_rejected for line in file.lines]
        return self.settled | {_number(one) for one in lines + self.served if one.is_good}

    def answer(self, query: Mapping[str, str]) -> bytes:
        since, place = query.get("updated__gte", ""), int(query.get("offset", 0))
        found = sorted(map(_as_served, self.served), key=lambda one: str(one["event_timestamp"]))
        found = [one for one in found if one["event_timestamp"] >= since]
        following = place + PAGE_EVENTS
        more = f"?offset={following}&updated__gte={since}" if following < len(found) else None
        return json.dumps({"results": found[place:following], "next": more}).encode()

    def run(self, store: Warehouse) -> None:
        if self.is_retry:
            retry_quarantine(store, Settings(most_bad=MOST_BAD))
        inbox = Inbox(self.source, self.folder, "BOOKINGS_INBOX", "a reading")
        with store.translate_db_errors(self.source), store.engine.connect() as connection:
            pending = inbox.pending(connection)
        load_files(store, inbox, pending, loader("bookings", most_bad=MOST_BAD))
        client = EventsClient(self.url + self.path, self.http("BOOKINGS_EVENTS_URL"))
        _, failure = poll(store, client, Settings(most_bad=MOST_BAD), run_id=None, clock=self.clock)
        hotel_bookings.refresh(store)
        if failure is not None:
            raise failure

    def is_loaded(self) -> None:
        self.is_retry = False

    def again(self, store: Warehouse) -> None:
        if self.files and not self.files[-1].is_rejected:
            file = look_at(self.source, self.folder / self.files[-1].name)
            assert (
                load_file(store, self.source, file, loader("bookings", most_bad=MOST_BAD)) is None
            )
        self.run(store)

    def check(self, owner: psycopg.Connection) -> None:
        true = truth_of(self.true[number] for number in self._ids())
        same(owner.execute(EVENTS), true, "bookings.events")
        for table, by_night in (("event_day", False), ("stay_night", True)):
            counted = owner.execute(COUNTED.format(f"hotel_bookings_by_{table}"))
            events = [row[1:] for row in true]
            same(counted, truth.counts(events, by_night=by_night), f"counts by {table}")
        self._check_ledger(owner, len(true))

    def _check_ledger(self, owner: psycopg.Connection, events: int) -> None:
        entries = self.entries(owner)
        assert sum(entry.loaded for entry in entries.values()) == events, "loaded, by the ledger"
        latest, dropped = self._latest(), {(file.name, file.sha256): file for file in self.files}
        bad_of_all, kept = set[str](), set[str]()
        for place, file in dropped.items():
            assert not (file.is_rejected and place in entries), place
            if place in entries:
                bad = {
                    f"line {n}": json.dumps(line.event)
                    for n, line in enumerate(file.lines, start=2)
                    if not line.is_good
                }
                assert entries[place].read == len(file.lines), place
                assert entries[place].rejected <= bad.keys(), place
                bad_of_all |= {*bad.values()}
                kept |= {bad[where] for where in entries[place].rejected}
        same(kept, bad_of_all, "bad lines, each kept once or more")
        loaded = {(file.name, file.sha256) for file in latest if not file.is_rejected}
        assert loaded <= entries.keys(), loaded - entries.keys()
        rejected = {file.name for file in latest if file.is_rejected}
        assert rejected_files(owner, self.source) == rejected
        sent_badly = [json.dumps(_as_served(one)) for one in self.served if not one.is_good]
        same((raw for (raw,) in owner.execute(BAD_RECORDS)), sent_badly, "bad events of the API")


def truth_of(events: Iterable[Event]) -> list[truth.Row]:
    """Rows of `bookings.events`."""
    return [
        (
            one["id"],
            one["hotel_id"],
            dt.datetime.fromisoformat(one["event_timestamp"]).replace(tzinfo=dt.UTC),
            truth.STATUSES[str(one["status"])],
            uuid.UUID(one["room_reservation_id"]),
            dt.date.fromisoformat(one["night_of_stay"]),
        )
        for one in events
    ]


def _number(sent: SentEvent) -> int:
    return int(sent.event["id"])


def _as_served(sent: SentEvent) -> Event:
    at = sent.event["event_timestamp"].replace(" ", "T")
    return {**sent.event, "event_timestamp": f"{at}Z"}


def _described(lines: list[SentEvent]) -> str:
    bad = sum(not line.is_good for line in lines)
    return f"{len(lines)} events, {bad} of them bad"
