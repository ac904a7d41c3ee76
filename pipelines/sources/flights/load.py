"""Load the flights tables from the archive, snapshot by snapshot."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, true, update

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import Outcome
from pipelines.ingest.feeds import Content
from pipelines.sources.flights import airports_feed, feed, source, tables
from pipelines.sources.flights.archive import delivery_of, last_without_document, pending
from pipelines.sources.flights.client import SOURCE, packaged_airports
from pipelines.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from pipelines.sources.flights import Settings


def bring_up_to_date(
    store: Warehouse, settings: Settings, *, run_id: str | None, rebuild: bool = False
) -> tuple[list[Outcome], list[PermanentFailure]]:
    """Load airports and every pending snapshot; a rejected one does not block the next.

    Each snapshot is loaded in its own transaction; a rebuild is a single one. Returns the outcomes
    of loaded snapshots, and the failures of rejected ones.
    """
    delivery, read_airports = packaged_airports()
    airports = source.runner(airports_feed, store, settings, run_id)
    airports.load(Content(delivery=delivery, document=read_airports))
    runner = source.runner(feed, store, settings, run_id)
    results: list[Outcome | PermanentFailure] = []
    waiting: list[dt.datetime] = []
    is_first = True
    while is_first or (len(waiting) > 1 and not rebuild):
        with store.transaction(SOURCE) as connection:
            if rebuild:
                _delete_all(connection)
            waiting = pending(connection)
            results += [
                runner.attempt(connection, content_of(connection, snapshot_at))
                for snapshot_at in (waiting if rebuild else waiting[:1])
            ]
        is_first = False
    failures = [one for one in results if isinstance(one, PermanentFailure)]
    return [one for one in results if isinstance(one, Outcome)], failures


def content_of(connection: Connection, snapshot_at: dt.datetime) -> Content:
    """Return an archived snapshot as the content of a delivery."""
    delivery = delivery_of(connection, snapshot_at)
    place = f"flights.snapshots, {delivery.name}"
    return Content(delivery=delivery, place=place, said={"snapshot_at": snapshot_at})


def _delete_all(connection: Connection) -> None:
    """Empty the tables, so that every archived snapshot is loaded again, including rejected ones.

    The rows of snapshots without a document, and of those before them, are kept.
    """
    snapshots = tables.snapshots
    removed = last_without_document(connection)
    if removed is None:
        for table in reversed(tables.READ_FROM_SNAPSHOTS):
            if table is not tables.airports:
                connection.execute(delete(table))
    is_there = true() if removed is None else snapshots.c.snapshot_at > removed
    connection.execute(
        update(snapshots).where(is_there).values(is_loaded=False, rejection_reason=None)
    )
