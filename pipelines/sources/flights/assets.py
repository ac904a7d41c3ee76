"""The assets of the flights domain: the archive by day, and the tables read from it."""

import datetime as dt
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.failures import NotReady, PermanentFailure
from pipelines.ingest.deliveries import last_rejects
from pipelines.orchestration.asset_metadata import (
    asset_key,
    counts,
    failures_told,
    source_spec,
    table_spec,
    tell_skipped,
)
from pipelines.orchestration.resources import FlightsResource, WarehouseResource
from pipelines.sources.flights import archive, load, tables
from pipelines.sources.flights.client import SOURCE
from pipelines.sources.flights.pictures import price_history
from pipelines.warehouse.connection import Warehouse

DAYS = dg.DailyPartitionsDefinition(start_date="2026-11-01", timezone="UTC", end_offset=1)
POOL = "flights_source"
DOCUMENT = source_spec(
    "flights_document",
    "The JSON document of itineraries on offer, which is published anew every day.",
    kind="json",
    read_by="flights/client.py",
    setting="FLIGHTS_URL",
)
AIRPORTS = source_spec(
    "airportsdata",
    "The Python package airportsdata: airports with their cities, zones and coordinates.",
    kind="python",
    read_by="flights/load.py",
)


@dg.multi_asset(
    name="flights_snapshots",
    specs=[
        table_spec(tables.snapshots, deps=[DOCUMENT.key]).replace_attributes(
            partitions_def=DAYS, skippable=True
        )
    ],
    pool=POOL,
)
def snapshots(
    context: dg.AssetExecutionContext, flights: FlightsResource, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Fetch today's document and archive it as received, or show what is archived of a past day."""
    with failures_told(context) as page, warehouse.open() as store:
        day = _day_of(context)
        try:
            today = dt.datetime.now(dt.UTC).date()
            entry = _archive(day, today, flights, store)
        except NotReady as reason:
            tell_skipped(context, asset_key(tables.snapshots), reason.problem)
            return
        with store.engine.connect() as connection:
            told = page.of(connection, asset_key(tables.snapshots))
    if day == today:
        page.heard(DOCUMENT, {"bytes received": entry.byte_count, "new": entry.is_new})
    yield dg.MaterializeResult(
        metadata={
            **told,
            "day": day.isoformat(),
            "new": entry.is_new,
            "bytes received": entry.byte_count,
            "sha256": entry.sha256,
        }
    )


def _day_of(context: dg.AssetExecutionContext) -> dt.date:
    if not context.has_partition_key:
        raise PermanentFailure(
            SOURCE,
            "the run is for no day",
            place="flights.snapshots",
            remedy="Choose the latest partition where you materialise it; or isobar run.",
        )
    return dt.date.fromisoformat(context.partition_key)


def _archive(
    day: dt.date, today: dt.date, flights: FlightsResource, store: Warehouse
) -> archive.Archived:
    if day == today:
        answer = flights.open().fetch()
        with store.transaction(SOURCE) as connection:
            return archive.keep(connection, day, answer)
    with store.engine.connect() as connection:
        entry = archive.kept(connection, day)
    if entry is None:
        raise PermanentFailure(
            SOURCE,
            f"there is no snapshot of {day}, and there can be none: the source only tells what it"
            f" offers today, {today}",
            place="flights.snapshots",
            remedy=f"Materialise {today}, or leave the day empty.",
        )
    return entry


class Loading(dg.Config):
    """How the tables are brought up to date."""

    rebuild: bool = Field(
        default=False,
        description="Empty the tables and read every archived day anew, as after a change of"
        " transform.py. Readers see the old tables until the new ones are whole.",
    )


@dg.multi_asset(
    name="flights_tables",
    specs=[
        table_spec(
            table,
            deps=[AIRPORTS.key if table is tables.airports else asset_key(tables.snapshots)],
        )
        for table in tables.READ_FROM_SNAPSHOTS
    ],
)
def flights_tables(
    context: dg.AssetExecutionContext,
    config: Loading,
    flights: FlightsResource,
    warehouse: WarehouseResource,
) -> Iterator[dg.MaterializeResult[None]]:
    """Bring all tables up to date with every archived day that they do not have yet."""
    with failures_told(context) as page, warehouse.open() as store:
        outcomes, refusals = load.bring_up_to_date(
            store,
            run_id=context.run.run_id,
            country=flights.country_of_prices(),
            rebuild=config.rebuild,
        )
        with store.engine.connect() as connection:
            page.heard(AIRPORTS, {"version": version(AIRPORTS.key.path[-1])})
            keys = map(asset_key, tables.READ_FROM_SNAPSHOTS)
            shown: dict[dg.AssetKey, dict[str, Any]] = {
                key: page.of(connection, key) for key in keys
            }
            shown[asset_key(tables.itineraries)] |= {
                **counts(outcomes),
                "in_quarantine": len(last_rejects(connection, SOURCE)),
            }
            if picture := price_history(load.price_ranges(connection)):
                shown[asset_key(tables.prices)]["price history"] = dg.MetadataValue.md(picture)
        if refusals:
            raise refusals[-1]
    for key, metadata in shown.items():
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)
