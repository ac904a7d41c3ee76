"""The archive of flights documents: each distinct body as received, and when it was received."""

import datetime as dt
import gzip
import json

from sqlalchemy import Connection, Row, select, text, update
from sqlalchemy.dialects.postgresql import insert

from pipelines.http.client import JsonResponse
from pipelines.sources.flights import tables
from pipelines.sources.flights.client import SOURCE
from pipelines.warehouse.connection import Warehouse, delete_in_batches
from pipelines.warehouse.sql_files import read_sql

#: Documents deleted per transaction.
BATCH_SIZE = 100
#: Days of documents in the sandbox's history.
DEMO_DAYS = 14


def keep(connection: Connection, response: JsonResponse) -> dt.datetime:
    """Archive the body as received, unless it equals the day's last snapshot; return its time.

    A rejected document that is received again is marked to be loaded again.
    """
    known = kept(connection, response.received_at)
    if known and known.sha256 == response.sha256:
        snapshots = tables.snapshots
        snapshot_at: dt.datetime = known.snapshot_at
        is_rejected = snapshots.c.rejection_reason.is_not(None)
        again = update(snapshots).where(snapshots.c.snapshot_at == snapshot_at, is_rejected)
        connection.execute(again.values(rejection_reason=None))
        return snapshot_at
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
    return response.received_at


def kept(connection: Connection, until: dt.datetime) -> Row[dt.datetime, str] | None:
    """Return time and digest of the last snapshot of a time's day (UTC) until then, or None."""
    midnight = until.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    snapshots = tables.snapshots.c
    query = select(snapshots.snapshot_at, snapshots.sha256).order_by(snapshots.snapshot_at.desc())
    of_day = query.where(snapshots.snapshot_at.between(midnight, until))
    return connection.execute(of_day.limit(1)).one_or_none()


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
