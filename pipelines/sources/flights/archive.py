"""The archive of flights documents: each body as received, once, and which day it is of."""

import datetime as dt
import gzip
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert

from pipelines.http.client import JsonAnswer
from pipelines.http.json_documents import parse_json
from pipelines.ingest.deliveries import Delivery
from pipelines.sources.flights import tables
from pipelines.sources.flights.client import SOURCE
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.retention import Removed, delete_in_batches
from pipelines.warehouse.sql_files import read_sql

#: Documents that are removed in one transaction.
BATCH_SIZE = 100


@dataclass(frozen=True)
class Archived:
    """A day's entry in the archive. `is_new` says whether this content was not there before."""

    snapshot_on: dt.date
    sha256: str
    byte_count: int
    is_new: bool


def keep(connection: Connection, snapshot_on: dt.date, answer: JsonAnswer) -> Archived:
    """Keep the body as received. The same content again, on whatever day, is kept once."""
    known = kept(connection, snapshot_on)
    document = insert(tables.payloads)
    connection.execute(
        document.on_conflict_do_update(
            index_elements=["sha256"],
            set_={"body_gzip": document.excluded.body_gzip},
            where=tables.payloads.c.body_gzip.is_(None),  # it was removed for its age
        ),
        {
            "sha256": answer.sha256,
            "byte_count": len(answer.body),
            "body_gzip": gzip.compress(answer.body, compresslevel=6, mtime=0),
        },
    )
    entry = insert(tables.snapshots)
    replaced = ("sha256", "received_at", "source_url", "refused_sha256", "refusal")
    known_refused = tables.snapshots.c.refused_sha256 == entry.excluded.sha256
    connection.execute(
        entry.on_conflict_do_update(
            index_elements=["snapshot_on"],
            set_={name: entry.excluded[name] for name in replaced},
            where=(tables.snapshots.c.sha256 != entry.excluded.sha256) | known_refused,
        ),
        {
            "snapshot_on": snapshot_on,
            "sha256": answer.sha256,
            "received_at": answer.received_at,
            "source_url": answer.url,
            "refused_sha256": None,
            "refusal": None,
        },
    )
    is_new = known is None or known.sha256 != answer.sha256
    return Archived(snapshot_on, answer.sha256, len(answer.body), is_new)


def kept(connection: Connection, snapshot_on: dt.date) -> Archived | None:
    """What the archive holds of a day, or None."""
    row = connection.execute(
        select(tables.snapshots.c.sha256, tables.payloads.c.byte_count)
        .join(tables.payloads)
        .where(tables.snapshots.c.snapshot_on == snapshot_on)
    ).one_or_none()
    return Archived(snapshot_on, row.sha256, row.byte_count, False) if row else None


def delivery_of(connection: Connection, day: dt.date) -> Delivery:
    """A day's document as a delivery."""
    row = connection.execute(
        select(
            tables.snapshots.c.sha256,
            tables.snapshots.c.received_at,
            tables.payloads.c.byte_count,
        )
        .join(tables.payloads)
        .where(tables.snapshots.c.snapshot_on == day)
    ).one()
    return Delivery(
        source=SOURCE,
        name=day.isoformat(),
        sha256=row.sha256,
        byte_count=row.byte_count,
        received_at=row.received_at,
    )


def last_day_without_document(connection: Connection) -> dt.date | None:
    """The last day whose document was removed for its age."""
    removed = tables.payloads.c.body_gzip.is_(None)
    query = select(func.max(tables.snapshots.c.snapshot_on)).join(tables.payloads).where(removed)
    return connection.execute(query).scalar()


def read_document(connection: Connection, sha256: str) -> Any:
    """A document of the archive, parsed. Raises `ValueError` when it is no JSON."""
    payloads = tables.payloads.c
    body = connection.execute(
        select(payloads.body_gzip).where(payloads.sha256 == sha256)
    ).scalar_one()
    return parse_json(gzip.decompress(body))


def pending_days(connection: Connection) -> list[dt.date]:
    """The archived days that have to be put on top, oldest first."""
    return list(
        connection.execute(text(read_sql("pipelines.sources.flights", "pending_days"))).scalars()
    )


def remove_documents(store: Warehouse, before: dt.datetime) -> Removed:
    """Remove the documents of days before the instant's day, once the tables have them.

    The days stay, and so does what was read of them: a rebuild begins with the first later day.
    """
    with store.transaction(SOURCE) as connection:
        first_needed = min([before.date(), *pending_days(connection)[:1]])
    statement = read_sql("pipelines.sources.flights", "remove_documents")
    return delete_in_batches(store, SOURCE, statement, BATCH_SIZE, before=first_needed)
