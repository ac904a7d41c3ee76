"""The views of `metrics` as assets, and its tables, which follow what they count."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.metrics import hotel_bookings as counting
from pipelines.metrics import plant_health, tables
from pipelines.metrics.pictures import bookings_by_day, energy_by_day, pace
from pipelines.orchestration.asset_metadata import asset_key, failures_told, table_spec, view_asset
from pipelines.orchestration.resources import WarehouseResource, utc_now
from pipelines.sources.bookings import tables as bookings
from pipelines.sources.flights import tables as flights
from pipelines.sources.solar import tables as solar

SHOWN_DAYS, SHOWN_HOTELS = 60, 3
SHOWN_YIELDS, SHOWN_PLANTS = 3, 12

flight_prices = view_asset(
    dg.AssetKey(["metrics", "flight_prices"]),
    deps=[flights.prices, flights.snapshots, flights.itineraries],
    domain="flights",
    description="What each itinerary cost on each day that it was offered.",
)

solar_hourly = view_asset(
    dg.AssetKey(["metrics", "solar_hourly"]),
    deps=[solar.readings, solar.plants],
    domain="solar",
    description="What each plant expected and observed, hour by hour, on its own clocks too.",
)

solar_daily = view_asset(
    dg.AssetKey(["metrics", "solar_daily"]),
    deps=[solar.readings, solar.plants],
    domain="solar",
    description="What each plant expected and observed, day by day, with its ratios and how much of"
    " the day is held. By hour, day, month and year with every period: metrics.solar_report.",
)


class Counting(dg.Config):
    """How to count."""

    rebuild: bool = Field(
        default=False,
        description="Count all events anew, instead of adding those that are new.",
    )


@dg.multi_asset(
    name="hotel_bookings",
    specs=[
        table_spec(table, deps=[asset_key(bookings.events)], domain="bookings")
        for table in tables.HOTEL_BOOKINGS
    ],
)
def hotel_bookings(
    context: dg.AssetExecutionContext, config: Counting, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Count the events that are new, on both axes."""
    with failures_told(context) as page, warehouse.open() as store:
        refreshed = counting.refresh(store, rebuild=config.rebuild)
        told: dict[str, Any] = {
            "new events": refreshed.events,
            "counted anew": refreshed.is_rebuilt,
        }
        with store.engine.connect() as connection:
            pictures = {
                "by day": bookings_by_day(counting.last_days(connection, SHOWN_DAYS)),
                "pace of the busiest": pace(counting.pace_of_busiest(connection, SHOWN_HOTELS)),
            }
            for table, (name, picture) in zip(tables.HOTEL_BOOKINGS, pictures.items(), strict=True):
                metadata = page.of(connection, asset_key(table)) | told
                if picture:
                    metadata[name] = dg.MetadataValue.md(picture)
                yield dg.MaterializeResult(asset_key=asset_key(table), metadata=metadata)


@dg.multi_asset(
    name="solar_plant_health",
    specs=[
        table_spec(
            tables.solar_plant_health,
            deps=[asset_key(solar.readings), asset_key(solar.plants)],
            domain="solar",
        )
    ],
)
def solar_plant_health(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Look at the plants of which something changed, and show how all of them do."""
    with failures_told(context) as page, warehouse.open() as store:
        refreshed = plant_health.refresh(store, now=utc_now())
        with store.engine.connect() as connection:
            suspicious = plant_health.suspicious(connection)
            yields = plant_health.energy_by_day(connection, SHOWN_YIELDS, SHOWN_DAYS)
            told: dict[str, Any] = {
                **page.of(connection, asset_key(tables.solar_plant_health)),
                "looked at": refreshed.computed,
                "taken out": refreshed.removed,
                "suspicious": len(suspicious),
            }
    if picture := energy_by_day(yields):
        told["expected and observed"] = dg.MetadataValue.md(picture)
    if suspicious:
        told["suspicions"] = dg.MetadataValue.table(
            [
                dg.TableRecord({"plant": row["plant_name"], "suspicions": row["suspicions"]})
                for row in suspicious[:SHOWN_PLANTS]
            ]
        )
    return dg.MaterializeResult(metadata=told)
