"""Retention of the quarantine, and the allowed range of days."""

import datetime as dt

from sqlalchemy import null, select, update

from pipelines.failures import PermanentFailure
from pipelines.source import sources_of_feeds
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.retention import Removed, delete_in_batches
from pipelines.warehouse.sql_files import read_sql
from pipelines.warehouse.tables import deliveries, quarantine

BATCH_SIZE = 5_000
MIN_DAYS, MAX_DAYS = 2, 36_500


def days_ago(days: int, now: dt.datetime, *, least: int = MIN_DAYS) -> dt.datetime:
    """Return the time `days` before `now`. Raises `PermanentFailure` if out of range."""
    if not least <= days <= MAX_DAYS:
        raise PermanentFailure(
            "housekeeping",
            f"days is {days}, so this removed nothing",
            place="the run's configuration",
            remedy=f"Set it to a number of days from {least} to {MAX_DAYS:,}.",
        )
    return now - dt.timedelta(days=days)


def purge_quarantine(store: Warehouse, before: dt.datetime) -> dict[str, Removed]:
    """Delete quarantined records whose delivery was loaded before a time. Returns counts by feed.

    The ledger counts them as purged. Records of deliveries that were rejected as a whole before
    that time are deleted, too.
    """
    with store.transaction("housekeeping") as connection:
        is_old = deliveries.c.loaded_at < before, deliveries.c.bad_records.is_not(None)
        connection.execute(update(deliveries).where(*is_old).values(bad_records=null()))
    query = (
        select(deliveries.c.feed)
        .join(quarantine)
        .where(deliveries.c.loaded_at < before)
        .distinct()
        .order_by(deliveries.c.feed)
    )
    with store.translate_db_errors("housekeeping"), store.engine.connect() as connection:
        feeds = list(connection.execute(query).scalars())
    statement = read_sql("pipelines.orchestration.operations", "purge_quarantine")
    owners = sources_of_feeds()
    return {
        feed: delete_in_batches(
            store,
            owners[feed].name if feed in owners else feed,  # whose loads it takes turns with
            statement,
            BATCH_SIZE,
            feed=feed,
            before=before,
        )
        for feed in feeds
    }
