"""What `metrics` gives to Dagster."""

import dagster as dg

from pipelines.metrics.assets import flight_prices

definitions = dg.Definitions(assets=[flight_prices])
