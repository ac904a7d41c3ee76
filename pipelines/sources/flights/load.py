"""The flights tables, read from the archive, kept in step with the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Connection, case, delete, func, select, text, update

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import (
    Delivery,
    Outcome,
    close_delivery,
    count_reasons,
    last_sha256,
    open_delivery,
    refuse_if_mostly_bad,
    repeat_delivery,
    write_rejects,
)
from pipelines.ingest.file_loader import reading_faults
from pipelines.sources.flights import tables
from pipelines.sources.flights.archive import (
    delivery_of,
    last_day_without_document,
    pending_days,
    read_document,
)
from pipelines.sources.flights.client import SOURCE, packaged_airports
from pipelines.sources.flights.periods import apply_snapshot, revert_snapshots
from pipelines.warehouse.connection import (
    Warehouse,
    changed_records,
    held_records,
    prepare_change_log,
    stage,
    upsert,
)
from pipelines.warehouse.sql_files import execute_script, read_sql

if TYPE_CHECKING:
    import pandas as pd

ANALYZE_FROM = 0.1
"""The share of changed records from which the planner's statistics are made anew at once."""
MAX_BAD = 0.5
"""The share of refused records above which a snapshot is not believed."""


@dataclass(frozen=True)
class PriceRange:
    """What a day asked for itineraries, in the currency that most of its prices are in."""

    snapshot_on: dt.date
    currency: str
    lowest: Decimal
    median: Decimal
    highest: Decimal


def bring_up_to_date(
    store: Warehouse, *, run_id: str | None, country: str | None = None, rebuild: bool = False
) -> tuple[list[Outcome], list[PermanentFailure]]:
    """Load airports and every pending day; a day that is refused does not hold up the next.

    Each day is a transaction; a rebuild is one for all days. Returns what became of each loaded
    day, and why others were refused.
    """
    with store.transaction(SOURCE) as connection:
        load_airports(connection, *packaged_airports(), run_id)
    outcomes: list[Outcome] = []
    refusals: list[PermanentFailure] = []

    def load_day(connection: Connection, day: dt.date, earlier: str | None = None) -> None:
        try:
            with connection.begin_nested():
                outcomes.append(load_snapshot(connection, day, run_id, country))
        except PermanentFailure as failure:
            refusals.append(failure)
            if _refuse_day(connection, day, failure.problem, earlier):
                load_day(connection, day)

    if rebuild:
        with store.transaction(SOURCE) as connection:
            believed = _forget_all_days(connection)
            for day in pending_days(connection):
                load_day(connection, day, believed.get(day))
        return outcomes, refusals
    while True:
        with store.transaction(SOURCE) as connection:
            days = pending_days(connection)
            for day in days[:1]:
                load_day(connection, day)
        if len(days) <= 1:
            return outcomes, refusals


def price_ranges(connection: Connection, days: int = 90) -> list[PriceRange]:
    """What the last days asked, oldest first."""
    snapshots = tables.snapshots.c
    query = (
        select(
            snapshots.snapshot_on,
            snapshots.price_currency,
            snapshots.lowest_price,
            snapshots.median_price,
            snapshots.highest_price,
        )
        .where(snapshots.loaded_sha256.is_not(None), snapshots.median_price.is_not(None))
        .order_by(snapshots.snapshot_on.desc())
        .limit(days)
    )
    return [PriceRange(*row) for row in connection.execute(query)][::-1]


def _forget_all_days(connection: Connection) -> dict[dt.date, str]:
    """Empty the tables, and have every archived day loaded anew, from what was refused of it too.

    Days without a document any more, and those before them, stay as they were read. Returns the
    digests of the documents that were loaded.
    """
    snapshots = tables.snapshots
    removed = last_day_without_document(connection)
    if removed is None:
        for table in reversed(tables.READ_FROM_SNAPSHOTS):
            if table is not tables.airports:
                connection.execute(delete(table))
    loaded = connection.execute(
        select(snapshots.c.snapshot_on, snapshots.c.loaded_sha256).where(
            snapshots.c.loaded_sha256.is_not(None)
        )
    ).all()
    connection.execute(
        update(snapshots)
        .where(snapshots.c.snapshot_on > (removed or dt.date.min))
        .values(
            sha256=case(
                (snapshots.c.sha256 != snapshots.c.loaded_sha256, snapshots.c.sha256),
                else_=func.coalesce(snapshots.c.refused_sha256, snapshots.c.sha256),
            ),
            loaded_sha256=None,
            refused_sha256=None,
            refusal=None,
        )
    )
    return {row.snapshot_on: row.loaded_sha256 for row in loaded}


def _refuse_day(
    connection: Connection, snapshot_on: dt.date, reason: str, earlier: str | None
) -> bool:
    """Remember that a day's document is not believed, so that it does not hold up other days.

    Where an earlier document of that day was loaded, that one is the day's again; `earlier` has its
    digest when the tables were emptied. Returns whether it is to be loaded.
    """
    snapshots = tables.snapshots
    refused = (
        update(snapshots)
        .where(snapshots.c.snapshot_on == snapshot_on)
        .values(
            refused_sha256=snapshots.c.sha256,
            refusal=reason,
            sha256=func.coalesce(snapshots.c.loaded_sha256, earlier, snapshots.c.sha256),
        )
        .returning(
            snapshots.c.loaded_sha256.is_(None) & (snapshots.c.sha256 != snapshots.c.refused_sha256)
        )
    )
    return bool(connection.execute(refused).scalar_one())


def load_snapshot(
    connection: Connection, snapshot_on: dt.date, run_id: str | None, country: str | None = None
) -> Outcome:
    """Put one archived day on top of the days before it; days from it on are taken off first.

    Raises `PermanentFailure` when most records of the day are bad; nothing is written then.
    """
    from pipelines.sources.flights.transform import read_snapshot

    connection.execute(text("DISCARD TEMP"))  # of a day before this one in the same transaction
    delivery = delivery_of(connection, snapshot_on)
    if outcome := _load_unchanged(connection, delivery, snapshot_on, run_id):
        return outcome
    with reading_faults(SOURCE, f"flights.snapshots, {snapshot_on}"):
        snapshot = read_snapshot(
            read_document(connection, delivery.sha256),
            time_zones=_time_zones(connection),
            country=country,
        )
    for name, count in snapshot.read_by_list.items():
        of_list = [one for one in snapshot.rejects if one.position.startswith(f"{name}[")]
        refuse_if_mostly_bad(delivery, count, len(of_list), count_reasons(of_list), cap=MAX_BAD)
    prepare_change_log(connection)
    delivery_id = open_delivery(connection, delivery, run_id)
    day_before = _mark_loaded(connection, snapshot_on, delivery.sha256)
    if not snapshot.read_by_list["itineraries"]:
        _refuse_sudden_silence(connection, delivery, day_before)
    for table in tables.PERIODS:
        (key,) = (column for column in table.primary_key if column.name != "seen_from_on")
        execute_script(
            connection,
            f"CREATE TEMP TABLE touched_{table.name} ({key.name} text) ON COMMIT DROP",
        )
        stage(connection, snapshot.rows[table.name], table)
        offered = snapshot.offered[table.name]
        stage(connection, offered, table, name=f"stage_offered_{table.name}")
        revert_snapshots(connection, table, day_before=day_before)
        apply_snapshot(
            connection, table, day=snapshot_on, day_before=day_before, delivery_id=delivery_id
        )
    for script in ("touch_itineraries", "refresh_itineraries"):
        execute_script(connection, read_sql("pipelines.sources.flights", script))
    if changed_records(connection) > ANALYZE_FROM * snapshot.read:
        names = ", ".join(table.fullname for table in tables.READ_FROM_SNAPSHOTS)
        connection.execute(text(f"ANALYZE {names}"))
    _summarise(connection, snapshot_on)
    write_rejects(connection, delivery_id, snapshot.rejects)
    held = sum(
        held_records(connection, table, "seen_until_on IS NULL")
        for table in (tables.legs, tables.prices)
    )
    return close_delivery(
        connection,
        delivery_id,
        read=snapshot.read,
        loaded=changed_records(connection),
        held=held,
        rejected=len(snapshot.rejects),
        drift=snapshot.drift,
    )


def _refuse_sudden_silence(
    connection: Connection, delivery: Delivery, day_before: dt.date | None
) -> None:
    """A document with no itineraries at all, after one that had some, is not believed."""
    query = select(tables.snapshots.c.itinerary_count).where(
        tables.snapshots.c.snapshot_on == day_before
    )
    if count := connection.execute(query).scalar():
        raise PermanentFailure(
            SOURCE,
            f"the document has no itineraries, and the one of {day_before} offered {count:,}",
            place=f"flights.snapshots, {delivery.name}",
            remedy="See what is the matter with the source. The tables keep what they had.",
        )


def _load_unchanged(
    connection: Connection, delivery: Delivery, day: dt.date, run_id: str | None
) -> Outcome | None:
    """Put a day on top that says the same as the day before it, without reading it again.

    None when it does not, or when the tables hold this or a later day already.
    """
    snapshots = tables.snapshots.c
    last_loaded = connection.execute(
        select(snapshots.snapshot_on, snapshots.loaded_sha256)
        .where(snapshots.loaded_sha256.is_not(None))
        .order_by(snapshots.snapshot_on.desc())
        .limit(1)
    ).one_or_none()
    if (
        last_loaded is None
        or last_loaded.snapshot_on >= day
        or last_loaded.loaded_sha256 != delivery.sha256
    ):
        return None
    outcome = repeat_delivery(connection, delivery, last_loaded.snapshot_on.isoformat(), run_id)
    _mark_loaded(connection, day, delivery.sha256)
    _summarise(connection, day)
    return outcome


def load_airports(
    connection: Connection,
    delivery: Delivery,
    read_airports: Callable[[], pd.DataFrame],
    run_id: str | None,
) -> Outcome | None:
    """Bring `flights.airports` up to date; None when this very content was loaded before."""
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
        held=held_records(connection, tables.airports),
        rejected=0,
    )


def _mark_loaded(connection: Connection, day: dt.date, sha256: str) -> dt.date | None:
    """Note that the tables end with this day now; return the loaded day before it."""
    snapshots = tables.snapshots
    later = snapshots.c.snapshot_on > day
    connection.execute(update(snapshots).where(later).values(loaded_sha256=None))
    this = snapshots.c.snapshot_on == day
    connection.execute(update(snapshots).where(this).values(loaded_sha256=sha256))
    return connection.execute(
        select(snapshots.c.snapshot_on)
        .where(snapshots.c.snapshot_on < day, snapshots.c.loaded_sha256.is_not(None))
        .order_by(snapshots.c.snapshot_on.desc())
        .limit(1)
    ).scalar()


def _summarise(connection: Connection, day: dt.date) -> None:
    summary = text(read_sql("pipelines.sources.flights", "summarise_day"))
    connection.execute(summary, {"snapshot_on": day})


def _time_zones(connection: Connection) -> dict[str, str]:
    airports = tables.airports.c
    query = select(airports.airport_code, airports.time_zone).where(airports.time_zone.is_not(None))
    return {row.airport_code: row.time_zone for row in connection.execute(query)}
