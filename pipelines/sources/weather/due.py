"""Queries for what is due. The sensor runs them every few seconds, limited by their cost."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, text

from pipelines.sources.weather.hours import ARCHIVE, FORECAST, count_hours_due
from pipelines.warehouse.sql_files import read_sql

#: A query pauses for 20 times its duration, so that none uses more than 5 % of a core, however
#: large the tables are; and for this time if it found nothing.
REST_FACTOR, MIN_REST_SECONDS = 20.0, 10.0
#: As the kinds of requests are called; new places are no kind yet.
PRESENT, PENDING, NEW = "observation", "geocoding", "new"


def count_due(
    connection: Connection, now: dt.datetime, cursor: str | None, *, by_postcode: bool
) -> tuple[dict[str, int], str]:
    """Count the places that are due, by the reason, where the query is not paused.

    Returns also the cursor for the next call: until when each query pauses.
    """
    queries: dict[str, Callable[[], int]] = {
        PRESENT: partial(count_present_due, connection, now, by_postcode=by_postcode),
        PENDING: partial(count_pending, connection, now),
        NEW: partial(count_new_places, connection),
        FORECAST: partial(count_hours_due, connection, now, FORECAST),
        ARCHIVE: partial(count_hours_due, connection, now, ARCHIVE),
    }
    pauses, counts = _pauses(cursor), {}
    for name, query in queries.items():
        if now.timestamp() < pauses.get(name, 0.0):
            continue
        began = time.perf_counter()
        counts[name] = query()
        rest = REST_FACTOR * (time.perf_counter() - began)
        pauses[name] = now.timestamp() + (rest if counts[name] else max(rest, MIN_REST_SECONDS))
    return counts, json.dumps(pauses)


def _pauses(cursor: str | None) -> dict[str, float]:
    """Return until when each query pauses; empty if the cursor is one of another version."""
    try:
        return {name: float(until) for name, until in json.loads(cursor or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}


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
