"""Flights in Dagster: the rebuild, and a retry sensor."""

import dagster as dg

from pipelines.orchestration import run_state
from pipelines.orchestration.resources import SourceResource, WarehouseResource, utc_at, utc_now
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.sources.flights import archive, source

AFTER_FAILURE_SECONDS = 900.0

loaded = dg.AssetSelection.assets(*(name.split(".") for name in source.loads))
rebuild_job = dg.define_asset_job(
    "flights_rebuild",
    selection=loaded | loaded.downstream() & dg.AssetSelection.tag("source", source.name),
    config={"ops": {"load_flights": {"config": {"read_whole": True}}}},
    description="Empty the flights tables and load the whole archive again, in one transaction.",
)


@due_sensor("flights_retry", job_name=source.name, seconds=300)
def flights_retry(
    context: dg.SensorEvaluationContext, flights: SourceResource, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """Fetch today's document again 15 minutes after a run of today that did not archive it.

    A document that is not archived on its day is lost.
    """
    if flights.settings().url is None:
        return dg.SkipReason("FLIGHTS_URL is not set.")
    now = utc_now()
    with warehouse.open() as store, store.engine.connect() as connection:
        if archive.kept(connection, now) is not None:
            return dg.SkipReason("Today's document is archived.")
    if run_state.has_unfinished_run(context.instance, source.name):
        return dg.SkipReason("A run is under way.")
    last = run_state.last_ended(context.instance, source.name)
    if last is None or utc_at(last.start_time or 0.0).date() != now.date():
        return dg.SkipReason("No run has begun and ended today.")
    if now.timestamp() - (last.end_time or 0.0) < AFTER_FAILURE_SECONDS:
        return dg.SkipReason("The last run archived nothing; trying again in a few minutes.")
    return dg.RunRequest()


definitions = dg.Definitions(jobs=[rebuild_job], sensors=[flights_retry])
