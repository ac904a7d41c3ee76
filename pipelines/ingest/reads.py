"""Reads of lists that come in parts, pages or batches: loaded as a whole, or skipped as a whole.

A row that came with one part may come with another one next time. So a part that is as last time
says nothing: only a read all of whose parts are those of the last one brings nothing new.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from pipelines.failures import NotReady
from pipelines.ingest.deliveries import forget_bad_parts
from pipelines.warehouse.tables import reads

if TYPE_CHECKING:
    from pipelines.ingest.feeds import Content
    from pipelines.ingest.runner import Runner

#: Parts that are kept back stay in memory up to this size, and are in a file from there on.
MEMORY_BYTES = 8 << 20
#: How the noted digest of a part begins that was rejected.
REJECTED = "!"


@dataclass
class Read:
    """One read by a fetcher of a feed: what it requested, and which parts it got."""

    runner: Runner
    #: The name of the fetcher's input, with which the names of pages begin.
    input: str
    #: The parameter and the time from which on records are requested; empty: all of them are.
    parameter: str = ""
    since: str = ""
    #: Whether the function that yields the parts names them: another name is another part.
    has_own_names: bool = False
    digests: list[str] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """What identifies the list: two feeds may read the same input."""
        feed = self.runner.feed.name
        return self.input if feed == self.runner.owner.name else f"{self.input}, {feed}"

    def unless_known(self, contents: Iterator[Content], *, is_again: bool) -> Iterator[Content]:
        """Yield the parts; unless they are loaded again, none if they are those of the last read.

        Those that were rejected then are yielded in any case. From the first part on that is
        yielded, the last read is forgotten.
        """
        with self.runner.store.engine.connect() as connection:
            known = [] if is_again else self._known(connection)
        for number, content in enumerate(self._unless(known, contents)):
            if number == 0:
                with self.runner.store.transaction(self.runner.owner.name) as connection:
                    self._forget(connection)
            yield content

    def reject(self, content: Content) -> None:
        """Note that a part was rejected: the next read brings it again."""
        self.rejected.add(self._digest(content))

    def note(self, connection: Connection, *, is_complete: bool) -> None:
        """Note that all parts but rejected ones are loaded, now or by the last read.

        If it `is_complete` and none was rejected, no part of an earlier read is bad any more.
        """
        self._forget(connection)
        noted = [f"{REJECTED if one in self.rejected else ''}{one}" for one in self.digests]
        values = {"name": self.name, "request": self.since, "digests": noted}
        connection.execute(insert(reads).values(values))
        if is_complete and not self.rejected:
            feed = self.runner.feed
            is_only = len(feed.fetchers) == 1  # then all deliveries are parts, whatever their names
            forget_bad_parts(
                connection,
                feed.name,
                "" if is_only and not self.since else self.input,
                self.parameter,
                self.since,
            )

    def _known(self, connection: Connection) -> list[str]:
        mine = reads.c.name == self.name, reads.c.request == self.since
        return connection.execute(select(reads.c.digests).where(*mine)).scalar_one_or_none() or []

    def _forget(self, connection: Connection) -> None:
        connection.execute(delete(reads).where(reads.c.name == self.name))

    def _digest(self, content: Content) -> str:
        delivery = content.delivery
        if not self.has_own_names:
            return delivery.sha256
        return hashlib.sha256(f"{delivery.name} {delivery.sha256}".encode()).hexdigest()

    def _unless(self, known: Sequence[str], contents: Iterator[Content]) -> Iterator[Content]:
        """Yield the parts, or of a read that is `known` those that were rejected.

        A part that is as last time is kept back: the end, or a part that differs, says what it is.
        """
        with SpooledTemporaryFile(MEMORY_BYTES) as file:
            kept_back, is_same = list[tuple[int, bool]](), True

            def released(*, only_rejected: bool = False) -> Iterator[Content]:
                file.seek(0)
                for size, was_rejected in kept_back:
                    kept = file.read(size)
                    if was_rejected or not only_rejected:
                        yield pickle.loads(kept)  # noqa: S301 - it was written by this process

            reason: NotReady | None = None
            while True:
                try:
                    content = next(contents)
                except StopIteration:
                    break
                except NotReady as not_ready:  # what came is as good as at the end
                    reason = not_ready
                    break
                digest, last = self._digest(content), known[len(self.digests) :][:1]
                self.digests.append(digest)
                is_as_last = last in ([digest], [f"{REJECTED}{digest}"])
                if is_same and is_as_last and (kept := self._kept(content)):
                    file.write(kept)
                    kept_back.append((len(kept), last != [digest]))
                    continue
                if is_same:
                    is_same = False
                    yield from released()
                yield content
            if is_same:
                is_known = reason is not None or len(kept_back) == len(known)
                yield from released(only_rejected=is_known)
            if reason is not None:
                raise reason

    def _kept(self, content: Content) -> bytes | None:
        """Return a part as it is kept back; None if what a function yields cannot be."""
        with suppress(Exception):
            kept = pickle.dumps(content)
            if self.has_own_names:
                pickle.loads(kept)  # noqa: S301 - as above
            return kept
        return None
