"""The assets of the shipments domain: the tables that are read from files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.asset_pages import (
    ATTENDED_TAG,
    asset_key,
    failures_told,
    row_count,
    table_spec,
    tell_skipped,
)
from pipelines.core.deliveries import Outcome
from pipelines.core.failures import Failure, PermanentFailure
from pipelines.core.inbox import Inbox, look_at, take, take_file
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
    """Take in every new or changed file of the inbox; those that are refused fail the run."""
    inbox = shipments.open()
    with failures_told(context), warehouse.open() as store:
        retried = load.retry_quarantine(store) if config.retry_quarantine else []
        take_in = load.loader(context.run.run_id, shipments.encoding())
        refusals: list[Failure] = []
        if config.file is not None:
            outcome = take_file(
                store, load.SOURCE, look_at(load.SOURCE, Path(config.file)), take_in
            )
            outcomes = [outcome] if outcome else []
        elif inbox is not None:
            is_attended = ATTENDED_TAG in context.run.tags
            files, growing = inbox.ready(
                store, wait_seconds=PATIENCE_SECONDS if is_attended else 0.0
            )
            if growing:
                context.log.warning("left for later, still being written: %d", len(growing))
            outcomes, refusals = take(store, inbox, files, take_in)
        elif not config.retry_quarantine:
            reason = "SHIPMENTS_INBOX is not set"
            tell_skipped(context, asset_key(tables.shipments), reason)
            return
        yield from _pages(store, retried + outcomes)
        if refusals:
            raise _together(refusals, inbox)


def _pages(store: Warehouse, outcomes: list[Outcome]) -> Iterator[dg.MaterializeResult[None]]:
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
    for key, count in rows.items():
        metadata: dict[str, Any] = {"dagster/row_count": count}
        if key == asset_key(tables.shipments):
            metadata |= counts
            if picture:
                metadata["by status"] = dg.MetadataValue.md(picture)
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)


def _together(refusals: list[Failure], inbox: Inbox | None) -> Failure:
    """One failure for all refused files."""
    if len(refusals) == 1:
        return refusals[0]
    told = "".join(f"\n  - {failure.place}: {failure.problem}" for failure in refusals)
    return PermanentFailure(
        load.SOURCE,
        f"{len(refusals)} files were refused:{told}",
        place=str(inbox.folder if inbox else "the inbox"),
        remedy="Mend them or take them away; one that changes is looked at again.",
    )
