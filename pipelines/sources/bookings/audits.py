"""The audit of booking events: rules over all events of a hotel or a night, in turns.

Hotels are audited one after another, the longest ago first: for `BUDGET_SECONDS`, and beyond that
until none is left whose last audit is older than `MAX_AGE`. Of all other hotels, the nights with
events that no audit has read are audited. What is found stays in `bookings.findings` until its
hotel or night is audited again; the checks of the audit show it.
"""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from pipelines.ingest.watermarks import move, position
from pipelines.sources.bookings.counts import COUNTED, PACKAGE
from pipelines.warehouse.connection import Warehouse, execute_statements
from pipelines.warehouse.sql_files import read_sql

#: How far fresh events are audited (`ops.watermarks`), and the lock of an audit.
WATERMARK = "bookings.findings"
BUDGET_SECONDS = 10.0
#: Every hotel is audited again after this time, whatever the budget: all within a week.
MAX_AGE = dt.timedelta(days=6)
#: Hotels are taken together, as many as take about so long.
GROUP_SECONDS = 1.0


@dataclass(frozen=True)
class Audited:
    """How many hotels an audit read, and how many there are."""

    hotels: int
    all_hotels: int


def audit(store: Warehouse, clock: Callable[[], dt.datetime]) -> Audited:
    """Audit hotels in turn, then the nights with fresh events of all others."""
    with store.translate_db_errors(WATERMARK), store.engine.connect() as connection:
        audited, last = position(connection, WATERMARK), position(connection, COUNTED)
        turns = connection.execute(text(read_sql(PACKAGE, "audit/hotels_in_turn"))).all()
    began, done, size = time.monotonic(), 0, 1
    while done < len(turns):
        audited_at = turns[done].audited_at
        is_overdue = audited_at is not None and audited_at < clock() - MAX_AGE
        group_began = time.monotonic()
        if group_began - began > BUDGET_SECONDS and not is_overdue:
            break
        group = [turn.hotel_id for turn in turns[done : done + size]]
        _audit_hotels(store, group, last)
        done += len(group)
        is_quick = time.monotonic() - group_began < GROUP_SECONDS / 2
        size = size * 2 if is_quick else max(1, size // 2)
    _audit_nights(store, audited, last)
    return Audited(done, len(turns))


def is_due(connection: Connection, now: dt.datetime, at_least_every: dt.timedelta) -> bool:
    """Return whether there are events that no audit has read, or a hotel whose turn it is."""
    if position(connection, WATERMARK) != position(connection, COUNTED):
        return True
    query = text("SELECT EXISTS (SELECT FROM bookings.audits WHERE audited_at < :before)")
    return bool(connection.execute(query, {"before": now - at_least_every}).scalar_one())


def _audit_hotels(store: Warehouse, hotels: Sequence[int], last: int) -> None:
    """Apply all rules to all events of hotels."""
    with store.transaction(WATERMARK) as connection:
        parameters = {"hotels": list(hotels), "last": last}
        _run(connection, "take_hotels", parameters)
        _run(connection, "find_events")
        _run(connection, "find_counts", parameters)


def _audit_nights(store: Warehouse, audited: int, last: int) -> None:
    """Apply the rules of events to the nights of other hotels that have fresh events."""
    with store.transaction(WATERMARK) as connection:
        _run(connection, "take_nights", {"audited": audited, "last": last})
        _run(connection, "find_events")
        move(connection, WATERMARK, last)


def _run(connection: Connection, name: str, parameters: dict[str, object] | None = None) -> None:
    execute_statements(connection, read_sql(PACKAGE, f"audit/{name}"), parameters or {})
