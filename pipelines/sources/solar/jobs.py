"""Solar plants in Dagster: readings by plant, health, back-fills, the sync sensor."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import Connection, select

from pipelines.config.env_validation import misconfigured
from pipelines.failures import PermanentFailure
from pipelines.ingest.statements import execute_file
from pipelines.orchestration.asset_metadata import (
    ALREADY_REPORTED,
    as_dagster_failure,
    asset_key,
    counts,
    input_key,
    log_skip,
    record_source_event,
    table_spec,
    table_stats,
)
from pipelines.orchestration.automation import note_checked
from pipelines.orchestration.checks import described, verdict
from pipelines.orchestration.resources import SourceResource, WarehouseResource, utc_now
from pipelines.orchestration.run_state import reason_to_wait
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.sources.solar import SERVICE, losses, plant_health, source, tables
from pipelines.sources.solar.load import SOURCE
from pipelines.sources.solar.sync import Sync, Synced, open_client
from pipelines.sources.solar.windows import Depth, Window
from pipelines.warehouse.connection import Warehouse

AssetOrOp = dg.AssetExecutionContext | dg.OpExecutionContext
AFTER_FAILURE_SECONDS = 30.0
#: The name of the partitions of `solar.readings`: the plants in service, by number.
PARTITIONS = "solar_plants"
RANGE = "dagster/asset_partition_range_start"
WEATHER = dg.AssetKey(["weather", "hourly"])


class Syncing(dg.Config):
    """What to sync: all that is missing of every plant by default."""

    plants: list[int] = Field(
        default=[],
        description="Numbers of the plants to sync, besides plants that are registered during the"
        " run. Empty: all plants, or those of the run's partitions.",
    )
    retry_quarantine: bool = Field(
        default=False, description="Request the days with records in quarantine again now."
    )


class Days(dg.Config):
    """Days of plants to request, stored or not."""

    plants: list[int] = Field(default=[], description="Fill in: numbers of the plants.")
    from_date: str = Field(
        default="YYYY-MM-DD", description="Fill in: first day, in each plant's time zone."
    )
    to_date: str = Field(default="YYYY-MM-DD", description="Fill in: day after the last day.")


@dg.multi_asset(name="solar_plants", specs=[table_spec(source, tables.plants)])
def plants(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Bring the partitions in line with the registry."""
    with (
        as_dagster_failure(context),
        warehouse.open() as store,
        store.engine.connect() as connection,
    ):
        metadata = table_stats(connection, asset_key(tables.plants))
        align_partitions(context.instance, connection)
    return dg.MaterializeResult(metadata=metadata)


@dg.multi_asset(
    name="solar_readings",
    specs=[
        # Not of `solar.plants`, so that the UI can materialize it with assets without partitions.
        table_spec(source, tables.readings, deps=[input_key(SERVICE)]).replace_attributes(
            partitions_def=dg.DynamicPartitionsDefinition(name=PARTITIONS), skippable=True
        )
    ],
    pool=source.name,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def readings(
    context: dg.AssetExecutionContext,
    config: Syncing,
    solar: SourceResource,
    warehouse: WarehouseResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Request what is missing; `sync_complete` lists the plants that failed, and fails the run."""
    key = asset_key(tables.readings)
    with as_dagster_failure(context), warehouse.open() as store:
        by_hand = _of_partitions(context)
        sync = _open_sync(context, solar, store)
        if sync is None:
            log_skip(context, key, "MONITORING_URL is not set")
            return
        if config.retry_quarantine:
            with store.transaction(SOURCE) as connection:
                execute_file(connection, source, "retry_quarantine", {})
        chosen = config.plants or None
        if by_hand is not None:
            chosen = [int(key) for key in by_hand if key.isdecimal()]
        done = _synced(context, sync, chosen, with_unfinished=by_hand is None)
        if chosen is None and not any(synced.problem for synced in done):
            note_checked(store, source, context.run.run_id)
        missing = {*(by_hand or ())} - {str(synced.plant.plant_id) for synced in done}
        if missing or by_hand == []:
            raise PermanentFailure(
                SOURCE,
                f"no plant in service has the number {', '.join(sorted(missing)) or 'of a range'}",
                place="the partitions of solar.readings",
                remedy="Register plants with isobar plants add: their partitions are added"
                " automatically. Give the earlier partition of a range first.",
            )
        yield dg.MaterializeResult(asset_key=key, metadata=ALREADY_REPORTED)


@dg.op(
    pool=source.name,
    description="Request selected days of selected plants from the monitoring service again.",
)
def request_days(
    context: dg.OpExecutionContext,
    config: Days,
    solar: SourceResource,
    warehouse: WarehouseResource,
) -> None:
    """Request days by hand; the run fails when they did not come, or do not exist."""
    with as_dagster_failure(context, is_patient=False), warehouse.open() as store:
        window = Window(_date("from_date", config.from_date), _date("to_date", config.to_date))
        sync = _open_sync(context, solar, store, window)
        if sync is None:
            raise misconfigured("MONITORING_URL is not set", "Set it to the monitoring service.")
        done = _synced(context, sync, config.plants)
    if failed := [f"{one.plant}: {one.problem}" for one in done if one.problem]:
        raise dg.Failure(description="\n".join(failed), allow_retries=False)


@dg.job(
    description="Request selected days of selected plants from the monitoring service, even if"
    " they are stored. If a reading has changed, its former value goes to solar.corrections."
)
def backfill_solar_days() -> None:
    """Request days by hand."""
    request_days()


@dg.multi_asset(
    name="solar_plant_health",
    specs=[
        table_spec(
            source,
            tables.solar_plant_health,
            deps=[asset_key(tables.readings), asset_key(tables.plants)],
        )
    ],
)
def solar_plant_health(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Evaluate the plants of which something changed; the check shows suspicious sensors."""
    with as_dagster_failure(context), warehouse.open() as store:
        evaluated = plant_health.refresh(store, now=utc_now())
        with store.engine.connect() as connection:
            stats = table_stats(connection, asset_key(tables.solar_plant_health))
    return dg.MaterializeResult(metadata=stats | {"plants_evaluated": evaluated})


@dg.multi_asset(
    name="solar_day_losses",
    specs=[
        table_spec(
            source,
            tables.day_losses,
            deps=[asset_key(tables.readings), asset_key(tables.plants), WEATHER],
        )
    ],
)
def solar_day_losses(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Compute the days whose weather came later, or was corrected, and those that follow."""
    with as_dagster_failure(context), warehouse.open() as store:
        computed = losses.refresh(store)
        with store.engine.connect() as connection:
            stats = table_stats(connection, asset_key(tables.day_losses))
    return dg.MaterializeResult(metadata=stats | {"days_computed": computed})


@dg.asset_check(  # type: ignore[arg-type]  # it takes generators too
    asset=asset_key(tables.readings),
    name="sync_complete",
    description=described(
        "The last sync of every plant was complete. A run with an incomplete sync fails at this"
        " check, at its end. Other plants are not affected.",
        "the last sync of a plant was incomplete, and the run failed; the row shows why. The"
        " missing days are requested again automatically. See whether the service is up and"
        " `MONITORING_URL` is right",
    ),
)
def sync_complete(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.AssetCheckResult]:
    """Show which plants failed and why; fail the run that could not sync them."""
    with warehouse.open() as store, store.engine.connect() as connection:
        found = execute_file(connection, source, "failed_plants", {"run_id": context.run.run_id})
        rows = found.mappings().all()
    yield verdict([dict(row) for row in rows], dg.AssetCheckSeverity.WARN)
    failed = [row for row in rows if row.is_of_run]
    if failed:
        listed = "\n".join(f"  plant {one.plant_id} ({one.name}), {one.problem}" for one in failed)
        failure = PermanentFailure(
            SOURCE,
            f"the sync of these plants is incomplete:\n{listed}",
            place="solar.gaps",
            remedy="Act on the reasons above if they last. The days are requested again"
            " automatically; solar.gaps shows when.",
        )
        raise dg.Failure(description=str(failure), allow_retries=False)


@due_sensor("solar_sync_due", job_name=source.name, seconds=15)
def solar_sync_due(
    context: dg.SensorEvaluationContext, solar: SourceResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Sync new plants, and plants with missing days that are due; keep partitions in line."""
    with warehouse.open() as store, store.engine.connect() as connection:
        align_partitions(context.instance, connection)
        if solar.settings().is_off:
            return dg.SkipReason("MONITORING_URL is not set.")
        due = [*execute_file(connection, source, "due_plants", {"now": utc_now()}).scalars()]
    if not due:
        return dg.SkipReason("No plant is due.")
    if reason := reason_to_wait(context.instance, source.name, seconds=AFTER_FAILURE_SECONDS):
        return dg.SkipReason(reason)
    return dg.RunRequest(run_config={"ops": {"solar_readings": {"config": {"plants": due}}}})


def align_partitions(instance: dg.DagsterInstance, connection: Connection) -> None:
    """Offer the plants in service as partitions of `solar.readings`, and no others."""
    known = instance.get_dynamic_partitions(PARTITIONS)  # first: what is added meanwhile stays
    plants = tables.plants.c
    in_service = select(plants.plant_id).where(plants.retired_at.is_(None))
    keys = [*map(str, connection.execute(in_service.order_by(plants.plant_id)).scalars())]
    for gone in set(known) - set(keys):
        instance.delete_dynamic_partition(PARTITIONS, gone)
    if fresh := [key for key in keys if key not in known]:
        instance.add_dynamic_partitions(PARTITIONS, fresh)


def _of_partitions(context: dg.AssetExecutionContext) -> list[str] | None:
    """Return the plants of the run's partitions; None for a run without partitions."""
    is_of_some = context.has_partition_key or RANGE in context.run.tags
    return list(context.partition_keys) if is_of_some else None


def _date(name: str, value: str) -> date:
    with suppress(ValueError):
        if (day := date.fromisoformat(value)).isoformat() == value:
            return day
    raise PermanentFailure(
        SOURCE,
        f"{name} is {value!r}. Incorrect data format, should be YYYY-MM-DD",
        place="the configuration of request_days",
        remedy="Give a day that there is, such as 2020-02-29.",
    )


def _open_sync(
    context: AssetOrOp, solar: SourceResource, store: Warehouse, window: Window | None = None
) -> Sync | None:
    """Return a sync by the settings; None if the service is off."""
    settings, run_id = solar.settings(), context.run.run_id
    if (client := open_client(settings)) is None:
        return None
    depth = Depth(settings.sync_every_run, settings.sync_until_year)
    return Sync(store, client, depth, utc_now, run_id=run_id, window=window)


def _synced(
    context: AssetOrOp, sync: Sync, chosen: list[int] | None, *, with_unfinished: bool = False
) -> list[Synced]:
    """Sync plants and report each as it is finished; return what came of them."""
    done = []
    for synced in sync.plants(chosen, with_unfinished=with_unfinished):
        _record_synced(context, sync.store, synced)
        done.append(synced)
    if responses := [response for synced in done for response in synced.responses]:
        record_source_event(context, SERVICE, counts(responses))
    return done


def _record_synced(context: AssetOrOp, store: Warehouse, synced: Synced) -> None:
    """Log the result of a plant: its materialization if it is complete, else what is missing."""
    if synced.problem is not None:
        context.log.error("%s: %s", synced.plant, synced.problem)
        return
    partition = str(synced.plant.plant_id)
    context.instance.add_dynamic_partitions(PARTITIONS, [partition])  # which may be there
    with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
        plant = {"plant_id": synced.plant.plant_id}
        days = execute_file(connection, source, "plant_page", plant).all()
    counted = counts(synced.responses)
    words = ", ".join(f"{counted[name]:,} {name}" for name in ("read", "loaded", "rejected"))
    context.log.info("%s: %s, in %.1f s", synced.plant, words, synced.seconds)
    metadata: dict[str, Any] = {
        "plant": synced.plant.name,
        **counted,
        "seconds": round(synced.seconds, 3),
        **{f"days_{row.status.replace(' ', '_')}": int(row.days) for row in days},
        "dagster/partition_row_count": int(sum(row.hours for row in days)),
        "rejected_records": max((int(row.rejected) for row in days), default=0),
    }
    context.log_event(
        dg.AssetMaterialization(asset_key(tables.readings), partition=partition, metadata=metadata)
    )


definitions = dg.Definitions(
    assets=[plants, readings, solar_day_losses, solar_plant_health],
    asset_checks=[sync_complete],
    jobs=[backfill_solar_days],
    sensors=[solar_sync_due],
)
