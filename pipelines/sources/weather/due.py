"""Queries for what is due. The sensor runs them every few seconds, limited by their cost."""

from __future__ import annotations

import datetime as dt
import time

from sqlalchemy import Connection, text

from pipelines.sources.weather.hours import ARCHIVE, FORECAST, count_hours_due
from pipelines.warehouse.sql_files import read_sql

#: The queries pause for 20 times their duration, so that they use no more than 5 % of a core,
#: however large the tables are; and for this time if they found nothing.
REST_FACTOR = 20
MIN_REST = dt.timedelta(seconds=10)
#: As the kinds of requests are called; new places are no kind yet.
PRESENT, PENDING, NEW = "observation", "geocoding", "new"


def count_due(
    connection: Connection, now: dt.datetime, *, by_postcode: bool
) -> tuple[dict[str, int], dt.datetime]:
    """Count the places that are due, by the reason. Returns also when to count again."""
    began = time.perf_counter()
    counts = {
        PRESENT: count_present_due(connection, now, by_postcode=by_postcode),
        PENDING: count_pending(connection, now),
        NEW: count_new_places(connection),
        FORECAST: count_hours_due(connection, now, FORECAST),
        ARCHIVE: count_hours_due(connection, now, ARCHIVE),
    }
    rest = REST_FACTOR * dt.timedelta(seconds=time.perf_counter() - began)
    return counts, now + (rest if any(counts.values()) else max(rest, MIN_REST))


def count_present_due(connection: Connection, now: dt.datetime, *, by_postcode: bool) -> int:
    """Count the places that are due for present weather."""
    query = text("SELECT count(*) FROM weather.due_places(:now, :by_postcode)")
    parameters = {"now": now, "by_postcode": by_postcode}
    return int(connection.execute(query, parameters).scalar_one())


def count_pending(connection: Connection, now: dt.datetime) -> int:
    """Count the places that are due for geocoding."""
    query = text("SELECT count(*) FROM weather.pending_places(:now)")
    return int(connection.execute(query, {"now": now}).scalar_one())


def count_new_places(connection: Connection) -> int:
    """Count requested places that are unknown, or whose present weather was not wanted before."""
    query = text(read_sql("pipelines.sources.weather", "count_new_places"))
    return int(connection.execute(query).scalar_one())
