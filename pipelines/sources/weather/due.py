"""Queries for what is due. The sensor runs them every few seconds, limited by their cost."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, text

from pipelines.sources.weather.hours import ARCHIVE, FORECAST, count_hours_due
from pipelines.warehouse.sql_files import read_sql

#: A query pauses for 20 times its duration, so that none uses more than 5 % of a core, however
#: large the tables are. On a small installation, each runs at every tick.
REST_FACTOR = 20.0
PRESENT, PENDING, NEW = "present", "pending", "new"
Probe = Callable[[Connection, dt.datetime], int]


def probes(*, by_postcode: bool) -> dict[str, Probe]:
    """Return the queries by name; each counts the places that are due for one reason."""
    return {
        PRESENT: lambda connection, now: count_present_due(
            connection, now, by_postcode=by_postcode
        ),
        PENDING: count_pending,
        NEW: count_new_places,
        FORECAST: lambda connection, now: count_hours_due(connection, now, FORECAST),
        ARCHIVE: lambda connection, now: count_hours_due(connection, now, ARCHIVE),
    }


def count_due(
    connection: Connection,
    now: dt.datetime,
    queries: Mapping[str, Probe],
    cursor: str | None,
) -> tuple[dict[str, int], str]:
    """Run the queries of `probes` that are not paused, by the cursor of the previous call.

    Returns the counts of those that ran, and the cursor for the next call.
    """
    rests: dict[str, float] = _read(cursor)
    counts = {}
    for name, query in queries.items():
        if rests.get(name, 0.0) > now.timestamp():
            continue
        began = time.perf_counter()
        counts[name] = query(connection, now)
        elapsed = time.perf_counter() - began
        rests[name] = round(now.timestamp() + REST_FACTOR * elapsed, 3)
    return counts, json.dumps({name: rests[name] for name in queries if name in rests})


def count_present_due(connection: Connection, now: dt.datetime, *, by_postcode: bool) -> int:
    """Count the places that are due for present weather."""
    query = text("SELECT count(*) FROM weather.due_places(:now, :by_postcode)")
    parameters = {"now": now, "by_postcode": by_postcode}
    return int(connection.execute(query, parameters).scalar_one())


def count_pending(connection: Connection, now: dt.datetime) -> int:
    """Count the places that are due for geocoding."""
    query = text("SELECT count(*) FROM weather.pending_places(:now)")
    return int(connection.execute(query, {"now": now}).scalar_one())


def count_new_places(connection: Connection, _: dt.datetime) -> int:
    """Count requested places that are unknown, or whose present weather was not wanted before."""
    query = text(read_sql("pipelines.sources.weather", "count_new_places"))
    return int(connection.execute(query).scalar_one())


def _read(cursor: str | None) -> dict[str, float]:
    """Return when each query may run again; empty without a valid cursor of this version."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
