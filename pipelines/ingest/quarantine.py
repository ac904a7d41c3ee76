"""Retry and dismiss quarantined records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, text, update

from pipelines.warehouse.sql_files import read_sql
from pipelines.warehouse.tables import deliveries, quarantine

#: Which records a retry reads again.
MAY_BECOME_VALID = quarantine.c.dismissed_at.is_(None), ~quarantine.c.is_final


@dataclass(frozen=True)
class Quarantined:
    """A record in quarantine: its number in the delivery and its text, as stored."""

    number: int
    raw: str


def in_quarantine(connection: Connection, feed: str) -> int:
    """Return how many records of the feed are in quarantine and not dismissed."""
    query = (
        select(func.count())
        .select_from(quarantine.join(deliveries))
        .where(deliveries.c.feed == feed, quarantine.c.dismissed_at.is_(None))
    )
    return int(connection.execute(query).scalar_one())


def dismiss(
    connection: Connection,
    feed: str,
    *,
    by: str,
    reason: str,
    records: Sequence[int] | None = None,
    matching: str | None = None,
) -> int:
    """Dismiss records in quarantine: they stay there and no longer count. Returns the number.

    Applies to all undismissed records of the feed, or those with these numbers, or with
    `matching` in a reason or its code. Who dismissed them, when and why is stored with them. They
    are not read again.
    """
    query = text(read_sql("pipelines.ingest", "dismiss_records"))
    which = {"records": None if records is None else [*records], "matching": matching}
    return connection.execute(query, {"feed": feed, "by": by, "reason": reason, **which}).rowcount


def deliveries_in_quarantine(connection: Connection, feed: str) -> list[int]:
    """Return the feed's deliveries with records that may become valid, oldest first."""
    waiting = select(quarantine.c.delivery_id).where(*MAY_BECOME_VALID)
    mine = deliveries.c.feed == feed, deliveries.c.delivery_id.in_(waiting)
    query = select(deliveries.c.delivery_id).where(*mine)
    found = connection.execute(query.order_by(deliveries.c.loaded_at, deliveries.c.delivery_id))
    return [*found.scalars()]


def take_out(connection: Connection, delivery_id: int) -> tuple[Row[Any], list[Quarantined]]:
    """Take a delivery's records out of quarantine, and open it again; return both.

    Dismissed records, and those with a final reason, stay as they are.
    """
    opened = update(deliveries).where(deliveries.c.delivery_id == delivery_id)
    entry = connection.execute(opened.values(is_open=True).returning(deliveries)).one()
    mine = quarantine.c.delivery_id == delivery_id, *MAY_BECOME_VALID
    query = select(quarantine.c.record_number, quarantine.c.raw).where(*mine)
    kept = connection.execute(query.order_by(quarantine.c.record_number))
    records = [Quarantined(*row) for row in kept]
    connection.execute(delete(quarantine).where(*mine))
    return entry, records
