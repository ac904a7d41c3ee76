"""Load the flights tables from the archive, in step with the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import (
    Connection,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    true,
    update,
)

from pipelines.failures import PermanentFailure, RejectedDelivery
from pipelines.ingest.deliveries import (
    Delivery,
    Outcome,
    close_delivery,
    count_reasons,
    enforce_reject_cap,
    keep_rejects,
    last_sha256,
    open_delivery,
    repeat_delivery,
    write_rejects,
)
from pipelines.ingest.file_loader import reading_faults
from pipelines.ingest.garbage import without_cycle_collection
from pipelines.sources.flights import tables
from pipelines.sources.flights.archive import (
    delivery_of,
    last_without_document,
    name_of,
    pending,
    read_document,
)
from pipelines.sources.flights.client import SOURCE, packaged_airports
from pipelines.sources.flights.periods import apply_snapshot, revert_snapshots
from pipelines.warehouse.connection import (
    Warehouse,
    changed_records,
    count_records,
    prepare_change_log,
    stage,
    upsert,
)
from pipelines.warehouse.sql_files import execute_script, read_sql

if TYPE_CHECKING:
    import pandas as pd

#: Share of changed records from which the planner's statistics are refreshed at once.
ANALYZE_FROM = 0.1
#: The share of rejected records above which a snapshot is rejected.
MAX_BAD = 0.5
#: Tables without their own list: airlines come in legs, agents in itineraries.
RECORDS_OF = {tables.airlines: tables.legs, tables.agents: tables.prices}


def bring_up_to_date(
    store: Warehouse, *, run_id: str | None, country: str | None = None, rebuild: bool = False
) -> tuple[list[Outcome], list[PermanentFailure]]:
    """Load airports and every pending snapshot; a rejected one does not block the next.

    Each snapshot is loaded in its own transaction; a rebuild is a single one. Returns the outcomes
    of loaded snapshots, and the failures of rejected ones.
    """
    with store.transaction(SOURCE) as connection:
        load_airports(connection, *packaged_airports(), run_id)
    outcomes: list[Outcome] = []
    failures: list[PermanentFailure] = []

    def load_one(connection: Connection, snapshot_at: dt.datetime) -> None:
        try:
            with connection.begin_nested():
                outcomes.append(load_snapshot(connection, snapshot_at, run_id, country))
        except PermanentFailure as failure:
            failures.append(failure)
            _mark_rejected(connection, snapshot_at, failure.problem)
            if isinstance(failure, RejectedDelivery):
                keep_rejects(connection, failure, run_id)

    if rebuild:
        with store.transaction(SOURCE) as connection:
            _delete_all(connection)
            for snapshot_at in pending(connection):
                load_one(connection, snapshot_at)
        return outcomes, failures
    while True:
        with store.transaction(SOURCE) as connection:
            waiting = pending(connection)
            for snapshot_at in waiting[:1]:
                load_one(connection, snapshot_at)
        if len(waiting) <= 1:
            return outcomes, failures


def _delete_all(connection: Connection) -> None:
    """Empty the tables, so that every archived snapshot is loaded again, including rejected ones.

    The rows of snapshots without a document, and of those before them, are kept.
    """
    snapshots = tables.snapshots
    removed = last_without_document(connection)
    if removed is None:
        for table in reversed(tables.READ_FROM_SNAPSHOTS):
            if table is not tables.airports:
                connection.execute(delete(table))
    is_there = true() if removed is None else snapshots.c.snapshot_at > removed
    connection.execute(
        update(snapshots).where(is_there).values(is_loaded=False, rejection_reason=None)
    )


def _mark_rejected(connection: Connection, snapshot_at: dt.datetime, reason: str) -> None:
    """Mark a document as rejected, so that it does not block later ones."""
    snapshots = tables.snapshots
    this = snapshots.c.snapshot_at == snapshot_at
    connection.execute(
        update(snapshots).where(this).values(rejection_reason=reason, is_loaded=False)
    )


def load_snapshot(
    connection: Connection,
    snapshot_at: dt.datetime,
    run_id: str | None,
    country: str | None = None,
) -> Outcome:
    """Apply one archived snapshot to the tables, after reverting later ones.

    Raises `PermanentFailure` if most of its records are bad; nothing is written then.
    """
    from pipelines.sources.flights.transform import read_snapshot

    connection.execute(text("DISCARD TEMP"))  # of an earlier snapshot in this transaction
    delivery = delivery_of(connection, snapshot_at)
    if outcome := _load_unchanged(connection, delivery, run_id):
        return outcome
    with reading_faults(SOURCE, f"flights.snapshots, {delivery.name}"), without_cycle_collection():
        snapshot = read_snapshot(
            read_document(connection, delivery.sha256),
            time_zones=_time_zones(connection),
            country=country,
        )
    first = 0
    for count in snapshot.read_by_list.values():
        of_list = [one for one in snapshot.rejects if first <= one.record < first + count]
        first += count
        enforce_reject_cap(
            delivery, count, len(of_list), count_reasons(of_list), cap=MAX_BAD, rejects=of_list
        )
    prepare_change_log(connection)
    delivery_id = open_delivery(connection, delivery, run_id)
    before = _mark_loaded(connection, snapshot_at)
    if not snapshot.read_by_list["itineraries"]:
        _reject_sudden_silence(connection, delivery, before)
    for table in tables.PERIODS:
        (key,) = (column for column in table.primary_key if column.name != "seen_from_at")
        execute_script(
            connection,
            f"CREATE TEMP TABLE touched_{table.name} ({key.name} text) ON COMMIT DROP",
        )
        stage(connection, snapshot.rows[table.name], table)
        rejected = snapshot.rejected[table.name]
        stage(connection, rejected, table, name=f"stage_rejected_{table.name}")
    for table in tables.PERIODS:
        revert_snapshots(connection, table, before=before)
        apply_snapshot(
            connection,
            table,
            records=RECORDS_OF.get(table, table),
            at=snapshot_at,
            before=before,
            delivery_id=delivery_id,
        )
    loaded = changed_records(connection)
    has_much_changed = loaded > ANALYZE_FROM * snapshot.read
    if has_much_changed:
        _analyze(connection, tables.airports, *tables.PERIODS)  # before the joins
    for script in ("touch_itineraries", "refresh_itineraries"):
        execute_script(connection, read_sql("pipelines.sources.flights", script))
    if has_much_changed:
        _analyze(connection, *tables.READ_FROM_PERIODS)
    _summarise(connection, snapshot_at)
    stage(connection, snapshot.rejected_offers, tables.rejected_offers)
    _put_rejected_offers(connection, snapshot_at)
    write_rejects(connection, delivery_id, snapshot.rejects)
    stored = sum(
        count_records(connection, table, "seen_until_at IS NULL")
        for table in (tables.legs, tables.prices)
    )
    return close_delivery(
        connection,
        delivery_id,
        read=snapshot.read,
        loaded=loaded,
        stored=stored,
        rejected=len(snapshot.rejects),
        drift=snapshot.drift,
    )


def _put_rejected_offers(connection: Connection, snapshot_at: dt.datetime) -> None:
    """Replace the rejected itineraries of a snapshot by the staged ones."""
    offers = tables.rejected_offers
    connection.execute(delete(offers).where(offers.c.snapshot_at == snapshot_at))
    staged = "SELECT itinerary_id, :at, reason FROM stage_rejected_offers"
    columns = "itinerary_id, snapshot_at, reason"
    put = text(f"INSERT INTO flights.rejected_offers ({columns}) {staged}")
    connection.execute(put, {"at": snapshot_at})


def _analyze(connection: Connection, *several: Table) -> None:
    connection.execute(text(f"ANALYZE {', '.join(table.fullname for table in several)}"))


def _reject_sudden_silence(
    connection: Connection, delivery: Delivery, before: dt.datetime | None
) -> None:
    """Reject a document without itineraries if the previous one had some."""
    query = select(tables.snapshots.c.itinerary_count).where(
        tables.snapshots.c.snapshot_at == before
    )
    if before and (count := connection.execute(query).scalar()):
        raise PermanentFailure(
            SOURCE,
            f"the document has no itineraries, but the one of {name_of(before)} had {count:,}",
            place=f"flights.snapshots, {delivery.name}",
            remedy="Ask whoever runs the source. The tables are unchanged.",
        )


def _load_unchanged(
    connection: Connection, delivery: Delivery, run_id: str | None
) -> Outcome | None:
    """Apply a snapshot that equals the previous one, without parsing it again.

    Returns None if it differs, or if the tables already contain this or a later one.
    """
    snapshots = tables.snapshots.c
    last_loaded = connection.execute(
        select(snapshots.snapshot_at, snapshots.sha256)
        .where(snapshots.is_loaded)
        .order_by(snapshots.snapshot_at.desc())
        .limit(1)
    ).one_or_none()
    if (
        last_loaded is None
        or last_loaded.snapshot_at >= delivery.received_at
        or last_loaded.sha256 != delivery.sha256
    ):
        return None
    outcome = repeat_delivery(connection, delivery, name_of(last_loaded.snapshot_at), run_id)
    _mark_loaded(connection, delivery.received_at)
    offers = tables.rejected_offers
    connection.execute(delete(offers).where(offers.c.snapshot_at == delivery.received_at))
    repeated = select(offers.c.itinerary_id, literal(delivery.received_at), offers.c.reason).where(
        offers.c.snapshot_at == last_loaded.snapshot_at
    )
    connection.execute(insert(offers).from_select(offers.c.keys(), repeated))
    _summarise(connection, delivery.received_at)
    return outcome


def load_airports(
    connection: Connection,
    delivery: Delivery,
    read_airports: Callable[[], pd.DataFrame],
    run_id: str | None,
) -> Outcome | None:
    """Update `flights.airports`; None if this content was loaded before."""
    if last_sha256(connection, delivery.source) == delivery.sha256:
        return None
    airports = read_airports()
    prepare_change_log(connection)
    delivery_id = open_delivery(connection, delivery, run_id)
    stage(connection, airports, tables.airports)
    upsert(connection, tables.airports, delivery_id)
    return close_delivery(
        connection,
        delivery_id,
        read=len(airports),
        loaded=changed_records(connection),
        stored=count_records(connection, tables.airports),
        rejected=0,
    )


def _mark_loaded(connection: Connection, snapshot_at: dt.datetime) -> dt.datetime | None:
    """Record this snapshot as the last one in the tables; return the loaded one before it."""
    snapshots = tables.snapshots
    from_here = snapshots.c.snapshot_at >= snapshot_at
    is_this = snapshots.c.snapshot_at == snapshot_at
    connection.execute(update(snapshots).where(from_here).values(is_loaded=is_this))
    before = snapshots.c.is_loaded & (snapshots.c.snapshot_at < snapshot_at)
    return connection.execute(select(func.max(snapshots.c.snapshot_at)).where(before)).scalar()


def _summarise(connection: Connection, snapshot_at: dt.datetime) -> None:
    summary = text(read_sql("pipelines.sources.flights", "summarise_snapshot"))
    connection.execute(summary, {"snapshot_at": snapshot_at})


def _time_zones(connection: Connection) -> dict[str, str]:
    airports = tables.airports.c
    query = select(airports.airport_code, airports.time_zone).where(airports.time_zone.is_not(None))
    return {row.airport_code: row.time_zone for row in connection.execute(query)}
