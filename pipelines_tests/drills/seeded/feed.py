"""What the feeds of a schedule have in common: they send, are loaded as jobs do, and know."""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import psycopg

from pipelines.failures import TransientFailure
from pipelines.http.client import HttpClient, RetryBudget
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.fake_clock import FakeClock

FIRST_FILE_AT = 1_700_000_000
ENTRIES = """
SELECT
    name, sha256, read_count, loaded_count, unchanged_count, rejected_count,
    ARRAY(
        SELECT position FROM ops.quarantine
        WHERE quarantine.delivery_id = deliveries.delivery_id
    )
FROM ops.deliveries WHERE source = %s
"""
#: Loads without trouble what was sent so far.
Settle = Callable[[], None]


@dataclass(frozen=True)
class Entry:
    """What the ledger has to say of a delivery, and where in it the rejected records are."""

    read: int
    loaded: int
    unchanged: int
    rejected: frozenset[str]


class Feed(ABC):
    """One domain's source. A run in another process has a copy of it, so a run changes nothing.

    `path` is where it answers at `url`, if it does; files are dropped into `folder`. What
    `is_watched` is loaded before anything else happens.
    """

    source: str
    path = ""
    is_watched = False
    #: About so many statements and commits a run has.
    moments: ClassVar[Mapping[str, int]]

    def __init__(self, seed: int, clock: FakeClock, url: str, folder: Path) -> None:
        self.random = Random(f"{seed} {self.source}")
        self.clock, self.url, self.folder = clock, url, folder / self.source
        self.folder.mkdir()
        self._dropped = 0

    def begin(self, owner: psycopg.Connection) -> None:  # noqa: B027 - most need nothing
        """Put in what has to be there before."""

    @abstractmethod
    def happen(self, settle: Settle) -> str:
        """Have something new at the source; what it is."""

    @abstractmethod
    def run(self, store: Warehouse) -> None:
        """Load what there is, as the job does. Raises the failures."""

    def is_loaded(self) -> None:  # noqa: B027
        """Note that a run ended well."""

    def end(self) -> None:  # noqa: B027
        """Note that nothing new comes from now on."""

    def again(self, store: Warehouse) -> None:
        """Deliver the last once more."""
        self.run(store)

    def answer(self, query: Mapping[str, str]) -> bytes:
        """The body of an answer."""
        raise NotImplementedError

    @abstractmethod
    def check(self, owner: psycopg.Connection) -> None:
        """Compare the tables and the ledger with what was sent."""

    def drop(self, name: str, text: str) -> str:
        """Put a file, later than all before it, into the inbox; its digest."""
        file = self.folder / name
        file.write_text(text)
        self.touch(name)
        return hashlib.sha256(text.encode()).hexdigest()

    def touch(self, name: str) -> None:
        """Make a file the last."""
        self._dropped += 1
        os.utime(self.folder / name, (FIRST_FILE_AT + self._dropped,) * 2)

    def http(self, variable: str) -> HttpClient:
        """A client that sends a request twice and does not wait."""
        return HttpClient(
            self.source,
            variable,
            attempts=2,
            first_wait_seconds=0.01,
            growth=1.0,
            patience=RetryBudget(1000),
        )

    def entries(self, owner: psycopg.Connection) -> dict[tuple[str, str], Entry]:
        """Return the ledger by name and digest; both together are unique."""
        found = {}
        for name, sha256, read, loaded, unchanged, rejected, positions in owner.execute(
            ENTRIES, (self.source,)
        ):
            assert len({*positions}) == len(positions) == rejected, (name, positions)
            assert read == loaded + unchanged + rejected, name
            found[name, sha256] = Entry(read, loaded, unchanged, frozenset(positions))
        return found


def rejected_files(owner: psycopg.Connection, source: str) -> set[str]:
    """Return the names of the files that were rejected."""
    query = "SELECT name FROM ops.inbox_files WHERE source = %s AND problem IS NOT NULL"
    return {name for (name,) in owner.execute(query, (source,))}


def same(stored: Iterable[Any], true: Iterable[Any], what: str) -> None:
    """Assert that both have the same, each once; else say what is lost and what is too much."""
    left, right = sorted(map(str, stored)), sorted(map(str, true))
    if left != right:
        lost, more = [*right], []
        for one in left:
            lost.remove(one) if one in lost else more.append(one)
        raise AssertionError(f"{what}: lost {lost[:5]}, too much {more[:5]}")


def away(source: str, problem: str) -> TransientFailure:
    """Return the error of a run that is to be retried."""
    return TransientFailure(source, problem, place="there", remedy="Run again.")
