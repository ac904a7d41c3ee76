"""The assets of the shipments domain: the tables that are read from files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines import attended_runs
from pipelines.asset_pages import (
    asset_key,
    failures_told,
    row_count,
    table_spec,
    tell_skipped,
)
from pipelines.core.deliveries import Outcome
from pipelines.core.inbox import Inbox, look_at
from pipelines.core.intake import Load, UnsteadyFile, take, take_file
from pipelines.core.quarantine import in_quarantine
from pipelines.core.warehouse import Warehouse
from pipelines.resources import ShipmentsResource, WarehouseResource
from pipelines.shipments import load, tables
from pipelines.shipments.pictures import shipments_by_status

POOL = "shipments_inbox"
PATIENCE_SECONDS = 10.0
"""How long a run that a person waits for waits for files that are still being written."""


class Taking(dg.Config):
    """What to take in."""

    file: str | None = Field(
        default=None,
        description="Path of a file on the machine of the run, to be taken instead of the inbox.",
    )
    retry_quarantine: bool = Field(
        default=False,
        description="First read again what is in quarantine, and look again at refused files, as"
        " after a change of the code.",
    )


@dg.multi_asset(
    name="shipments_tables",
    specs=[
        table_spec(table, kinds={"csv"})._replace(skippable=True)
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
    with failures_told(context), warehouse.open() as store:
        load.read_addresses_again(store)
        retried = load.retry_quarantine(store) if config.retry_quarantine else []
        take_in = load.loader(context.run.run_id, shipments.encoding())
        growing = 0
        if config.file is not None:
            outcome = take_file(
                store, load.SOURCE, look_at(load.SOURCE, Path(config.file)), take_in
            )
            outcomes = [outcome] if outcome else []
        elif inbox := shipments.open():
            outcomes, growing = _take_inbox(context, store, inbox, take_in)
        elif config.retry_quarantine:
            outcomes = []
        else:
            tell_skipped(context, asset_key(tables.shipments), "SHIPMENTS_INBOX is not set")
            return
        yield from _pages(store, retried + outcomes, growing)


def _take_inbox(
    context: dg.AssetExecutionContext, store: Warehouse, inbox: Inbox, take_in: Load
) -> tuple[list[Outcome], int]:
    """Take what is whole; also how many files are left because they are still being written.

    What was refused is told by the check `readable_files`.
    """
    is_attended = attended_runs.TAG in context.run.tags
    files, growing = inbox.ready(store, wait_seconds=PATIENCE_SECONDS if is_attended else 0.0)
    outcomes, refusals = take(store, inbox, files, take_in, context.run.run_id)
    for refusal in refusals:
        context.log.error("%s", refusal)
    if unsteady := [one for one in refusals if isinstance(one, UnsteadyFile)]:
        raise unsteady[0]
    return outcomes, len(growing)


def _pages(
    store: Warehouse, outcomes: list[Outcome], growing: int
) -> Iterator[dg.MaterializeResult[None]]:
    """What each table's page shows."""
    counts = {
        "deliveries": len(outcomes),
        "read": sum(outcome.read for outcome in outcomes),
        "loaded": sum(outcome.loaded for outcome in outcomes),
        "unchanged": sum(outcome.unchanged for outcome in outcomes),
        "rejected": sum(outcome.rejected for outcome in outcomes),
    }
    with store.engine.connect() as connection:
        rows = {key: row_count(connection, key) for key in map(asset_key, tables.READ_FROM_FILES)}
        picture = shipments_by_status(load.statuses(connection))
        counts["in_quarantine"] = in_quarantine(connection, load.SOURCE)
    for key, count in rows.items():
        metadata: dict[str, Any] = {"dagster/row_count": count}
        if key == asset_key(tables.shipments):
            metadata |= counts
            if growing:
                metadata["left for later"] = f"{growing} files that are still being written"
            if picture:
                metadata["by status"] = dg.MetadataValue.md(picture)
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)
