"""What the bookings domain gives to Dagster: assets, checks, jobs, an hourly audit, sensors."""

import datetime as dt

import dagster as dg

from pipelines.failures import Failure
from pipelines.ingest import watermarks
from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.inboxes import inbox_sensor
from pipelines.orchestration.resources import BookingsResource, WarehouseResource, utc_now
from pipelines.orchestration.schedule_config import about_sensor, every_seconds, timetable
from pipelines.sources.bookings import tables
from pipelines.sources.bookings.assets import API, FILES, bookings_events
from pipelines.sources.bookings.checks import QUICK, THOROUGH
from pipelines.sources.bookings.load import TABLE
from pipelines.sources.bookings.polling import RETRY_AFTER, has_news, last_reading

AUDIT = timetable().schedules["bookings_audit_hourly"]
AUDIT_AGE = dt.timedelta(hours=23)
"""Older audits are done again, whether or not events came: days pass, and views are profiled."""
LOAD_TAG = "isobar/load"
"""On audits: the number of the last load that they looked at."""
EVENTS = dg.AssetSelection.assets(asset_key(tables.events))
RESERVATIONS = dg.AssetSelection.assets(
    dg.AssetKey(["enriched", "reservation_changes"]),
    dg.AssetKey(["enriched", "reservation_nights"]),
)
"""Views over all events, which show what is new without a run."""
OF_ARRIVAL = (EVENTS.downstream() - RESERVATIONS).without_checks() | dg.AssetSelection.checks(
    *(key for check in QUICK for key in check.check_keys)
)

bookings_job = dg.define_asset_job(
    "bookings",
    selection=OF_ARRIVAL,
    description="Take in the new and changed files of the inbox and what the events API has new, or"
    " one file, and refresh what is counted from it.",
)

bookings_audit = dg.define_asset_job(
    "bookings_audit",
    selection=EVENTS.downstream() - OF_ARRIVAL,
    description="Ask what takes reading all events: the checks of reservations, whether the counts"
    " are those of all events, and the views of reservations.",
)


@dg.schedule(
    name=AUDIT.name,
    job_name=AUDIT.job,
    cron_schedule=AUDIT.cron,
    execution_timezone=AUDIT.zone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=AUDIT.description,
)
def bookings_audit_hourly(
    context: dg.ScheduleEvaluationContext, warehouse: WarehouseResource
) -> dg.RunRequest | dg.SkipReason:
    """An audit of each load that none was of."""
    with warehouse.open() as store, store.engine.connect() as connection:
        load_number = watermarks.position(connection, TABLE)
    return audit_of(load_number, context.instance, utc_now())


def audit_of(
    load_number: int, instance: dg.DagsterInstance, now: dt.datetime
) -> dg.RunRequest | dg.SkipReason:
    """An audit, unless one of this load went well lately or is under way."""
    if load_number == 0:
        return dg.SkipReason("There are no events yet.")
    tags = {LOAD_TAG: str(load_number)}
    statuses = [*orphaned_runs.UNFINISHED, dg.DagsterRunStatus.SUCCESS]
    done = dg.RunsFilter(
        job_name=AUDIT.job,
        tags=tags,
        statuses=statuses,
        created_after=now - AUDIT_AGE,
    )
    if instance.get_runs_count(done) > 0:
        return dg.SkipReason("No new events since the last audit.")
    return dg.RunRequest(run_config=dict(AUDIT.config), tags=tags)


bookings_inbox = inbox_sensor(
    "bookings", "BOOKINGS_INBOX", bookings_job, replaces="the queue that was filled by hand"
)


@dg.sensor(
    name="bookings_events_api",
    job=bookings_job,
    minimum_interval_seconds=every_seconds("bookings_events_api"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=about_sensor(
        "bookings_events_api",
        "Ask the events API at BOOKINGS_EVENTS_URL from an hour or two before the newest event that"
        " was read, and start the job when it says something else than before, or nothing; once a"
        " day read it all, for what came late. It replaces the Celery task that ran every"
        " five seconds.",
    ),
)
def bookings_events_api(
    context: dg.SensorEvaluationContext,
    bookings: BookingsResource,
    warehouse: WarehouseResource,
) -> dg.RunRequest | dg.SkipReason:
    """One run for all that is new; none while one is under way."""
    api = bookings.open_api(attempts=2)
    if api is None:
        return dg.SkipReason("BOOKINGS_EVENTS_URL is not set.")
    if orphaned_runs.is_under_way(context.instance, bookings_job.name):
        return dg.SkipReason("A run is under way.")
    with warehouse.open() as store:
        with store.engine.connect() as connection:
            last = last_reading(connection, api)
        if last and last.problem and abs(utc_now() - last.polled_at) < RETRY_AFTER:
            minutes = RETRY_AFTER / dt.timedelta(minutes=1)
            return dg.SkipReason(
                f"The last reading failed; trying again {minutes:.0f} minutes after it:"
                f" {last.problem}"
            )
        if orphaned_runs.failed_lately(
            context.instance, bookings_job.name, RETRY_AFTER / dt.timedelta(seconds=1)
        ):
            return dg.SkipReason("The last run failed; trying again in some minutes.")
        try:
            if not has_news(store, api, utc_now):
                return dg.SkipReason("Nothing new at the events API.")
        except Failure as failure:  # the run asks more patiently, and tells what is the matter
            context.log.warning("%s", failure)
    return dg.RunRequest()


definitions = dg.Definitions(
    assets=[FILES, API, bookings_events],
    asset_checks=[*QUICK, *THOROUGH],
    jobs=[bookings_job, bookings_audit],
    schedules=[bookings_audit_hourly],
    sensors=[bookings_inbox, bookings_events_api],
)
