"""What `enriched` gives to Dagster."""

import dagster as dg

from pipelines.enriched.assets import (
    itineraries,
    itinerary_legs,
    reservation_changes,
    reservation_nights,
    shipments,
    solar_readings,
)

definitions = dg.Definitions(
    assets=[
        itineraries,
        itinerary_legs,
        reservation_changes,
        reservation_nights,
        shipments,
        solar_readings,
    ]
)
