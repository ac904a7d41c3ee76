"""Flights documents: some a day; bad records, and documents that are rejected."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import psycopg

from pipelines.sources.flights import archive, load
from pipelines.sources.flights.client import FlightsClient
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.seeded.feed import Feed, Settle, same
from pipelines_tests.sources.flights.made_up import MONDAY, itinerary, leg

Record = dict[str, Any]
LEGS = range(1, 6)
PRICES = """
SELECT itinerary_id, snapshot_at, price_amount::integer, agent FROM metrics.flight_prices
"""
PERIODS = "SELECT leg_id, seen_from_at, seen_until_at, arrival_airport, stops FROM flights.legs"
REJECTED = "SELECT snapshot_at FROM flights.snapshots WHERE rejection_reason IS NOT NULL"


@dataclass(frozen=True)
class Document:
    """A document as it was published."""

    at: dt.datetime
    body: bytes
    itineraries: list[Record]
    legs: list[Record]

    @property
    def place(self) -> tuple[str, str]:
        """In the ledger."""
        return archive.name_of(self.at), hashlib.sha256(self.body).hexdigest()

    def bad(self) -> tuple[set[int], set[int]]:
        """Return the places of itineraries and legs that are bad or contradict earlier ones."""
        legs = _bad(self.legs, lambda one: len(one["arrival_airport"]) == 3)
        known = {one["id"] for n, one in enumerate(self.legs) if n not in legs}
        itineraries = _bad(
            self.itineraries, lambda one: one["price"] != "free" and {*one["legs"]} <= known
        )
        return itineraries, legs

    @property
    def is_accepted(self) -> bool:
        itineraries, legs = self.bad()
        return 2 * len(itineraries) <= len(self.itineraries) and 2 * len(legs) <= len(self.legs)


class Flights(Feed):
    """What was offered is settled before another document is there: later it cannot be had."""

    source = "flights"
    path = "/flights.json"
    moments: ClassVar[Mapping[str, int]] = {"statement": 75, "commit": 3}

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.at = dt.datetime.combine(MONDAY, dt.time(5), dt.UTC)
        self.published = [self._draw(is_accepted=True)]
        self.is_rebuild = False

    def happen(self, settle: Settle) -> str:
        chance = self.random.random()
        self.is_rebuild = self.random.random() < 0.1
        is_accepted = self.random.random() > 0.15
        if 0.5 <= chance < 0.65:
            return "the document is the same"
        settle()
        self.at += dt.timedelta(minutes=20)
        if chance < 0.5:
            self.at += dt.timedelta(days=self.random.choice((1, 1, 2)))
        same_as = self.published[-1] if chance < 0.1 else self._draw(is_accepted=is_accepted)
        new = Document(self.at, same_as.body, same_as.itineraries, same_as.legs)
        self.published.append(new)
        bad = sum(map(len, new.bad()))
        rejected = "" if new.is_accepted else ", to be rejected"
        description = (
            f"the document of {self.at} has {len(new.itineraries)} offers, {bad} bad{rejected}"
        )
        return f"{description}; tables are rebuilt" if self.is_rebuild else description

    def _draw(self, *, is_accepted: bool) -> Document:
        while True:
            legs = [
                leg(n, target=self._pick("LTN", "STN"), stops=self.random.randrange(2))
                for n in self.random.sample(LEGS, self.random.randint(2, 5))
            ]
            itineraries = [
                itinerary(n, self._legs(legs), price=f"£{n + self.random.randrange(2)}")
                | {"agent": self._pick("Trip.com", "Kiwi.com")}
                for n in self.random.sample(range(1, 9), self.random.randint(3, 8))
            ]
            share = self.random.choice((0.0, 0.1)) if is_accepted else 0.8
            self._spoil(itineraries, share, {"price": "free"})
            self._spoil(legs, share / 3, {"arrival_airport": "Luton"})
            if self.random.random() < 0.2:
                itineraries.append(self.random.choice(itineraries) | {"price": "£99"})
                legs.append(self.random.choice(legs) | {"stops": self.random.randrange(2)})
            body = json.dumps({"itineraries": itineraries, "legs": legs}).encode()
            drawn = Document(self.at, body, itineraries, legs)
            if drawn.is_accepted is is_accepted:
                return drawn

    def _pick(self, *words: str) -> str:
        return self.random.choice(words)

    def _legs(self, legs: list[Record]) -> list[int]:
        """Numbers of one or two that are there, now and then of one that is not."""
        numbers = [int(one["id"].removeprefix("leg_")) for one in legs]
        if self.random.random() < 0.05:
            numbers = [9]
        return self.random.choices(numbers, k=self.random.randint(1, 2))

    def _spoil(self, records: list[Record], share: float, how: Record) -> None:
        for one in records:
            if self.random.random() < share:
                one.update(how)

    def answer(self, query: Mapping[str, str]) -> bytes:
        return self.published[-1].body

    def run(self, store: Warehouse) -> None:
        answer = FlightsClient(self.url + self.path, self.http("FLIGHTS_URL")).fetch()
        with store.transaction(self.source) as connection:
            archive.keep(connection, replace(answer, received_at=self.at))
        load.bring_up_to_date(store, run_id=None, rebuild=self.is_rebuild)

    def is_loaded(self) -> None:
        self.is_rebuild = False

    def check(self, owner: psycopg.Connection) -> None:
        accepted = {one.at: one for one in self.published if one.is_accepted}
        offers = _by_snapshot(accepted, lambda one: one.itineraries, lambda one: one.bad()[0])
        prices = [
            (name, at, int(one["price"].removeprefix("£")), one["agent"])
            for (name, at), one in offers.items()
        ]
        same(owner.execute(PRICES), prices, "metrics.flight_prices")
        found = [
            (name, at, *said)
            for name, first, last, *said in owner.execute(PERIODS)
            for at in accepted
            if first <= at <= (last or at)
        ]
        flown = _by_snapshot(accepted, lambda one: one.legs, lambda one: one.bad()[1])
        legs = [
            (name, at, one["arrival_airport"], one["stops"]) for (name, at), one in flown.items()
        ]
        same(found, legs, "flights.legs")
        rejected = [(one.at,) for one in self.published if not one.is_accepted]
        same(owner.execute(REJECTED), rejected, "rejected documents")
        self._check_ledger(owner, {one.place for one in accepted.values()})

    def _check_ledger(self, owner: psycopg.Connection, loaded: set[tuple[str, str]]) -> None:
        entries, known = self.entries(owner), {one.place: one for one in self.published}
        assert loaded <= entries.keys() <= known.keys(), loaded - entries.keys()
        for place, entry in entries.items():
            document = known[place]
            itineraries, legs = document.bad()
            assert document.is_accepted, place
            assert entry.read == len(document.itineraries) + len(document.legs), place
            bad = [f"itineraries[{n}]" for n in itineraries] + [f"legs[{n}]" for n in legs]
            same(entry.rejected, bad, f"rejected of {place}")


def _bad(records: list[Record], is_good: Any) -> set[int]:
    first: dict[str, Record] = {}
    return {
        n
        for n, one in enumerate(records)
        if not is_good(one) or first.setdefault(one["id"], one) != one
    }


def _by_snapshot(
    documents: Mapping[dt.datetime, Document], records_of: Any, bad_of: Any
) -> dict[tuple[str, dt.datetime], Record]:
    """Return by snapshot the last good content of each record on offer."""
    found: dict[tuple[str, dt.datetime], Record] = {}
    last: dict[str, Record] = {}
    for at, document in sorted(documents.items()):
        records: Iterable[Record] = records_of(document)
        bad, offered = bad_of(document), {one["id"] for one in records}
        last = {name: one for name, one in last.items() if name in offered}
        good = [one for n, one in enumerate(records) if n not in bad]
        last |= {one["id"]: one for one in reversed(good)}
        found |= {(name, at): one for name, one in last.items()}
    return found
