"""Queries for what is due. The sensor runs them every few seconds, limited by their cost."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, text

from pipelines.sources.weather.hours import ARCHIVE, FORECAST, count_hours_due
from pipelines.warehouse.sql_files import read_sql

#: A query pauses for 20 times its duration, so that none uses more than 5 % of a core, however
#: large the tables are.
REST_FACTOR = 20.0
#: A query that found nothing pauses for this long while no table changes: then only time passes.
UNCHANGED_SECONDS = 30.0
PACKAGE = "pipelines.sources.weather"
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
    changes = int(connection.execute(text(read_sql(PACKAGE, "count_changes"))).scalar_one())
    ran = _read(cursor)
    counts = {}
    for name, query in queries.items():
        if name in ran and now.timestamp() < ran[name].rests_until(changes):
            continue
        began = time.perf_counter()
        counts[name] = query(connection, now)
        elapsed = round(time.perf_counter() - began, 6)
        ran[name] = _Ran(now.timestamp(), elapsed, None if counts[name] else changes)
    return counts, json.dumps({name: ran[name] for name in queries if name in ran})


class _Ran(NamedTuple):
    """When a query ran, how long it took, and if it found nothing, after which changes."""

    at: float
    seconds: float
    changes: int | None

    def rests_until(self, changes: int) -> float:
        """Return when it may run again."""
        rest = REST_FACTOR * self.seconds
        return self.at + (max(rest, UNCHANGED_SECONDS) if self.changes == changes else rest)


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
    query = text(read_sql(PACKAGE, "count_new_places"))
    return int(connection.execute(query).scalar_one())


def _read(cursor: str | None) -> dict[str, _Ran]:
    """Return when each query ran; empty without a valid cursor of this version."""
    try:
        return {
            name: _Ran(float(at), float(seconds), changes)
            for name, (at, seconds, changes) in json.loads(cursor or "{}").items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}
