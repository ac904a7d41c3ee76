"""Retry quarantined events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from pipelines.ingest.csv_records import as_sent, layout_of
from pipelines.ingest.deliveries import Outcome
from pipelines.ingest.quarantine import Retry, close_retry, retry_each
from pipelines.sources.bookings.load import ELEMENT, LINE, SOURCE, RejectCollector, load_batches
from pipelines.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from pipelines.ingest.csv_batches import Batch
    from pipelines.sources.bookings import Settings

PORTION = 20_000


def retry_quarantine(store: Warehouse, settings: Settings) -> list[Outcome]:
    """Read quarantined events again; those that are valid now are loaded and leave the quarantine.

    Files that were rejected as a whole are read again with the next load. Each delivery is its own
    transaction.
    """

    def again(connection: Connection, retry: Retry) -> Outcome:
        is_response = retry.header is None
        collector = RejectCollector(connection, retry.delivery_id, is_response=is_response)
        taken = load_batches(
            connection,
            _portions(retry),
            retry.delivery_id,
            collector,
            settings.time_zone,
            ELEMENT if is_response else LINE,
        )
        return close_retry(
            connection,
            retry,
            loaded=taken.loaded,
            stored=taken.stored + collector.known,
            rejected=collector.count,
        )

    return retry_each(store, SOURCE, again)


def _portions(retry: Retry) -> Iterator[Batch]:
    """Yield the events that were in quarantine, as sent and in order."""
    from pipelines.ingest.csv_batches import of_records
    from pipelines.sources.bookings.transform import ALIASES, COLUMNS, of_objects

    numbered = [(one.number, one.raw) for one in retry.records]
    layout = layout_of(retry.header or "", COLUMNS, ALIASES)
    for start in range(0, len(numbered), PORTION):
        some = numbered[start : start + PORTION]
        if retry.header is None:
            yield of_objects([json.loads(raw) for _, raw in some], [number for number, _ in some])
        else:
            records = [layout.read(line, as_sent(raw)) for line, raw in some]
            yield of_records(records, layout.columns, COLUMNS)
