"""The assets of the shipments domain: the tables that are read from files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

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
from pipelines.orchestration.resources import ShipmentsResource, WarehouseResource
from pipelines.sources.shipments import load, tables
from pipelines.sources.shipments.pictures import shipments_by_status
from pipelines.warehouse.connection import Warehouse

POOL = "shipments_inbox"
FILES = source_spec(
    "shipments_files",
    "CSV files of parcels, which are dropped into an inbox at any time.",
    kind="csv",
    read_by="shipments/transform.py",
    setting="SHIPMENTS_INBOX",
)


@dg.multi_asset(
    name="shipments_tables",
    specs=[
        table_spec(table, deps=[FILES.key]).replace_attributes(skippable=True)
        for table in tables.READ_FROM_FILES
    ],
    pool=POOL,
)
def shipments_tables(
    context: dg.AssetExecutionContext,
    config: Taking,
    shipments: ShipmentsResource,
    warehouse: WarehouseResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Take in every new or changed file of the inbox, or one file, or what was refused."""
    with failures_told(context) as page, warehouse.open() as store:
        load.read_addresses_again(store)
        retried = load.retry_quarantine(store) if config.retry_quarantine else []
        take_in = load.loader(context.run.run_id, shipments.encoding())
        growing = 0
        if config.file is not None:
            outcome = take_file(
                store, load.SOURCE, look_at(load.SOURCE, Path(config.file)), take_in
            )
            outcomes = [outcome] if outcome else []
        elif inbox := shipments.open_inbox():
            outcomes, growing = take_inbox(context, store, inbox, take_in)
        elif config.retry_quarantine:
            outcomes = []
        else:
            tell_skipped(context, asset_key(tables.shipments), "SHIPMENTS_INBOX is not set")
            return
        received = page.took(store, FILES, outcomes)
        told = {
            **counts(retried + outcomes),
            **left_for_later(growing),
            "bytes received": received,
        }
        yield from _pages(page, store, told)


def _pages(
    page: Page, store: Warehouse, counted: Mapping[str, Any]
) -> Iterator[dg.MaterializeResult[None]]:
    """What each table's page shows."""
    with store.engine.connect() as connection:
        keys = map(asset_key, tables.READ_FROM_FILES)
        shown: dict[dg.AssetKey, dict[str, Any]] = {key: page.of(connection, key) for key in keys}
        told = shown[asset_key(tables.shipments)]
        told |= counted
        told["in_quarantine"] = in_quarantine(connection, load.SOURCE)
        if picture := shipments_by_status(load.statuses(connection)):
            told["by status"] = dg.MetadataValue.md(picture)
    for key, metadata in shown.items():
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)
