"""The archive of flights documents: each distinct body as received, and when it was received."""

import datetime as dt
import gzip
import json
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from pipelines.http.client import JsonResponse
from pipelines.ingest.deliveries import Delivery
from pipelines.sources.flights import tables
from pipelines.sources.flights.client import SOURCE
from pipelines.warehouse.connection import Warehouse, delete_in_batches
from pipelines.warehouse.sql_files import read_sql

#: Documents deleted per transaction.
BATCH_SIZE = 100


#: Days of documents in the sandbox's history.
DEMO_DAYS = 21


@dataclass(frozen=True)
class Archived:
    """A snapshot in the archive. `is_new` is whether its content was not archived before."""

    snapshot_at: dt.datetime
    sha256: str
    byte_count: int
    is_new: bool


def keep(connection: Connection, response: JsonResponse) -> Archived:
    """Archive the body as received, unless it equals the day's last snapshot.

    A rejected document that is received again is marked to be loaded again.
    """
    known = kept(connection, response.received_at)
    if known and known.sha256 == response.sha256:
        snapshots = tables.snapshots
        connection.execute(
            update(snapshots)
            .where(
                snapshots.c.snapshot_at == known.snapshot_at,
                snapshots.c.rejection_reason.is_not(None),
            )
            .values(rejection_reason=None)
        )
        return known
    document = insert(tables.payloads)
    connection.execute(
        document.on_conflict_do_update(
            index_elements=["sha256"],
            set_={"body_gzip": document.excluded.body_gzip},
            where=tables.payloads.c.body_gzip.is_(None),  # it was deleted by retention
        ),
        {
            "sha256": response.sha256,
            "byte_count": len(response.body),
            "body_gzip": gzip.compress(response.body, compresslevel=3, mtime=0),
        },
    )
    connection.execute(
        insert(tables.snapshots),
        {
            "snapshot_at": response.received_at,
            "sha256": response.sha256,
            "source_url": response.url,
        },
    )
    return Archived(response.received_at, response.sha256, len(response.body), is_new=True)


def kept(connection: Connection, until: dt.datetime) -> Archived | None:
    """Return the last snapshot of a time's day (UTC) up to that time, or None."""
    midnight = until.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    snapshots = tables.snapshots.c
    row = connection.execute(
        select(snapshots.snapshot_at, snapshots.sha256, tables.payloads.c.byte_count)
        .join(tables.payloads)
        .where(snapshots.snapshot_at.between(midnight, until))
        .order_by(snapshots.snapshot_at.desc())
        .limit(1)
    ).one_or_none()
    return Archived(*row, is_new=False) if row else None


def delivery_of(connection: Connection, snapshot_at: dt.datetime) -> Delivery:
    """Return a snapshot's document as a delivery."""
    row = connection.execute(
        select(tables.snapshots.c.sha256, tables.payloads.c.byte_count)
        .join(tables.payloads)
        .where(tables.snapshots.c.snapshot_at == snapshot_at)
    ).one()
    return Delivery(
        feed=SOURCE,
        name=name_of(snapshot_at),
        sha256=row.sha256,
        byte_count=row.byte_count,
        received_at=snapshot_at,
    )


def name_of(snapshot_at: dt.datetime) -> str:
    """Return the name of a snapshot in the ledger: its time, such as 2026-11-21T05:00:03Z."""
    return f"{snapshot_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def last_without_document(connection: Connection) -> dt.datetime | None:
    """Return the last snapshot whose document was deleted by retention."""
    removed = tables.payloads.c.body_gzip.is_(None)
    query = select(func.max(tables.snapshots.c.snapshot_at)).join(tables.payloads).where(removed)
    return connection.execute(query).scalar()


def pending(connection: Connection) -> list[dt.datetime]:
    """Return the archived snapshots that are not loaded yet, oldest first."""
    query = text(read_sql("pipelines.sources.flights", "pending_snapshots"))
    return list(connection.execute(query).scalars())


def remove_documents(store: Warehouse, before: dt.datetime) -> int:
    """Delete the documents of snapshots before the day of a time, once they are loaded.

    The snapshots and the rows read from them stay. A rebuild starts with the first snapshot that
    still has its document.
    """
    midnight = dt.datetime.combine(before.astimezone(dt.UTC).date(), dt.time(), dt.UTC)
    with store.transaction(SOURCE) as connection:
        first_needed = min([midnight, *pending(connection)[:1]])
    statement = read_sql("pipelines.sources.flights", "remove_documents")
    return delete_in_batches(store, SOURCE, statement, BATCH_SIZE, before=first_needed)


def seed_sandbox(store: Warehouse) -> str | None:
    """Archive the sandbox's documents of the last weeks if there are none; return a message."""
    from pipelines.sources.flights.sandbox import document

    with store.transaction(SOURCE) as connection:
        if connection.execute(select(tables.snapshots).limit(1)).first() is not None:
            return None
        at = dt.datetime.now(dt.UTC).replace(hour=5, minute=0, second=0, microsecond=0)
        for ago in range(DEMO_DAYS, 0, -1):
            day = at - dt.timedelta(days=ago)
            body = json.dumps(document(1, day.date()), ensure_ascii=False).encode()
            keep(connection, JsonResponse("sandbox", body, None, day))
    return f"Archived the sandbox's flights of {DEMO_DAYS} days."
