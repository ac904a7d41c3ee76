"""What is due: queries that the sensor runs every few seconds, each as often as it is cheap."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, text

from pipelines.sources.weather.hours import ARCHIVE, FORECAST, count_hours_due
from pipelines.warehouse.sql_files import read_sql

#: A query rests 20 times as long as it took, so that none costs more than 5 % of a core, however
#: large the tables are. On a small installation each runs at every tick.
REST_FACTOR = 20.0
PRESENT, PENDING, NEW = "present", "pending", "new"
Probe = Callable[[Connection, dt.datetime], int]


def probes(*, by_postcode: bool) -> dict[str, Probe]:
    """The queries by name; each counts the places that are due for one reason."""
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
    """Run those queries of `probes` that do not rest, by the cursor that the last call returned.

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
    """How many places are due for their present weather."""
    query = text("SELECT count(*) FROM weather.due_places(:now, :by_postcode)")
    parameters = {"now": now, "by_postcode": by_postcode}
    return int(connection.execute(query, parameters).scalar_one())


def count_pending(connection: Connection, now: dt.datetime) -> int:
    """How many places are to be looked up."""
    query = text("SELECT count(*) FROM weather.pending_places(:now)")
    return int(connection.execute(query, {"now": now}).scalar_one())


def count_new_places(connection: Connection, _: dt.datetime) -> int:
    """How many places are requested that are unknown, or whose present weather was not wanted."""
    query = text(read_sql("pipelines.sources.weather", "count_new_places"))
    return int(connection.execute(query).scalar_one())


def _read(cursor: str | None) -> dict[str, float]:
    """When each query may run again; none rests without a cursor or with one of another version."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
