"""What the warehouse keeps for a time only: refused records, calls of the weather, documents.

Batches, each a transaction, so that loads wait no longer than for one. Dagster's own storage is the
business of `pruning`.
"""

import datetime as dt
from typing import Any

from sqlalchemy import select, text

from pipelines.failures import PermanentFailure
from pipelines.orchestration.operations.pruning import Removed
from pipelines.sources.flights.client import SOURCE as FLIGHTS
from pipelines.sources.flights.load import pending_days
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines.warehouse.tables import deliveries, quarantine

AT_ONCE = 5_000
DOCUMENTS_AT_ONCE = 100
LEAST_DAYS, MOST_DAYS = 2, 36_500


def days_ago(days: int, now: dt.datetime, *, least: int = LEAST_DAYS) -> dt.datetime:
    """The moment so many days before `now`. Raises `PermanentFailure` when they are too few."""
    if not least <= days <= MOST_DAYS:
        raise PermanentFailure(
            "housekeeping",
            f"days is {days}, so this removed nothing",
            place="the run's configuration",
            remedy=f"Set it to a number of days from {least} to {MOST_DAYS:,}.",
        )
    return now - dt.timedelta(days=days)


def forget_quarantine(store: Warehouse, before: dt.datetime) -> dict[str, Removed]:
    """Take records out of quarantine whose delivery was loaded before the moment; by source.

    The ledger counts them as forgotten.
    """
    query = (
        select(deliveries.c.source)
        .join(quarantine)
        .where(deliveries.c.loaded_at < before)
        .distinct()
        .order_by(deliveries.c.source)
    )
    with store.faults_told("housekeeping"), store.engine.connect() as connection:
        sources = list(connection.execute(query).scalars())
    return {
        source: _in_batches(
            store, source, "forget_quarantine", AT_ONCE, source=source, before=before
        )
        for source in sources
    }


def forget_weather_calls(store: Warehouse, before: dt.datetime) -> Removed:
    """Delete the calls of the weather's providers before the moment."""
    return _in_batches(store, "housekeeping", "forget_weather_calls", AT_ONCE, before=before)


def remove_documents(store: Warehouse, before: dt.date) -> Removed:
    """Remove the documents of flights of days before `before`, once the tables have them.

    The days stay, and so does what was read of them: a rebuild begins with the first later day.
    """
    with store.transaction(FLIGHTS) as connection:
        first_needed = min([before, *pending_days(connection)[:1]])
    return _in_batches(store, FLIGHTS, "remove_documents", DOCUMENTS_AT_ONCE, before=first_needed)


def _in_batches(
    store: Warehouse, alone_for: str, statement: str, at_once: int, **parameters: Any
) -> Removed:
    """Execute a statement that removes `at_once` at most, until there is no more."""
    query = text(read_sql("pipelines.orchestration.operations", statement))
    removed = Removed()
    while True:
        with store.transaction(alone_for) as connection:
            batch = connection.execute(query, parameters | {"most": at_once}).mappings().one()
        removed += Removed(batch["removed"], int(batch.get("bytes", 0)))
        if not batch["removed"]:  # fewer may be others' work
            return removed
