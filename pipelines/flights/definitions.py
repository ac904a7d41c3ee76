"""What the flights domain gives to Dagster: assets, checks, its job and its schedule."""

import datetime as dt

import dagster as dg

from pipelines.asset_pages import asset_key
from pipelines.flights import tables
from pipelines.flights.assets import flights_tables, snapshots
from pipelines.flights.checks import CHECKS

DAILY_AT = "0 5 * * *"
DAILY_ZONE = "UTC"

OF_OTHERS = dg.AssetSelection.assets(
    dg.AssetKey(["weather", "observations"]),
    dg.AssetKey(["enriched", "shipments"]),
    dg.AssetKey(["enriched", "solar_readings"]),
)
"""Downstream by way of the weather's places, and brought up to date when they are due."""

flights_job = dg.define_asset_job(
    "flights",
    selection=dg.AssetSelection.assets(asset_key(tables.snapshots)).downstream() - OF_OTHERS,
    description="Archive today's flights document, load it, and refresh what is derived from it.",
)

flights_rebuild_job = dg.define_asset_job(
    "flights_rebuild",
    selection=dg.AssetSelection.assets(
        asset_key(tables.itineraries)
    ).required_multi_asset_neighbors()
    | dg.AssetSelection.assets(asset_key(tables.itineraries)).downstream() - OF_OTHERS,
    config={"ops": {"flights_tables": {"config": {"rebuild": True}}}},
    description="Empty the flights tables and read the whole archive anew, in one transaction.",
)


@dg.schedule(
    name="flights_daily",
    cron_schedule=DAILY_AT,
    execution_timezone=DAILY_ZONE,
    job=flights_job,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Fetch the flights of the day, every day at 05:00 UTC.",
)
def flights_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """One run a day, for the day (UTC) on which the tick falls."""
    day = context.scheduled_execution_time.astimezone(dt.UTC).date().isoformat()
    return dg.RunRequest(run_key=day, partition_key=day)


definitions = dg.Definitions(
    assets=[snapshots, flights_tables],
    asset_checks=CHECKS,
    jobs=[flights_job, flights_rebuild_job],
    schedules=[flights_daily],
)
