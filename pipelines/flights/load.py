"""The flights tables and the archive they are read from, kept in step with the ledger."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from pipelines.core.deliveries import (
    Delivery,
    Outcome,
    close_delivery,
    last_sha256,
    open_delivery,
    refuse_if_mostly_bad,
)
from pipelines.core.http import JsonAnswer
from pipelines.core.sql_files import read_sql
from pipelines.core.warehouse import prepare_change_log, stage, upsert
from pipelines.flights import tables
from pipelines.flights.client import SOURCE

if TYPE_CHECKING:
    import pandas as pd

MOST_BAD = 0.5
"""The share of refused records above which a snapshot is not believed."""


@dataclass(frozen=True)
class Archived:
    """A day's entry in the archive. `is_new` says whether this content was not there before."""

    snapshot_on: dt.date
    sha256: str
    byte_count: int
    is_new: bool


def archive(connection: Connection, snapshot_on: dt.date, answer: JsonAnswer) -> Archived:
    """Keep the body as received. The same content again, on whatever day, is kept once."""
    known = archived(connection, snapshot_on)
    connection.execute(
        insert(tables.payloads).on_conflict_do_nothing(),
        {
            "sha256": answer.sha256,
            "byte_count": len(answer.body),
            "body_gzip": gzip.compress(answer.body, mtime=0),
        },
    )
    entry = insert(tables.snapshots)
    connection.execute(
        entry.on_conflict_do_update(
            index_elements=["snapshot_on"],
            set_={name: entry.excluded[name] for name in ("sha256", "received_at", "source_url")},
        ),
        {
            "snapshot_on": snapshot_on,
            "sha256": answer.sha256,
            "received_at": answer.received_at,
            "source_url": answer.url,
        },
    )
    is_new = known is None or known.sha256 != answer.sha256
    return Archived(snapshot_on, answer.sha256, len(answer.body), is_new)


def archived(connection: Connection, snapshot_on: dt.date) -> Archived | None:
    """What the archive holds of a day, or None."""
    row = connection.execute(
        select(tables.snapshots.c.sha256, tables.payloads.c.byte_count)
        .join(tables.payloads)
        .where(tables.snapshots.c.snapshot_on == snapshot_on)
    ).one_or_none()
    return Archived(snapshot_on, row.sha256, row.byte_count, False) if row else None


def pending_days(connection: Connection) -> list[dt.date]:
    """The archived days whose content the tables do not have yet, oldest first."""
    return list(connection.execute(text(read_sql("pipelines.flights", "pending_days"))).scalars())


def load_snapshot(connection: Connection, snapshot_on: dt.date, run_id: str | None) -> Outcome:
    """Bring the tables up to date with one archived day.

    Raises `PermanentFailure` when most records of the day are bad; nothing is written then.
    """
    from pipelines.flights.transform import read_snapshot

    delivery, document = _read_archive(connection, snapshot_on)
    time_zones = {
        row.airport_code: row.time_zone
        for row in connection.execute(
            select(tables.airports.c.airport_code, tables.airports.c.time_zone)
        )
        if row.time_zone
    }
    snapshot = read_snapshot(document, snapshot_on=snapshot_on, time_zones=time_zones)
    refuse_if_mostly_bad(delivery, snapshot.read, snapshot.rejects, cap=MOST_BAD)
    prepare_change_log(connection)
    delivery_id = open_delivery(connection, delivery, run_id)
    for table in tables.READ_FROM_SNAPSHOTS:
        if table.name in snapshot.rows:
            stage(connection, snapshot.rows[table.name], table)
    stage(connection, snapshot.offered, tables.itineraries, name="stage_offered")
    values = {"delivery_id": delivery_id, "snapshot_on": snapshot_on}
    for table in (tables.airlines, tables.agents, tables.legs):
        upsert(connection, table, delivery_id)
    _execute(connection, "upsert_itineraries", values)
    upsert(connection, tables.itinerary_legs, delivery_id)
    for statement in ("delete_dropped_legs", "insert_changed_prices", "close_withdrawn"):
        _execute(connection, statement, values)
    return close_delivery(
        connection,
        delivery_id,
        read=snapshot.read,
        staged=snapshot.used,
        rejects=snapshot.rejects,
        drift=snapshot.drift,
    )


def load_airports(
    connection: Connection, delivery: Delivery, airports: pd.DataFrame, run_id: str | None
) -> Outcome | None:
    """Bring `flights.airports` up to date; None when this very content was loaded before."""
    if last_sha256(connection, delivery.source, delivery.name) == delivery.sha256:
        return None
    prepare_change_log(connection)
    delivery_id = open_delivery(connection, delivery, run_id)
    stage(connection, airports, tables.airports)
    upsert(connection, tables.airports, delivery_id)
    return close_delivery(
        connection, delivery_id, read=len(airports), staged=len(airports), rejects=[]
    )


def _read_archive(connection: Connection, snapshot_on: dt.date) -> tuple[Delivery, Any]:
    row = connection.execute(
        select(
            tables.snapshots.c.sha256,
            tables.snapshots.c.received_at,
            tables.payloads.c.byte_count,
            tables.payloads.c.body_gzip,
        )
        .join(tables.payloads)
        .where(tables.snapshots.c.snapshot_on == snapshot_on)
    ).one()
    delivery = Delivery(
        source=SOURCE,
        name=snapshot_on.isoformat(),
        sha256=row.sha256,
        byte_count=row.byte_count,
        received_at=row.received_at,
    )
    return delivery, json.loads(gzip.decompress(row.body_gzip))


def _execute(connection: Connection, statement: str, values: dict[str, Any]) -> None:
    connection.execute(text(read_sql("pipelines.flights", statement)), values)
