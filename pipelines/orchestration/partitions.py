"""Partitions of assets, kept in line with what is stored: those that can be filled, no others.

What is stored already, such as an archive that was restored, is shown as materialized without a
run.
"""

from collections.abc import Iterable
from contextlib import nullcontext
from itertools import takewhile

import dagster as dg
from sqlalchemy import Connection, text

from pipelines.config import Settings
from pipelines.failures import RejectedInput
from pipelines.ingest.statements import execute_file
from pipelines.isolation import isolated
from pipelines.orchestration.resources import WarehouseResource, cancelled_after, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.postgres.roles import LOADER
from pipelines.source import Partitions, Source, is_plugin, sources
from pipelines.warehouse.connection import Warehouse

RANGE_START, RANGE_END = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)
#: The longest that a statement of partitions may take: each start waits for it, and each minute.
MAX_SECONDS = 20
#: Dagster's flag from before there were automation sensors. Until it is set, the UI shows jobs
#: whose assets have automation conditions as "Auto-materialize off", though `derived_assets` is on.
AUTOMATION_IS_ON = {"ASSET_DAEMON_PAUSED": "false"}


def partitions_of_run(context: dg.AssetExecutionContext) -> list[str] | None:
    """Return the partitions that a run is for; None for a run without partitions.

    Raises `RejectedInput` for a range that has none: it would be a run without partitions.
    """
    ends = [context.run.tags.get(tag) for tag in (RANGE_START, RANGE_END)]
    if not context.has_partition_key and not any(ends):
        return None
    keys = list(context.partition_keys)
    if not keys:
        raise RejectedInput(
            "the run",
            f"the range from {ends[0]} to {ends[1]} has no partitions",
            place=f"the partitions of {context.asset_key.to_user_string().replace('/', '.')}",
            remedy="Give the earlier partition first, and the later one last.",
        )
    return keys


def align_with_warehouse(instance: dg.DagsterInstance) -> None:
    """Bring the instance in line with what is stored, in a process that is not a run."""
    if instance.daemon_cursor_storage is not None:
        instance.daemon_cursor_storage.set_cursor_values(AUTOMATION_IS_ON)
    with (
        Warehouse(Settings.current().warehouse_url(LOADER)) as store,
        store.engine.connect() as connection,
    ):
        align_partitions(instance, connection)


def align_partitions(
    instance: dg.DagsterInstance, connection: Connection, of: Iterable[Source] | None = None
) -> list[str]:
    """Add and remove partitions of sources, by default of all; return what was changed, in words.

    A plug-in whose query fails or does not end in time does not stop the others.
    """
    changed = []
    for source in sources().values() if of is None else of:
        guard = isolated(source.name, "its partitions", source.package)
        with guard if is_plugin(source) else nullcontext(), connection.begin_nested():
            changed += [_align(instance, connection, source, one) for one in source.partitions]
    connection.execute(text("SET LOCAL statement_timeout TO DEFAULT"))  # for what follows
    return [words for words in changed if words]


def _align(
    instance: dg.DagsterInstance, connection: Connection, source: Source, declared: Partitions
) -> str:
    asset = dg.AssetKey(declared.on.split("."))
    # Before the query: what is added meanwhile is not taken for what is gone.
    known = instance.get_dynamic_partitions(declared.name)
    shown = instance.get_materialized_partitions(asset)
    file = f"partitions/{declared.name}"
    what, remedy = f"the query of {declared.name}", "Make it faster: each start waits for it."
    with cancelled_after(connection, MAX_SECONDS, what, place=f"sql/{file}.sql", remedy=remedy):
        rows = execute_file(connection, source, file, {"now": utc_now()}).all()
    stored = {row.key: row.is_filled for row in rows}
    fresh = [key for key in stored if key not in known]
    gone = [key for key in known if key not in stored]
    kept = [key for key in known if key in stored]
    in_order = list(takewhile(lambda both: both[0] == both[1], zip(kept, stored, strict=False)))
    # Ranges are of Dagster's order, which is that of adding: what comes later is added again.
    moved = kept[len(in_order) :]
    for key, is_filled in stored.items():
        if is_filled and key not in shown:
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset, partition=key, description="Stored before; no run was needed."
                )
            )
    for key in (*gone, *moved):
        instance.delete_dynamic_partition(declared.name, key)
    if behind := list(stored)[len(in_order) :]:
        instance.add_dynamic_partitions(declared.name, behind)
    if not fresh and not gone:
        return ""
    return f"{declared.name}: {len(fresh)} added, {len(gone)} removed"


@due_sensor("partitions", seconds=60)
def partitions(context: dg.SensorEvaluationContext, warehouse: WarehouseResource) -> dg.SkipReason:
    """Offer the partitions that can be filled: today, new plants, days of a restored archive.

    It starts nothing itself.
    """
    with warehouse.open() as store, store.engine.connect() as connection:
        changed = align_partitions(context.instance, connection)
    return dg.SkipReason("; ".join(changed) or "All partitions are those that can be filled.")
