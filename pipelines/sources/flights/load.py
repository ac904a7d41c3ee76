"""Archive the flights document of the day, and load the tables from the archive."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, delete, func, select, text, true, update

from pipelines.failures import DatabaseError, Failure, PermanentFailure
from pipelines.ingest.deliveries import Delivery, Outcome
from pipelines.ingest.feeds import Content
from pipelines.ingest.load import ANALYZE_FROM
from pipelines.sources.flights import tables
from pipelines.sources.flights.archive import keep, pending
from pipelines.sources.flights.client import SOURCE, fetch, packaged_airports
from pipelines.warehouse.sql_files import execute_script

if TYPE_CHECKING:
    from pipelines.ingest.load import Load
    from pipelines.ingest.runner import Runner

#: What is no value in a table of periods.
PERIOD = ("seen_from_at", "seen_until_at", "delivery_id")
#: Tables without their own list: airlines come in legs, agents in itineraries.
RECORDS_OF = {"airlines": "legs", "agents": "prices"}


def poll(runner: Runner, *, is_whole: bool) -> tuple[list[Outcome], Failure | None] | None:
    """Archive today's document, then load what is archived; None if flights are off.

    With `is_whole`, the whole archive is loaded again, even if the document cannot be fetched.
    Raises whatever the client raises.
    """
    url = runner.settings.url
    if url is None and not is_whole:
        return None
    failure: Failure | None = None
    try:
        if url is not None:
            response = fetch(url)
            with runner.store.transaction(SOURCE) as connection:
                keep(connection, response)
    except Failure as reason:
        if isinstance(reason, DatabaseError) or not is_whole:
            raise
        failure = reason
    outcomes, failures = bring_up_to_date(runner, rebuild=is_whole)
    return outcomes, next(reversed(failures), failure)


def poll_airports(runner: Runner, *, is_whole: bool) -> tuple[list[Outcome], None] | None:
    """Load the airports of the package if it has changed; None if flights are off.

    They count nowhere: no sender delivers them.
    """
    if runner.settings.url is None and not is_whole:
        return None
    delivery, read_airports = packaged_airports()
    runner.load(Content(delivery=delivery, document=read_airports))
    return [], None


def bring_up_to_date(
    runner: Runner, *, rebuild: bool = False
) -> tuple[list[Outcome], list[PermanentFailure]]:
    """Load every pending snapshot; a rejected one does not block the next.

    Each snapshot is loaded in its own transaction; a rebuild is a single one. Returns the outcomes
    of loaded snapshots, and the failures of rejected ones.
    """
    results: list[Outcome | PermanentFailure] = []
    are_more = True
    while are_more:
        with runner.store.transaction(SOURCE) as connection:
            if rebuild:
                _delete_all(connection)
            waiting = pending(connection)
            now = waiting if rebuild else waiting[:1]
            results += [_load(connection, runner, snapshot_at) for snapshot_at in now]
        are_more = len(now) < len(waiting)
    failures = [one for one in results if isinstance(one, PermanentFailure)]
    return [one for one in results if isinstance(one, Outcome)], failures


def _load(
    connection: Connection, runner: Runner, snapshot_at: dt.datetime
) -> Outcome | PermanentFailure:
    """Load an archived snapshot, or note that it is rejected."""
    result = runner.attempt(connection, content_of(connection, snapshot_at))
    if isinstance(result, PermanentFailure):  # so that it does not block later ones
        rejected = update(tables.snapshots).where(tables.snapshots.c.snapshot_at == snapshot_at)
        connection.execute(rejected.values(rejection_reason=result.problem, is_loaded=False))
    return result


def content_of(connection: Connection, snapshot_at: dt.datetime) -> Content:
    """Return an archived snapshot as a delivery: the body, and all time zones."""
    archived = select(tables.payloads).join(tables.snapshots)
    body = connection.execute(archived.where(tables.snapshots.c.snapshot_at == snapshot_at)).one()
    name = f"{snapshot_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    airport = tables.airports.c
    zones = select(airport.airport_code, airport.time_zone).where(airport.time_zone.is_not(None))
    return Content(
        delivery=Delivery(SOURCE, name, body.sha256, body.byte_count, snapshot_at),
        document=(body.body_gzip, dict(connection.execute(zones).all())),
        place=f"flights.snapshots, {name}",
        said={"snapshot_at": snapshot_at},
    )


def apply_snapshot(load: Load) -> None:
    """Apply the staged snapshot to the tables of periods, after `before`, the one before it."""
    load.parameters.update(load.execute("mark_loaded").mappings().one())
    load.execute("sudden_silence")
    execute_script(load.connection, "CREATE TEMP TABLE changed (record integer) ON COMMIT DROP")
    for table in tables.PERIODS:
        if table is tables.legs:
            load.execute("keep_legs")
        load.execute("apply_snapshot", names=_names_of(table))
    changed = load.connection.execute(text("SELECT count(DISTINCT record) FROM changed"))
    load.parameters["changed"] = changed.scalar_one()
    _analyze_if_many_changed(load, *tables.PERIODS)  # for the joins that follow


def refresh_itineraries(load: Load) -> None:
    """Rebuild the itineraries of which something changed; the statistics are for what reads them.

    Without statistics, the first load looked up three airports for each of its itineraries.
    """
    load.execute("touch_itineraries")
    load.execute("refresh_itineraries")
    _analyze_if_many_changed(load, tables.itineraries, tables.itinerary_legs)


def _analyze_if_many_changed(load: Load, *changed: Table) -> None:
    read = load.parameters["read_itineraries"] + load.parameters["read_legs"]
    if load.parameters["changed"] > ANALYZE_FROM * read:
        names = ", ".join(table.fullname for table in changed)
        load.connection.execute(text(f"ANALYZE {names}"))


def _names_of(table: Table) -> dict[str, str]:
    """Return what stands for `{name}` in the statements for tables of periods."""
    (key,) = (column.name for column in table.primary_key if column.name != "seen_from_at")
    values = [column.name for column in table.columns if column.name not in (key, *PERIOD)]
    return {
        "table": table.fullname,
        "name": table.name,
        "key": key,
        "records": RECORDS_OF.get(table.name, table.name),
        "values": ", ".join(values),
        "stored_values": ", ".join(f"stored.{column}" for column in values),
        "staged_values": ", ".join(f"staged.{column}" for column in values),
    }


def _delete_all(connection: Connection) -> None:
    """Empty the tables, so that every archived snapshot is loaded again, including rejected ones.

    The rows of snapshots without a document, and of those before them, are kept.
    """
    snapshots = tables.snapshots
    is_removed = tables.payloads.c.body_gzip.is_(None)
    last = select(func.max(snapshots.c.snapshot_at)).join(tables.payloads).where(is_removed)
    removed = connection.execute(last).scalar()
    if removed is None:
        for table in tables.READ_FROM_SNAPSHOTS:
            connection.execute(delete(table))
    lowest = tables.lowest_prices
    is_read_again = true() if removed is None else lowest.c.snapshot_at > removed
    connection.execute(delete(lowest).where(is_read_again))
    is_there = true() if removed is None else snapshots.c.snapshot_at > removed
    connection.execute(
        update(snapshots).where(is_there).values(is_loaded=False, rejection_reason=None)
    )
