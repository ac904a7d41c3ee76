"""The views of `enriched` as assets."""

import dagster as dg

from pipelines.orchestration.asset_metadata import view_asset
from pipelines.sources.bookings import tables as bookings
from pipelines.sources.flights import tables as flights
from pipelines.sources.shipments import tables as shipment_tables
from pipelines.sources.solar import tables as solar
from pipelines.sources.weather import tables as weather

itineraries = view_asset(
    dg.AssetKey(["enriched", "itineraries"]),
    deps=[flights.itineraries, flights.snapshots],
    domain="flights",
    description="Every itinerary ever seen, one row each, with price, stops, airlines and route.",
)

itinerary_legs = view_asset(
    dg.AssetKey(["enriched", "itinerary_legs"]),
    deps=[
        flights.itineraries,
        flights.itinerary_legs,
        flights.legs,
        flights.airports,
        flights.airlines,
        weather.places,
        weather.hourly,
    ],
    domain="flights",
    description="The legs of every itinerary in their order, with airports, airline, times and"
    " weather.",
)

shipments = view_asset(
    dg.AssetKey(["enriched", "shipments"]),
    deps=[
        shipment_tables.shipments,
        shipment_tables.articles,
        shipment_tables.addresses,
        weather.places,
        weather.observations,
    ],
    domain="shipments",
    description="Every shipment, one row each, with its articles, status, both addresses and how"
    " the weather is there.",
)

reservation_nights = view_asset(
    dg.AssetKey(["enriched", "reservation_nights"]),
    deps=[bookings.events],
    domain="bookings",
    description="Every night of every reservation: whether it is booked, when that was, when it was"
    " cancelled, how long before the night.",
)

reservation_changes = view_asset(
    dg.AssetKey(["enriched", "reservation_changes"]),
    deps=[bookings.events],
    domain="bookings",
    description="Every time a reserved night came onto a hotel's books or left them.",
)

solar_readings = view_asset(
    dg.AssetKey(["enriched", "solar_readings"]),
    deps=[solar.readings, solar.plants, weather.places, weather.hourly],
    domain="solar",
    description="Every reading of a solar plant with the weather there, and whether sky, sensor or"
    " plant may have made it low.",
)
