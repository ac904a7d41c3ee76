"""Reads of lists that come in parts, pages or batches: loaded as a whole, or skipped as a whole.

A row that came with one part may come with another one next time. So a part that is as last time
says nothing: only a read all of whose parts are those of the last one brings nothing new.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from pipelines.ingest.deliveries import forget_bad_parts
from pipelines.warehouse.tables import reads

if TYPE_CHECKING:
    from pipelines.ingest.feeds import Content
    from pipelines.ingest.runner import Runner

#: Parts that are kept back stay in memory up to this size, and are in a file from there on.
MEMORY_BYTES = 8 << 20


@dataclass
class Read:
    """One read by the fetcher of a feed: what it requested, and the digests of the parts it got."""

    runner: Runner
    #: The name of the fetcher's input, with which the names of its parts begin.
    name: str
    #: The time from which on records are requested, such as `since=2026-01-01`; empty: all.
    request: str = ""
    digests: list[str] = field(default_factory=list)

    def unless_known(self, contents: Iterator[Content], *, is_again: bool) -> Iterator[Content]:
        """Yield the parts; unless they are loaded again, none if they are those of the last read.

        From the first one on that is yielded, the last read is forgotten.
        """
        with self.runner.store.engine.connect() as connection:
            known = [] if is_again else self._known(connection)
        for number, content in enumerate(_unless(known, contents, self.digests)):
            if number == 0:
                with self.runner.store.transaction(self.runner.owner.name) as connection:
                    self._forget(connection)
            yield content

    def note(self, connection: Connection) -> None:
        """Note that all parts are loaded, by now or by the last read: none of them is bad."""
        self._forget(connection)
        noted = {"name": self.name, "request": self.request, "digests": self.digests}
        connection.execute(insert(reads).values(noted))
        feed = self.runner.feed
        is_only = len(feed.fetchers) == 1  # then all deliveries are parts, whatever their names
        forget_bad_parts(connection, feed.name, "" if is_only else self.name, self.request)

    def _known(self, connection: Connection) -> list[str]:
        mine = reads.c.name == self.name, reads.c.request == self.request
        return connection.execute(select(reads.c.digests).where(*mine)).scalar_one_or_none() or []

    def _forget(self, connection: Connection) -> None:
        connection.execute(delete(reads).where(reads.c.name == self.name))


def _unless(
    known: Sequence[str], contents: Iterator[Content], digests: list[str]
) -> Iterator[Content]:
    """Yield the parts of a read, or none if their digests are `known`; add these to `digests`.

    A part that is as last time is kept back: the end, or a part that differs, says what it is.
    """
    with SpooledTemporaryFile(MEMORY_BYTES) as file:
        kept_back, is_same = 0, True

        def released() -> Iterator[Content]:
            file.seek(0)
            for _ in range(kept_back):
                yield pickle.load(file)  # noqa: S301 - what was written above, by nobody else

        for content in contents:
            digests.append(content.delivery.sha256)
            if is_same and known[len(digests) - 1 : len(digests)] == digests[-1:]:
                pickle.dump(content, file)
                kept_back += 1
                continue
            if is_same:
                is_same = False
                yield from released()
            yield content
        if is_same and kept_back < len(known):
            yield from released()
