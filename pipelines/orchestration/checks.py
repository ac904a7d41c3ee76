"""Checks of assets: those that every source has, and queries that return the offending rows.

No logic of a domain.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from sqlalchemy import text

from pipelines.ingest import deliveries
from pipelines.orchestration.asset_metadata import as_table
from pipelines.orchestration.remedies import with_remedy
from pipelines.orchestration.resources import WarehouseResource
from pipelines.warehouse.sql_files import read_sql

SHOWN_ROWS = 20


def ledger_checks(
    key: dg.AssetKey, source: str, *, is_snapshot: bool = True
) -> list[dg.AssetChecksDefinition]:
    """The checks every source has: nothing lost, shape as promised, nothing refused.

    Each delivery of a snapshot says all, and its run fails without one. Else refused records of
    earlier ones are still missing, and a run without news is green: not silent is a fourth.
    """

    @dg.asset_check(
        asset=key,
        name="nothing_lost",
        blocking=True,
        description=with_remedy(
            "nothing_lost",
            "For every delivery, read = loaded + unchanged + rejected, and all that was rejected is"
            " in quarantine.",
        ),
    )
    def nothing_lost(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        with warehouse.open() as store, store.engine.connect() as connection:
            return verdict(deliveries.unbalanced(connection, source), dg.AssetCheckSeverity.ERROR)

    @dg.asset_check(
        asset=key,
        name="shape_as_promised",
        description=with_remedy(
            "shape_as_promised",
            "What the last run loaded had the keys that the source promises, no others.",
        ),
    )
    def shape_as_promised(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        with warehouse.open() as store, store.engine.connect() as connection:
            drift = deliveries.last_drift(connection, source)
        return verdict([{"drift": line} for line in drift], dg.AssetCheckSeverity.WARN)

    @dg.asset_check(
        asset=key,
        name="nothing_refused",
        description=with_remedy(
            "nothing_refused",
            f"No record{' of the last delivery' if is_snapshot else ''} is in quarantine. Refused"
            " records do not stop the others.",
        ),
    )
    def nothing_refused(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        with warehouse.open() as store, store.engine.connect() as connection:
            find = deliveries.last_rejects if is_snapshot else deliveries.rejects
            return verdict(find(connection, source), dg.AssetCheckSeverity.WARN)

    @dg.asset_check(
        asset=key,
        name="not_silent",
        description=with_remedy(
            "not_silent",
            "A source of which something new came on half of the days of four weeks has not been"
            " without any for three whole days.",
        ),
    )
    def not_silent(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        with warehouse.open() as store, store.engine.connect() as connection:
            return verdict(deliveries.silent(connection, source), dg.AssetCheckSeverity.WARN)

    found = [nothing_lost, shape_as_promised, nothing_refused]
    return found if is_snapshot else [*found, not_silent]


def verdict(
    offending: Sequence[Mapping[str, Any]], severity: dg.AssetCheckSeverity
) -> dg.AssetCheckResult:
    """A check that passes when no row offends, and shows the first of them when some do."""
    metadata: dict[str, Any] = {"offending": len(offending)}
    if offending:
        metadata["rows"] = as_table(offending[:SHOWN_ROWS])
    return dg.AssetCheckResult(passed=not offending, severity=severity, metadata=metadata)


def query_check(
    key: dg.AssetKey, package: str, name: str, description: str
) -> dg.AssetChecksDefinition:
    """A warning that shows the rows that `<package>/sql/checks/<name>.sql` returns."""

    @dg.asset_check(asset=key, name=name, description=with_remedy(name, description))
    def check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        query = text(read_sql(package, f"checks/{name}"))
        with warehouse.open() as store, store.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return verdict(rows, dg.AssetCheckSeverity.WARN)

    return check
