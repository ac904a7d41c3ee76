"""The checks of the shipments domain. All but the ledger's are warnings that show the rows."""

from collections.abc import Iterator

import dagster as dg
from sqlalchemy import Table

from pipelines.asset_pages import asset_key, ledger_checks, query_check, verdict
from pipelines.core import intake
from pipelines.core.failures import PermanentFailure, printable
from pipelines.resources import WarehouseResource
from pipelines.shipments import tables
from pipelines.shipments.load import SOURCE


def _check(table: Table, name: str, description: str) -> dg.AssetChecksDefinition:
    return query_check(asset_key(table), "pipelines.shipments", name, description)


@dg.asset_check(  # type: ignore[arg-type]  # it takes generators too
    asset=asset_key(tables.shipments),
    name="readable_files",
    description="No file of the inbox was refused as a whole. The run that refuses one fails here,"
    " once; the other files and checks are not touched by it.",
)
def readable_files(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.AssetCheckResult]:
    """Show what is refused; fail the run that refused it."""
    with warehouse.open() as store, store.engine.connect() as connection:
        refused = intake.refused(connection, SOURCE)
    yield verdict(
        [{name: row[name] for name in ("name", "problem", "looked_at")} for row in refused],
        dg.AssetCheckSeverity.WARN,
    )
    if fresh := [row for row in refused if row["run_id"] == context.run.run_id]:
        told = "".join(f"\n  - {printable(row['name'])}: {row['problem']}" for row in fresh)
        failure = PermanentFailure(
            SOURCE,
            f"{len(fresh)} of the inbox's files refused:{told}",
            place="SHIPMENTS_INBOX",
            remedy="Mend them or take them away; one that changes is looked at again.",
        )
        raise dg.Failure(description=str(failure), allow_retries=False)


CHECKS = [
    *ledger_checks(asset_key(tables.shipments), SOURCE, is_snapshot=False),
    readable_files,
    _check(
        tables.shipments,
        "known_statuses",
        "Every status is in_transit, inbound_scan, scanned or delivery.",
    ),
    _check(
        tables.addresses,
        "readable_addresses",
        "Every address names a place in a known country, with a postcode of it if any.",
    ),
]
