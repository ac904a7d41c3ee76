"""The views of `metrics` as assets."""

import dagster as dg

from pipelines.asset_pages import view_asset
from pipelines.flights import tables as flights

flight_prices = view_asset(
    dg.AssetKey(["metrics", "flight_prices"]),
    deps=[flights.prices, flights.snapshots, flights.itineraries],
    description="What each itinerary cost on each day that it was offered.",
)
