"""Partitions of assets, kept in line with what is stored: those that can be filled, no others.

What is stored already, such as an archive that was restored, is shown as materialized without a
run.
"""

from collections.abc import Iterable
from contextlib import nullcontext

import dagster as dg
from sqlalchemy import Connection

from pipelines.config import Settings
from pipelines.ingest.statements import execute_file
from pipelines.isolation import isolated
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.postgres.roles import LOADER
from pipelines.source import Partitions, Source, is_plugin, sources
from pipelines.warehouse.connection import Warehouse

#: Dagster's flag from before there were automation sensors. Until it is set, the UI shows jobs
#: whose assets have automation conditions as "Auto-materialize off", though `derived_assets` is on.
AUTOMATION_IS_ON = {"ASSET_DAEMON_PAUSED": "false"}


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

    A plug-in whose query fails does not stop the others.
    """
    changed = []
    for source in sources().values() if of is None else of:
        guard = isolated(source.name, "its partitions", source.package)
        with guard if is_plugin(source) else nullcontext(), connection.begin_nested():
            changed += [_align(instance, connection, source, one) for one in source.partitions]
    return [words for words in changed if words]


def _align(
    instance: dg.DagsterInstance, connection: Connection, source: Source, declared: Partitions
) -> str:
    asset = dg.AssetKey(declared.on.split("."))
    # Before the query: what is added meanwhile is not taken for what is gone.
    known = set(instance.get_dynamic_partitions(declared.name))
    shown = instance.get_materialized_partitions(asset)
    file = f"partitions/{declared.name}"
    rows = execute_file(connection, source, file, {"now": utc_now()}).all()
    stored = {row.key: row.is_filled for row in rows}
    fresh = [key for key in stored if key not in known]
    gone = [key for key in known if key not in stored]
    for key, is_filled in stored.items():
        if is_filled and key not in shown:
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset, partition=key, description="Stored before; no run was needed."
                )
            )
    if fresh:
        instance.add_dynamic_partitions(declared.name, fresh)
    for key in gone:
        instance.delete_dynamic_partition(declared.name, key)
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
