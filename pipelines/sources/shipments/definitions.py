"""What the shipments domain gives to Dagster: assets, checks, its job, its inbox's sensor."""

import dagster as dg

from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.inboxes import inbox_sensor
from pipelines.sources.shipments import tables
from pipelines.sources.shipments.assets import FILES, shipments_tables
from pipelines.sources.shipments.checks import CHECKS

OF_OTHERS = dg.AssetSelection.assets(
    dg.AssetKey(["weather", "hourly"]),
    dg.AssetKey(["enriched", "itinerary_legs"]),
    dg.AssetKey(["enriched", "solar_readings"]),
)
"""Downstream by way of the weather's places, and brought up to date when they are due."""

shipments_job = dg.define_asset_job(
    "shipments",
    selection=dg.AssetSelection.assets(asset_key(tables.shipments)).required_multi_asset_neighbors()
    | dg.AssetSelection.assets(asset_key(tables.shipments)).downstream() - OF_OTHERS,
    description="Take in the new and changed files of the inbox, or one file, and refresh what is"
    " derived from them.",
)


shipments_inbox = inbox_sensor(
    "shipments", "SHIPMENTS_INBOX", shipments_job, replaces="the import by hand"
)

definitions = dg.Definitions(
    assets=[FILES, shipments_tables],
    asset_checks=CHECKS,
    jobs=[shipments_job],
    sensors=[shipments_inbox],
)
