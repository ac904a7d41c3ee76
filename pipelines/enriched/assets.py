"""The views of `enriched` as assets: to materialise a view is to profile it."""

import dagster as dg

from pipelines.asset_pages import asset_key, failures_told, row_count, view_schema
from pipelines.flights import tables as flights
from pipelines.resources import WarehouseResource


def view_asset(key: dg.AssetKey, deps: list[dg.AssetKey], description: str) -> dg.AssetsDefinition:
    """The asset of a view that `isobar migrate` made: rows and columns as they are now."""

    @dg.asset(
        key=key,
        deps=deps,
        description=description,
        group_name=key.path[0],
        kinds={"postgres", "view"},
        metadata={"dagster/table_name": ".".join(key.path)},
    )
    def profile(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[None]:
        with (
            failures_told(context),
            warehouse.open() as store,
            store.engine.connect() as connection,
        ):
            return dg.MaterializeResult(
                metadata={
                    "dagster/row_count": row_count(connection, key),
                    "dagster/column_schema": view_schema(connection, key),
                }
            )

    return profile


itineraries = view_asset(
    dg.AssetKey(["enriched", "itineraries"]),
    deps=[
        asset_key(table)
        for table in (flights.itineraries, flights.itinerary_legs, flights.legs, flights.prices)
    ],
    description="Every itinerary ever seen, one row each, with price, stops, airlines and route.",
)

itinerary_legs = view_asset(
    dg.AssetKey(["enriched", "itinerary_legs"]),
    deps=[
        asset_key(table)
        for table in (
            flights.itineraries,
            flights.itinerary_legs,
            flights.legs,
            flights.airports,
            flights.airlines,
        )
    ],
    description="The legs of every itinerary in their order, with airports, airline and times.",
)
