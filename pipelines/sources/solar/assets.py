"""The assets of solar plants: the registry, and the readings, partitioned by plant."""

from datetime import date

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from pydantic import Field
from sqlalchemy import Connection, func, select, text

from pipelines.env_validation import misconfigured
from pipelines.failures import PermanentFailure
from pipelines.orchestration.asset_metadata import (
    Page,
    asset_key,
    failures_told,
    refusals_told,
    source_spec,
    table_spec,
    tell_skipped,
    view_asset,
)
from pipelines.orchestration.resources import SolarResource, WarehouseResource, utc_now
from pipelines.sources.solar import tables
from pipelines.sources.solar.load import SOURCE
from pipelines.sources.solar.pictures import coverage_strip
from pipelines.sources.solar.reading_counts import Held
from pipelines.sources.solar.sync import Sync, Synced
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.sql_files import read_sql

POOL = "solar"
SERVICE = source_spec(
    "solar_monitoring",
    "The monitoring service of solar plants: what each should have yielded and did, hour by hour.",
    kind="json",
    read_by="solar/client.py",
    setting="MONITORING_URL",
)
SHOWN_PLANTS = 12
PLANTS = dg.DynamicPartitionsDefinition(name="solar_plants")
"""A partition for each plant, by its number."""
TOLD_ALREADY = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
"""On a result whose materializations were logged as they happened: Dagster logs no other."""


class Syncing(dg.Config):
    """What to sync: all that is missing of every plant, unless said otherwise."""

    plants: list[int] = Field(
        default=[],
        description="Only these plants, by number, and those that are registered meanwhile; none"
        " for all, or for those whose partitions the run is for.",
    )
    retry_quarantine: bool = Field(
        default=False,
        description="Ask again at once for the days of which something is in quarantine.",
    )


class Days(dg.Config):
    """Days of plants that are to be asked for, whatever is held of them."""

    plants: list[int] = Field(description="The plants, by number.")
    from_date: str = Field(description="The first day, YYYY-MM-DD, in each plant's zone.")
    to_date: str = Field(description="The day after the last one, YYYY-MM-DD.")


@dg.multi_asset(name="solar_plants", specs=[table_spec(tables.plants)])
def plants(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Bring the partitions in line with the registry."""
    with (
        failures_told(context) as page,
        warehouse.open() as store,
        store.engine.connect() as connection,
    ):
        numbers = [
            str(one) for one in connection.execute(select(tables.plants.c.plant_id)).scalars()
        ]
        retired = select(func.count(tables.plants.c.retired_at))
        metadata = {
            **page.of(connection, asset_key(tables.plants)),
            "retired": int(connection.execute(retired).scalar_one()),
        }
    context.instance.add_dynamic_partitions(str(PLANTS.name), numbers)
    for key in set(context.instance.get_dynamic_partitions(str(PLANTS.name))) - {*numbers}:
        context.instance.delete_dynamic_partition(str(PLANTS.name), key)
    return dg.MaterializeResult(metadata=metadata)


@dg.multi_asset(
    name="solar_readings",
    specs=[
        table_spec(
            tables.readings, deps=[SERVICE.key, asset_key(tables.plants)]
        ).replace_attributes(partitions_def=PLANTS, skippable=True)
    ],
    pool=POOL,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def readings(
    context: dg.AssetExecutionContext,
    config: Syncing,
    solar: SolarResource,
    warehouse: WarehouseResource,
) -> dg.MaterializeResult[None] | None:
    """Ask the monitoring service for what is missing; each plant is told of as it is finished.

    Plants that failed are told by the check `synced_whole`, which makes the run red.
    """
    key = asset_key(tables.readings)
    with failures_told(context) as page, warehouse.open() as store:
        client = solar.open()
        if client is None:
            tell_skipped(context, key, "MONITORING_URL is not set")
            return None
        if config.retry_quarantine:
            with store.transaction(SOURCE) as connection:
                connection.execute(text(read_sql("pipelines.sources.solar", "retry_quarantine")))
        sync = Sync(store, client, solar.depth(), utc_now, run_id=context.run.run_id)
        by_hand = _of_partitions(context)
        held = Held(store)
        answers = []
        for synced in sync.plants(by_hand or config.plants or None, with_new=by_hand is None):
            _tell(context, held, synced)
            answers += synced.answers
        page.took(store, SERVICE, answers)
        return dg.MaterializeResult(asset_key=key, metadata=TOLD_ALREADY)


@dg.op(pool=POOL, description="Ask the monitoring service for some days of some plants again.")
def ask_for_days(
    context: dg.OpExecutionContext, config: Days, solar: SolarResource, warehouse: WarehouseResource
) -> None:
    """Ask for days by hand; the run fails when they did not come, or cannot be."""
    with refusals_told(), warehouse.open() as store:
        client = solar.open()
        if client is None:
            raise misconfigured("MONITORING_URL is not set", "Set it to the monitoring service.")
        window = Window(_date("from_date", config.from_date), _date("to_date", config.to_date))
        run_id = context.run.run_id
        sync = Sync(store, client, solar.depth(), utc_now, run_id=run_id, window=window)
        failed, answers = [], []
        held = Held(store)
        for synced in sync.plants(config.plants):
            _tell(context, held, synced)
            answers += synced.answers
            failed += [f"{synced.plant}: {synced.problem}"] if synced.problem else []
        Page(context).took(store, SERVICE, answers)
    if failed:
        raise dg.Failure(description="\n".join(failed), allow_retries=False)


@dg.job(
    description="Ask the monitoring service for chosen days of chosen plants, whatever is held of"
    " them: where its word has changed, what it said before goes to solar.corrections."
)
def ask_for_solar_days() -> None:
    """Ask for days by hand."""
    ask_for_days()


def draw_coverage(connection: Connection) -> str | None:
    """The least complete plants, month by month."""
    query = text(read_sql("pipelines.sources.solar", "coverage_by_month"))
    return coverage_strip(connection.execute(query, {"plants": SHOWN_PLANTS}).all())


coverage = view_asset(
    dg.AssetKey(["solar", "coverage"]),
    deps=[tables.plants, tables.readings],
    description="How complete the readings of each plant are, day by day: what is missing has a row"
    " too.",
    domain="solar",
    folder="views/",
    picture=draw_coverage,
)


def _of_partitions(context: dg.AssetExecutionContext) -> list[int] | None:
    """The plants whose partitions the run is for; None when it is for none."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    keys = context.partition_keys
    if strange := [key for key in keys if not key.isdecimal()]:
        raise PermanentFailure(
            SOURCE,
            f"{', '.join(map(repr, strange))} is no number of a plant",
            place="the partitions of solar.readings",
            remedy="Register plants with the job register_plant or isobar plants add: their"
            " partitions come of themselves.",
        )
    return [int(key) for key in keys]


def _date(name: str, value: str) -> date:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise PermanentFailure(
            SOURCE,
            f"{name} is {value!r}. Incorrect data format, should be YYYY-MM-DD",
            place="the configuration of ask_for_days",
            remedy="Give a day that there is, such as 2020-02-29.",
        )
    return day


def _tell(
    context: dg.AssetExecutionContext | dg.OpExecutionContext, held: Held, synced: Synced
) -> None:
    """Log what came of a plant: its materialization when all is well, else what is missing."""
    if synced.problem is not None:
        context.log.error("%s: %s", synced.plant, synced.problem)
        return
    partition = str(synced.plant.plant_id)
    if not context.instance.has_dynamic_partition(str(PLANTS.name), partition):
        context.instance.add_dynamic_partitions(str(PLANTS.name), [partition])
    metadata = held.page(synced)
    told = ", ".join(f"{metadata[name]:,} {name}" for name in ("read", "loaded", "rejected"))
    context.log.info("%s: %s, in %.1f s", synced.plant, told, synced.seconds)
    context.log_event(
        dg.AssetMaterialization(asset_key(tables.readings), partition=partition, metadata=metadata)
    )
