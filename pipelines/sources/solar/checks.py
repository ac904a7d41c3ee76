"""The checks of solar plants. All but the ledger's are warnings that show the rows."""

from collections.abc import Iterator

import dagster as dg
from sqlalchemy import text

from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.checks import ledger_checks, query_check, verdict
from pipelines.orchestration.remedies import with_remedy
from pipelines.orchestration.resources import WarehouseResource
from pipelines.sources.solar import tables
from pipelines.sources.solar.load import SOURCE
from pipelines.warehouse.sql_files import read_sql

READINGS = asset_key(tables.readings)


@dg.asset_check(  # type: ignore[arg-type]  # it takes generators too
    asset=READINGS,
    name="synced_whole",
    description=with_remedy(
        "synced_whole",
        "The last sync of every plant was whole. The run in which one was not fails here, at its"
        " end; the other plants are not touched by it.",
    ),
)
def synced_whole(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.AssetCheckResult]:
    """Show which plants failed and why; fail the run that could not sync them."""
    query = text(read_sql("pipelines.sources.solar", "failed_plants"))
    with warehouse.open() as store, store.engine.connect() as connection:
        rows = connection.execute(query, {"run_id": context.run.run_id}).mappings().all()
    yield verdict([dict(row) for row in rows], dg.AssetCheckSeverity.WARN)
    failed = [row for row in rows if row.is_of_run]
    if failed:
        listed = "\n".join(f"  plant {one.plant_id} ({one.name}), {one.problem}" for one in failed)
        raise dg.Failure(
            description=f"solar: not synced whole:\n{listed}\n"
            "They are asked again of themselves; solar.gaps says when.",
            allow_retries=False,
        )


CHECKS = [
    *ledger_checks(READINGS, SOURCE, is_snapshot=False),
    synced_whole,
    query_check(
        READINGS,
        "pipelines.sources.solar",
        "no_gaps",
        "No day that was asked for is missing in whole or in part. Those that are, are asked for"
        " again of themselves.",
    ),
    query_check(
        READINGS,
        "pipelines.sources.solar",
        "corrected_lately",
        "The service did not change its word within a day. What it said before is in"
        " solar.corrections.",
    ),
]
