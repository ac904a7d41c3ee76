"""Archive the flights document of the day, and load the tables from the archive."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, text, true, update

from pipelines.failures import DatabaseError, Failure, PermanentFailure
from pipelines.ingest.deliveries import Delivery, Outcome, repeat_delivery
from pipelines.ingest.feeds import Content
from pipelines.ingest.load import ANALYZE_FROM
from pipelines.ingest.statements import execute_file
from pipelines.sources.flights import periods, source, tables
from pipelines.sources.flights.archive import delivery_of, keep, last_without_document, pending
from pipelines.sources.flights.client import SOURCE, open_client, packaged_airports
from pipelines.warehouse.sql_files import execute_script

if TYPE_CHECKING:
    from pipelines.ingest.load import Load
    from pipelines.ingest.runner import Runner

#: The parameters with the number of records that were read.
READ = ("read_itineraries", "read_legs")


def poll(runner: Runner, *, is_whole: bool) -> tuple[list[Outcome], Failure | None] | None:
    """Archive today's document, then load what is archived; None if flights are off.

    With `is_whole`, the whole archive is loaded again, even if the document cannot be fetched.
    Raises whatever the client raises.
    """
    client = open_client(runner.settings)
    if client is None and not is_whole:
        return None
    failure: Failure | None = None
    try:
        if client is not None:
            response = client.fetch()
            with runner.store.transaction(SOURCE) as connection:
                keep(connection, response)
    except DatabaseError:
        raise
    except Failure as reason:
        if not is_whole:
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
    waiting: list[dt.datetime] = []
    is_first = True
    while is_first or (len(waiting) > 1 and not rebuild):
        with runner.store.transaction(SOURCE) as connection:
            if rebuild:
                _delete_all(connection)
            waiting = pending(connection)
            results += [
                _load(connection, runner, snapshot_at)
                for snapshot_at in (waiting if rebuild else waiting[:1])
            ]
        is_first = False
    failures = [one for one in results if isinstance(one, PermanentFailure)]
    return [one for one in results if isinstance(one, Outcome)], failures


def _load(
    connection: Connection, runner: Runner, snapshot_at: dt.datetime
) -> Outcome | PermanentFailure:
    """Load an archived snapshot, or note that it repeats the one before or is rejected."""
    delivery = delivery_of(connection, snapshot_at)
    values = {"snapshot_at": snapshot_at, "sha256": delivery.sha256}
    repeated = execute_file(connection, source, "unchanged_snapshot", values).mappings().first()
    if repeated:
        outcome = repeat_delivery(connection, delivery, repeated["name"], runner.run_id)
        for sql in ("mark_loaded", "repeat_rejected_offers", "summarise_snapshot"):
            execute_file(connection, source, sql, {**values, **repeated})
        return outcome
    result = runner.attempt(connection, content_of(connection, delivery))
    if isinstance(result, PermanentFailure):
        values["problem"] = result.problem
        execute_file(connection, source, "mark_rejected", values)
    return result


def content_of(connection: Connection, delivery: Delivery) -> Content:
    """Return an archived snapshot as the content of its delivery: the body, and all time zones."""
    values = {"sha256": delivery.sha256}
    body = execute_file(connection, source, "archived_document", values).scalar_one()
    zones = execute_file(connection, source, "time_zones", {}).all()
    return Content(
        delivery=delivery,
        document=(body, {one.airport_code: one.time_zone for one in zones}),
        place=f"flights.snapshots, {delivery.name}",
        said={"snapshot_at": delivery.received_at},
    )


def apply_snapshot(load: Load) -> None:
    """Apply the staged snapshot to the tables of periods, after `before`, the one before it."""
    load.parameters.update(load.execute("mark_loaded").mappings().one())
    load.execute("sudden_silence")
    execute_script(load.connection, "CREATE TEMP TABLE changed (record integer) ON COMMIT DROP")
    for sql in ("revert_snapshots", "apply_snapshot"):
        for names in periods.names():
            load.execute(sql, names=names)
    changed = load.connection.execute(text("SELECT count(DISTINCT record) FROM changed"))
    if changed.scalar_one() > ANALYZE_FROM * sum(load.parameters[one] for one in READ):
        tables_ = ", ".join(table.fullname for table in (tables.airports, *tables.PERIODS))
        load.connection.execute(text(f"ANALYZE {tables_}"))  # for the joins that follow


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
