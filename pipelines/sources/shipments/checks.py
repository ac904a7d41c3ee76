"""The checks of the shipments domain. All but the ledger's are warnings that show the rows."""

import dagster as dg
from sqlalchemy import Table

from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.checks import ledger_checks, query_check
from pipelines.orchestration.inboxes import readable_files
from pipelines.sources.shipments import tables
from pipelines.sources.shipments.load import SOURCE


def _check(table: Table, name: str, description: str) -> dg.AssetChecksDefinition:
    return query_check(asset_key(table), "pipelines.sources.shipments", name, description)


CHECKS = [
    *ledger_checks(asset_key(tables.shipments), SOURCE, is_snapshot=False),
    readable_files(asset_key(tables.shipments), SOURCE, "SHIPMENTS_INBOX"),
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
