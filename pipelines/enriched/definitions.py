"""What `enriched` gives to Dagster."""

import dagster as dg

from pipelines.enriched.assets import itineraries, itinerary_legs, shipments

definitions = dg.Definitions(assets=[itineraries, itinerary_legs, shipments])
