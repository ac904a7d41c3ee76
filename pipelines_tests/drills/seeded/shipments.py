"""Shipment files: new shipments and changed ones, files twice and files written anew, bad lines."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

import psycopg

from pipelines.ingest.file_loader import load_file, load_files
from pipelines.ingest.inbox import Inbox, look_at
from pipelines.sources.shipments import load
from pipelines.sources.shipments.transform import KEY
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.seeded.feed import Entry, Feed, Settle, rejected_files, same
from pipelines_tests.drills.truth import status_of
from pipelines_tests.loaders import loader
from pipelines_tests.sources.shipments.made_up import BERLIN, PARIS, line, text_of

Line = dict[str, str]
Name = tuple[str, ...]
MAX_BAD, FEW_BAD = 0.5, 20
BAD = ({"article_price": "cheap"}, {"article_quantity": "0"}, {"tracking_number": ""})
WORDS = ("pending", "in-transit", "delivery")
SHIPMENTS = """
SELECT
    tracking_number, carrier, sender_address, receiver_address, status, article_count, units,
    total_value,
    ARRAY(
        SELECT history.status FROM shipments.status_history AS history
        WHERE history.tracking_number = shipments.tracking_number
            AND history.carrier = shipments.carrier
        ORDER BY seen_at
    )
FROM shipments.shipments
"""
ARTICLES = """
SELECT tracking_number, carrier, sku, article_name, quantity, unit_price FROM shipments.articles
"""


@dataclass(frozen=True)
class File:
    """A file as it was dropped."""

    name: str
    sha256: str
    lines: list[Line]


class Expected:
    """The content of files loaded in order: for good lines, the last file wins."""

    def __init__(self) -> None:
        self.heads: dict[Name, tuple[str, ...]] = {}
        self.history: dict[Name, list[str]] = defaultdict(list)
        self.articles: dict[Name, dict[str, tuple[str, int, Decimal]]] = defaultdict(dict)
        self.entries: dict[tuple[str, str], Entry] = {}
        #: Of the rejected lines of each delivery: which article they are about.
        self._keys: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
        #: And what they say: another file that says the same has it in quarantine already.
        self._kept: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}

    def add(self, file: File) -> None:
        rejected = rejected_lines(file.lines)
        good = [(n, one) for n, one in enumerate(file.lines) if n not in rejected]
        known = {
            said
            for place, kept in self._kept.items()
            for where, said in kept.items()
            if where in self._keys[place]
        }
        changed = self._put(good)
        again = {tuple(file.lines[n].values()) for n in rejected}
        self._answer({_key(one) for _, one in good}, again)
        place = file.name, file.sha256
        fresh = {n for n in rejected if tuple(file.lines[n].values()) not in known}
        positions = {f"line {n + 2}": _key(file.lines[n]) for n in fresh}
        self._keys[place] = positions
        self._kept[place] = {f"line {n + 2}": tuple(file.lines[n].values()) for n in fresh}
        loaded = len(changed)
        unchanged = len(file.lines) - len(fresh) - loaded
        self.entries[place] = Entry(len(file.lines), loaded, unchanged, frozenset(positions))

    def _put(self, good: Sequence[tuple[int, Line]]) -> set[int]:
        """Apply good lines; return those that changed something."""
        changed = set()
        by_name: dict[Name, list[tuple[int, Line]]] = defaultdict(list)
        for n, one in good:
            by_name[_key(one)[:2]].append((n, one))
        for name, lines in by_name.items():
            head = _head(lines[0][1])
            if self.heads.get(name) != head:
                if self.history[name][-1:] != [head[2]]:
                    self.history[name].append(head[2])
                self.heads[name] = head
                changed |= {n for n, _ in lines}
            stored = {**self.articles[name]}
            self.articles[name] |= {one["sku"]: _article(one) for _, one in lines}
            changed |= {n for n, one in lines if stored.get(one["sku"]) != _article(one)}
        return changed

    def _answer(self, keys: set[tuple[str, ...]], again: set[tuple[str, ...]]) -> None:
        """Resolve bad lines of earlier files that this file has as good ones."""
        for place, positions in self._keys.items():
            kept = self._kept[place]
            if answered := [
                where
                for where, key in positions.items()
                if key in keys and kept[where] not in again
            ]:
                entry = self.entries[place]
                self.entries[place] = replace(
                    entry,
                    unchanged=entry.unchanged + len(answered),
                    rejected=entry.rejected - {*answered},
                )
                for where in answered:
                    del positions[where]


class Shipments(Feed):
    """Every file has a shipment of its own, so that no content comes back under its name."""

    source = "shipments"
    moments: ClassVar[Mapping[str, int]] = {"statement": 34, "commit": 3}

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.files: list[File] = []

    def happen(self, settle: Settle) -> str:
        chance = self.random.random()
        if chance < 0.5 or not self.files:
            return self._drop(f"{len(self.files)}.csv", self._lines())
        last = self.files[-1]
        if chance < 0.65:
            return self._drop(f"{len(self.files)}.csv", last.lines)
        if chance < 0.9:
            kept = [one | self._changes() for one in last.lines if self.random.random() < 0.8]
            return self._drop(last.name, [*kept, *self._lines()])
        settle()
        self.touch(last.name)
        return f"{last.name} is touched"

    def _drop(self, name: str, lines: list[Line]) -> str:
        self.files.append(File(name, super().drop(name, text_of(lines)), lines))
        bad = len(rejected_lines(lines))
        rejected = ", to be rejected" if is_rejected(lines) else ""
        return f"{name} is dropped with {len(lines)} lines, {bad} of them bad{rejected}"

    def _lines(self) -> list[Line]:
        random = self.random
        lines = [line(1000 + len(self.files), sku="Z")]
        for number in random.sample(range(20), random.randint(1, 6)):
            head = {
                "status": random.choice(WORDS),
                "sender_address": random.choice((BERLIN, PARIS)),
            }
            skus = random.sample("ABC", random.randint(1, 3))
            lines += [line(number, sku=sku, **head) | self._article() for sku in skus]
        share = random.choice((0.0, 0.1, 0.1, 0.7))
        lines = [one | random.choice(BAD) if random.random() < share else one for one in lines]
        for one in random.sample(lines, random.choice((0, 0, 1, 2)) % len(lines)):
            lines.append(one | random.choice(({}, self._article(), {"status": "lost"})))
        random.shuffle(lines)
        return lines

    def _changes(self) -> Line:
        return self._article() if self.random.random() < 0.2 else {}

    def _article(self) -> Line:
        price, pieces = self.random.choice(("800", "25.5", "25,50")), self.random.randint(1, 3)
        return {"article_price": price, "article_quantity": str(pieces)}

    def run(self, store: Warehouse) -> None:
        load.read_addresses_again(store)
        inbox = Inbox(self.source, self.folder, "SHIPMENTS_INBOX", "utf-8")
        with store.translate_db_errors(self.source), store.engine.connect() as connection:
            pending = inbox.pending(connection)
        load_files(store, inbox, pending, loader("shipments"))

    def again(self, store: Warehouse) -> None:
        if self.files and not is_rejected(self.files[-1].lines):
            file = look_at(self.source, self.folder / self.files[-1].name)
            assert load_file(store, self.source, file, loader("shipments")) is None
        self.run(store)

    def check(self, owner: psycopg.Connection) -> None:
        """Check that a file overwritten before its load left nothing, also in the ledger."""
        entries = self.entries(owner)
        latest = {file.name: file for file in self.files}
        expected = Expected()
        for file in self.files:
            is_there = (file.name, file.sha256) in entries or latest[file.name] is file
            if is_there and not is_rejected(file.lines):
                expected.add(file)
        assert entries == expected.entries
        rows = [(*name, *head, *_sums(expected, name)) for name, head in expected.heads.items()]
        same(owner.execute(SHIPMENTS), rows, "shipments.shipments")
        articles = [
            (*name, sku, *article)
            for name, stored in expected.articles.items()
            for sku, article in stored.items()
        ]
        same(owner.execute(ARTICLES), articles, "shipments.articles")
        rejected = {file.name for file in latest.values() if is_rejected(file.lines)}
        assert rejected_files(owner, self.source) == rejected


def rejected_lines(lines: Sequence[Line]) -> set[int]:
    """Return the places of lines that are bad, contradict their shipment, or repeat an article."""
    rejected = {
        n
        for n, one in enumerate(lines)
        if any(one[name] == value for bad in BAD for name, value in bad.items())
    }
    heads: dict[Name, set[tuple[str, ...]]] = defaultdict(set)
    first: dict[tuple[str, ...], tuple[str, int, Decimal]] = {}
    for n, one in enumerate(lines):
        if n not in rejected:
            heads[_key(one)[:2]].add(_head(one))
    rejected |= {
        n for n, one in enumerate(lines) if n not in rejected and len(heads[_key(one)[:2]]) > 1
    }
    for n, one in enumerate(lines):
        if n not in rejected and first.setdefault(_key(one), _article(one)) != _article(one):
            rejected.add(n)
    return rejected


def is_rejected(lines: Sequence[Line]) -> bool:
    return len(rejected_lines(lines)) > max(FEW_BAD, MAX_BAD * len(lines))


def _key(one: Line) -> tuple[str, ...]:
    return tuple(one[name] for name in KEY)


def _head(one: Line) -> tuple[str, str, str]:
    return one["sender_address"], one["receiver_address"], status_of(one["status"])


def _article(one: Line) -> tuple[str, int, Decimal]:
    price = Decimal(one["article_price"].replace(",", ".")).quantize(Decimal("0.01"))
    return one["article_name"], int(one["article_quantity"]), price


def _sums(expected: Expected, name: Name) -> tuple[Any, ...]:
    articles = expected.articles[name].values()
    units = sum(pieces for _, pieces, _ in articles)
    value = sum(pieces * price for _, pieces, price in articles)
    return len(articles), units, value, expected.history[name]
