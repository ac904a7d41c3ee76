"""The runner: loads the deliveries of a feed, and retries those of its records that are rejected.

Rows, rejects and ledger entry are one transaction, which ends in the ledger's counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select, text

from pipelines.failures import DatabaseError, PermanentFailure
from pipelines.ingest.deliveries import (
    Delivery,
    Outcome,
    close_delivery,
    deliveries_in_quarantine,
    last_sha256,
    note_rejection,
    open_delivery,
    rejection_noted,
    take_out,
)
from pipelines.ingest.feeds import Content, Context, Feed, Parsed
from pipelines.ingest.file_loader import clear_rejected_files
from pipelines.ingest.load import Load, StagedWriter, resolve_corrected, with_stored_keys
from pipelines.ingest.parsers import RECORDS_AT_ONCE
from pipelines.ingest.reject_collector import RejectCollector
from pipelines.ingest.statements import Owner, translate_parse_errors
from pipelines.warehouse.connection import Warehouse

Item = TypeVar("Item")


class Runner:
    """Loads the deliveries of one feed of a source into a warehouse."""

    def __init__(
        self, owner: Owner, feed: Feed, store: Warehouse, settings: Any, run_id: str | None = None
    ) -> None:
        self.owner, self.feed, self.store = owner, feed, store
        self.settings, self.run_id = settings, run_id

    def load(self, content: Content, *, is_forced: bool = False) -> Outcome | None:
        """Load a delivery in a transaction of its own.

        Returns None if its content is that of the last delivery of its name, unless it is forced.
        """
        delivery, source = content.delivery, self.owner.name
        with (
            rejection_noted(self.store, source, delivery, self.run_id),
            self.store.transaction(source) as connection,
        ):
            last = last_sha256(connection, delivery.feed, delivery.name)
            if last == delivery.sha256 and not is_forced:
                return None
            return self.write(connection, content)

    def attempt(self, connection: Connection, content: Content) -> Outcome | PermanentFailure:
        """Load a delivery in a savepoint; return the failure of one that is rejected, noted."""
        connection.execute(text("DISCARD TEMP"))  # of an earlier delivery in this transaction
        try:
            with connection.begin_nested():
                return self.write(connection, content)
        except DatabaseError:  # not the delivery's fault
            raise
        except PermanentFailure as failure:
            note_rejection(connection, content.delivery, failure, self.run_id)
            return failure

    def write(self, connection: Connection, content: Content) -> Outcome:
        """Load a delivery within a transaction, which the caller rolls back if this raises."""
        place = content.place or content.delivery.name
        with translate_parse_errors(self.owner.name, self.owner.package, place):
            batches = iter(self.feed.parse(content, self._context()))
            first = next(batches, Parsed())
            delivery_id, loaded_at = open_delivery(
                connection, content.delivery, self.run_id, header=first.header
            )
            load = self._load(connection, content, delivery_id, loaded_at, loaded_at)
            return self._put(load, content, chain([first], batches))

    def retry(self) -> list[Outcome]:
        """Parse the feed's quarantined records again; what is valid now leaves the quarantine.

        Rejected files are read again with the next load.
        """
        source = self.owner.name
        with self.store.transaction(source) as connection:
            clear_rejected_files(connection, source)
            waiting = deliveries_in_quarantine(connection, self.feed.name)
        return [self._retry(delivery_id) for delivery_id in waiting]

    def _retry(self, delivery_id: int) -> Outcome:
        with self.store.transaction(self.owner.name) as connection:
            entry, records = take_out(connection, delivery_id)
            now = connection.execute(select(func.clock_timestamp())).scalar_one()
            delivery = Delivery(self.feed.name, entry.name, "", 0, entry.loaded_at)
            content = Content(delivery=delivery, quarantined=records, header=entry.header)
            starts = range(0, len(records), RECORDS_AT_ONCE)
            some = (records[start : start + RECORDS_AT_ONCE] for start in starts)
            parts = (replace(content, quarantined=one) for one in some)
            load = self._load(connection, content, delivery_id, entry.loaded_at, now)
            with translate_parse_errors(self.owner.name, self.owner.package, entry.name):
                batches = (self.feed.parse(one, self._context()) for one in parts)
                return self._put(load, content, chain.from_iterable(batches))

    def _put(self, load: Load, content: Content, batches: Iterable[Parsed]) -> Outcome:
        """Write batches, and close the delivery with their counts.

        While PostgreSQL writes one batch, the next one is parsed.
        """
        collector = RejectCollector(load, content, self.settings)
        how = self.feed.load
        writer: Any = how(load) if callable(how) else StagedWriter(load)
        first: Parsed | None = None
        parsed, read, skipped, drift = Parsed(), 0, 0, list[str]()
        prepared = ((parsed, writer.prepare(parsed)) for parsed in batches)
        for parsed, formatted in prefetched(prepared):
            if first is None:
                first = parsed
                load.parameters.update({f"read_{name}": n for name, n in parsed.lists.items()})
                load.parameters.update(parsed.parameters)
            collector.count_by_list(parsed.lists.values(), read)
            read += parsed.read
            skipped += parsed.skipped
            drift += parsed.drift
            collector.add(with_stored_keys(load, parsed.rejects))
            if not load.is_retry:
                collector.enforce_cap(read, is_early=not parsed.lists)
            collector.add(writer.put(parsed, formatted))
        rejects, loaded, stored = writer.finish(parsed, read)
        collector.add(rejects)
        stored, bad = stored + skipped + collector.known, collector.written
        if not load.is_retry:
            collector.enforce_cap(read)
            if (keys := writer.keys()) is not None:
                resolve_corrected(load, keys, again=[*collector.again])
            if read != stored + bad:
                raise PermanentFailure(
                    self.feed.name,
                    f"its counts do not balance, and nothing was written: of {read} records that"
                    f" were read, {stored} are in the tables, and {bad} were rejected",
                    place=content.delivery.name,
                    remedy="This is a bug in the code of the source. A parser returns a row or a"
                    " reject for each record that it counts in `read`, with its number in"
                    " `record`; steps write to `counted` how many they have stored.",
                )
        return close_delivery(
            load.connection,
            load.delivery_id,
            read=len(content.quarantined or ()) if load.is_retry else read,
            loaded=loaded,
            stored=stored,
            rejected=bad,
            drift=drift,
            is_retry=load.is_retry,
        )

    def _load(
        self,
        connection: Connection,
        content: Content,
        delivery_id: int,
        seen_at: datetime,
        changed_at: datetime,
    ) -> Load:
        settings = {} if self.settings is None else self.settings.model_dump()
        return Load(
            connection=connection,
            owner=self.owner,
            feed=self.feed,
            delivery_id=delivery_id,
            place=content.place or content.delivery.name,
            seen_at=seen_at,
            changed_at=changed_at,
            is_retry=content.quarantined is not None,
            parameters={**settings, **content.said},
        )

    def _context(self) -> Context:
        tables = self.owner.metadata.tables.items()
        keys = {name: tuple(one.name for one in table.primary_key) for name, table in tables}
        return Context(source=self.owner.name, settings=self.settings, keys=keys)


def prefetched(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items; a thread produces the next one while the caller uses the current one."""
    source = iter(items)
    end: Any = object()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetched") as thread:
        coming = thread.submit(next, source, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, source, end)
            yield item
