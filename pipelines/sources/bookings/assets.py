"""The asset of the bookings domain: the events, from files and from the hotel system's API."""

from pathlib import Path

import dagster as dg

from pipelines.ingest.deliveries import Outcome
from pipelines.ingest.file_loader import take_file
from pipelines.ingest.inbox import look_at
from pipelines.ingest.quarantine import in_quarantine
from pipelines.orchestration.asset_metadata import (
    Page,
    asset_key,
    counts,
    failures_told,
    source_spec,
    table_spec,
    tell_skipped,
)
from pipelines.orchestration.inboxes import Taking, left_for_later, take_inbox
from pipelines.orchestration.resources import BookingsResource, WarehouseResource, utc_now
from pipelines.sources.bookings import load, tables
from pipelines.sources.bookings.polling import poll
from pipelines.sources.bookings.retry import retry_quarantine
from pipelines.warehouse.connection import Warehouse

POOL = "bookings"
FILES = source_spec(
    "bookings_files",
    "CSV files of booking events, which are dropped into an inbox at any time.",
    kind="csv",
    read_by="bookings/transform.py",
    setting="BOOKINGS_INBOX",
)
API = source_spec(
    "bookings_events_api",
    "The hotel system's API, which tells booking events as they happen.",
    kind="json",
    read_by="bookings/client.py",
    setting="BOOKINGS_EVENTS_URL",
)


@dg.multi_asset(
    name="bookings_events",
    specs=[table_spec(tables.events, deps=[FILES.key, API.key]).replace_attributes(skippable=True)],
    pool=POOL,
)
def bookings_events(
    context: dg.AssetExecutionContext,
    config: Taking,
    bookings: BookingsResource,
    warehouse: WarehouseResource,
) -> dg.MaterializeResult[None] | None:
    """Take in what is new in the inbox and at the API, or one file, or what was refused."""
    key = asset_key(tables.events)
    with failures_told(context) as page, warehouse.open() as store:
        reading = bookings.reading()
        outcomes = retry_quarantine(store, reading) if config.retry_quarantine else []
        growing = 0
        if config.file is not None:
            file = look_at(load.SOURCE, Path(config.file))
            outcome = take_file(store, load.SOURCE, file, load.loader(context.run.run_id, reading))
            taken = [outcome] if outcome else []
            received = page.took(store, FILES, taken)
        else:
            is_on, taken, growing, received = _take_sources(page, context, store, bookings, reading)
            if not is_on and not config.retry_quarantine:
                tell_skipped(context, key, "neither BOOKINGS_INBOX nor BOOKINGS_EVENTS_URL is set")
                return None
        with store.engine.connect() as connection:
            metadata = {
                **page.of(connection, key),
                **counts(outcomes + taken),
                "bytes received": received,
                **left_for_later(growing),
                "in_quarantine": in_quarantine(connection, load.SOURCE),
            }
        return dg.MaterializeResult(asset_key=key, metadata=metadata)


def _take_sources(
    page: Page,
    context: dg.AssetExecutionContext,
    store: Warehouse,
    bookings: BookingsResource,
    reading: load.Reading,
) -> tuple[bool, list[Outcome], int, int]:
    """Whether there is a source, what came of both, how many files are left for later, and bytes.

    What kept the API from being read is told by the check `readable_api`.
    """
    inbox, api = bookings.open_inbox(), bookings.open_api()
    outcomes: list[Outcome] = []
    growing = received = 0
    if inbox is not None:
        outcomes, growing = take_inbox(
            context, store, inbox, load.loader(context.run.run_id, reading)
        )
        received = page.took(store, FILES, outcomes)
    if api is not None:
        answered, failure = poll(store, api, reading, run_id=context.run.run_id, clock=utc_now)
        outcomes += answered
        received += page.took(store, API, answered)
        if failure is not None:
            context.log.error("%s", failure)
    return inbox is not None or api is not None, outcomes, growing, received
