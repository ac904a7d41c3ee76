"""The views of `metrics` as assets, and its tables, which follow what they count."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.asset_pages import asset_key, failures_told, row_count, table_spec, view_asset
from pipelines.bookings import tables as bookings
from pipelines.flights import tables as flights
from pipelines.metrics import hotel_bookings as counting
from pipelines.metrics import tables
from pipelines.metrics.pictures import bookings_by_day, pace
from pipelines.resources import WarehouseResource

SHOWN_DAYS, SHOWN_HOTELS = 60, 3

flight_prices = view_asset(
    dg.AssetKey(["metrics", "flight_prices"]),
    deps=[flights.prices, flights.snapshots, flights.itineraries],
    description="What each itinerary cost on each day that it was offered.",
)


class Counting(dg.Config):
    """How to count."""

    rebuild: bool = Field(
        default=False,
        description="Count all events anew, instead of adding those that are new.",
    )


@dg.multi_asset(
    name="hotel_bookings",
    specs=[table_spec(table, deps=[asset_key(bookings.events)]) for table in tables.HOTEL_BOOKINGS],
)
def hotel_bookings(
    context: dg.AssetExecutionContext, config: Counting, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Count the events that are new, on both axes."""
    with failures_told(context), warehouse.open() as store:
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
                metadata = told | {"dagster/row_count": row_count(connection, asset_key(table))}
                if picture:
                    metadata[name] = dg.MetadataValue.md(picture)
                yield dg.MaterializeResult(asset_key=asset_key(table), metadata=metadata)
