"""What `metrics` gives to Dagster."""

import dagster as dg

from pipelines.metrics.assets import flight_prices, hotel_bookings
from pipelines.metrics.checks import CHECKS

definitions = dg.Definitions(assets=[flight_prices, hotel_bookings], asset_checks=CHECKS)
