"""The ledger and the quarantine: what was delivered, its outcome, and what was rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Row,
    String,
    any_,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    text,
    true,
    update,
)

from pipelines.failures import DatabaseError, PermanentFailure, RejectedDelivery, SubjectGone
from pipelines.warehouse.connection import Warehouse, write_rows
from pipelines.warehouse.sql_files import read_sql
from pipelines.warehouse.tables import deliveries, quarantine

if TYPE_CHECKING:
    from pipelines.ingest.contract import Reject

#: Bad records that are kept of a delivery that is rejected as a whole.
MAX_KEPT = 1_000
#: Of all of them together.
MAX_KEPT_CHARACTERS = 10_000_000

#: Which records a retry reads again.
MAY_BECOME_VALID = quarantine.c.dismissed_at.is_(None), ~quarantine.c.is_final


@dataclass(frozen=True)
class Delivery:
    """A file, response or time window as received. `name` is the name the source would use."""

    feed: str
    name: str
    sha256: str
    byte_count: int
    received_at: datetime
    #: Of a file: when it was last modified.
    modified_at: datetime | None = None


@dataclass(frozen=True)
class Outcome:
    """The counts of a delivery in source records: read = loaded + unchanged + rejected."""

    delivery_id: int
    read: int
    loaded: int
    unchanged: int
    rejected: int


def last_number(connection: Connection, feed: str) -> int:
    """Return the number of the last delivery of a feed; 0 if there is none."""
    query = select(func.coalesce(func.max(deliveries.c.delivery_id), 0))
    return int(connection.execute(query.where(deliveries.c.feed == feed)).scalar_one())


def last_sha256(connection: Connection, feed: str, name: str) -> str | None:
    """Return the digest of the last delivery of a name that was loaded."""
    of_name = select(deliveries.c.sha256).filter_by(feed=feed, name=name, problem=None)
    last = of_name.order_by(deliveries.c.loaded_at.desc()).limit(1)
    return connection.execute(last).scalar_one_or_none()


def open_delivery(
    connection: Connection, delivery: Delivery, run_id: str | None, *, header: str | None = None
) -> Row[int, datetime]:
    """Insert a delivery into the ledger; return its id and the time of the load.

    `header` is what lines of a CSV file need in order to be parsed again. Each reading is a
    delivery of its own; of the same content under the same name, the last one keeps the rejects.
    """
    entry = _entry(delivery, run_id) | {"header": header, "is_open": True}
    earlier = (
        select(quarantine.c.quarantine_id)
        .join(deliveries)
        .where(
            deliveries.c.feed == delivery.feed,
            deliveries.c.name == delivery.name,
            deliveries.c.sha256 == delivery.sha256,
            quarantine.c.dismissed_at.is_(None),
        )
    )
    resolve_quarantined(connection, connection.execute(earlier).scalars().all())
    forget_bad_records(connection, delivery.feed, [delivery.name])
    returned = deliveries.c.delivery_id, deliveries.c.loaded_at
    return connection.execute(insert(deliveries).values(entry).returning(*returned)).one()


def _entry(delivery: Delivery, run_id: str | None) -> dict[str, Any]:
    """Return the columns of a delivery: later than its name's last, whatever the clock."""
    of_name = deliveries.c.feed == delivery.feed, deliveries.c.name == delivery.name
    last = select(func.max(deliveries.c.loaded_at)).where(*of_name).scalar_subquery()
    counts = ("read_count", "loaded_count", "unchanged_count", "rejected_count")
    return {
        "feed": delivery.feed,
        "name": delivery.name,
        "sha256": delivery.sha256,
        "byte_count": delivery.byte_count,
        "received_at": delivery.received_at,
        "modified_at": delivery.modified_at,
        "loaded_at": func.greatest(func.clock_timestamp(), last + timedelta(microseconds=1)),
        "run_id": run_id,
        **dict.fromkeys(counts, 0),
    }


def resolve_quarantined(connection: Connection, quarantine_ids: Sequence[int]) -> None:
    """Remove records from quarantine that a later delivery superseded, and update the counts."""
    if quarantine_ids:
        query = text(read_sql("pipelines.ingest", "resolve_quarantined"))
        connection.execute(query, {"quarantine_ids": list(quarantine_ids)})


def close_delivery(
    connection: Connection,
    delivery_id: int,
    *,
    read: int,
    loaded: int,
    stored: int,
    rejected: int,
    drift: Sequence[str] = (),
    is_retry: bool = False,
) -> Outcome:
    """Store the counts of an open delivery, which may be committed then; a retry adds its own.

    `loaded` is the number of source records that changed a row, `stored` the number that the tables
    now have. PostgreSQL rejects counts that do not balance. Raises `PermanentFailure` if it is not
    open: something has ended the transaction since.
    """
    outcome = Outcome(delivery_id, read, loaded, stored - loaded, rejected)
    kept = select(func.count()).where(quarantine.c.delivery_id == delivery_id)
    values: dict[str, Any] = {
        "is_open": False,
        "loaded_count": deliveries.c.loaded_count + loaded,
        "unchanged_count": deliveries.c.unchanged_count + outcome.unchanged,
        "rejected_count": deliveries.c.purged_count + kept.scalar_subquery(),
    }
    if not is_retry:
        values |= {"read_count": read, "drift": [*drift]}
    mine = deliveries.c.delivery_id == delivery_id, deliveries.c.is_open
    if connection.execute(update(deliveries).where(*mine).values(values)).rowcount != 1:
        raise PermanentFailure(
            "ledger",
            f"delivery {delivery_id} is not open: the load ended the transaction itself, and"
            " nothing was written",
            place="ops.deliveries",
            remedy="A load must neither commit nor roll back: the platform does, with the counts.",
        )
    return outcome


@contextmanager
def rejection_noted(
    store: Warehouse, source: str, delivery: Delivery, run_id: str | None
) -> Iterator[None]:
    """Note a delivery that is rejected as a whole in the ledger; its own transaction is over."""
    try:
        yield
    except (DatabaseError, SubjectGone):  # not the delivery's fault
        raise
    except PermanentFailure as failure:
        with store.transaction(source) as connection:
            note_rejection(connection, delivery, failure, run_id)
        raise


def note_rejection(
    connection: Connection, delivery: Delivery, failure: PermanentFailure, run_id: str | None
) -> None:
    """Note why a delivery was rejected as a whole, with its first bad records, once per reason."""
    again = {"feed": delivery.feed, "name": delivery.name, "problem": failure.problem}
    connection.execute(delete(deliveries).filter_by(**again))
    forget_bad_records(connection, delivery.feed, [delivery.name])
    rejects = failure.rejects if isinstance(failure, RejectedDelivery) else ()
    sizes = accumulate(len(one.raw) for one in rejects)
    records = [
        {
            "record_number": one.record,
            "position": one.position,
            "raw": one.raw,
            "reasons": [*one.words],
            "reason_codes": one.codes,
        }
        for one, size in zip(rejects, sizes, strict=True)
        if size <= MAX_KEPT_CHARACTERS
    ]
    entry = _entry(delivery, run_id) | {"sha256": "", "problem": failure.problem}
    connection.execute(insert(deliveries).values(**entry, bad_records=records or null()))


def forget_bad_records(connection: Connection, feed: str, names: Sequence[str]) -> None:
    """Delete the bad records of rejected deliveries that were loaded since, or are gone."""
    _forget(connection, feed, deliveries.c.name == any_(literal(names, ARRAY(String))))


def forget_bad_parts(
    connection: Connection, feed: str, name: str, parameter: str, since: str
) -> None:
    """Delete the bad records of parts of a list, all of which is loaded now.

    Their names begin with `name`, if it is not empty. If only records from a time on were loaded,
    they are those of pages that were requested from that time on or later.
    """
    begin = f"{name}, {parameter}=" if since else f"{name}, "
    mine = deliveries.c.name.startswith(begin, autoescape=True)
    if since:
        requested = func.substr(deliveries.c.name, len(begin) + 1)
        mine &= func.split_part(requested, ", ", 1).collate("C") >= since
    elif name:
        mine |= deliveries.c.name == name
    else:
        mine = true()
    _forget(connection, feed, mine)


def _forget(connection: Connection, feed: str, which: ColumnElement[bool]) -> None:
    rejected = deliveries.c.feed == feed, deliveries.c.bad_records.is_not(None), which
    connection.execute(update(deliveries).where(*rejected).values(bad_records=null()))


def not_yet_in_quarantine(
    connection: Connection, delivery_id: int, rejects: Sequence[Reject]
) -> list[Reject]:
    """Return the rejects of an open delivery that no other delivery of its feed has brought.

    A bad line that is sent again is kept once: `write_rejects` gets these, others are unchanged.
    """
    if not rejects:
        return []
    digests = [md5(one.raw.encode(), usedforsecurity=False).hexdigest() for one in rejects]
    query = text(read_sql("pipelines.ingest", "known_rejects"))
    found = connection.execute(query, {"delivery_id": delivery_id, "digests": digests})
    known = set(found.scalars())
    return [one for one in rejects if one.raw not in known] if known else list(rejects)


def write_rejects(connection: Connection, delivery_id: int, rejects: Sequence[Reject]) -> None:
    """Put rejected records of an open delivery into quarantine; may be called for each batch."""
    if not rejects:
        return
    columns = "record_number, position, raw, reasons, reason_codes, is_final, record_key"
    rows = (
        (
            *(delivery_id, one.record, one.position, one.raw),
            *([*one.words], one.codes, one.is_final, one.key and [*one.key]),
        )
        for one in sorted(rejects, key=lambda one: one.record)
    )
    write_rows(connection, f"ops.quarantine (delivery_id, {columns})", rows)


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
    """Dismiss records in quarantine: they stay, no longer count, and are not read again.

    They are all of the feed, those with these numbers, or those with `matching` in a reason or its
    code. Returns how many.
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


def take_out(connection: Connection, delivery_id: int) -> tuple[Row[Any], Sequence[Any]]:
    """Take what may become valid out of quarantine, and open its delivery; return both."""
    opened = update(deliveries).where(deliveries.c.delivery_id == delivery_id)
    entry = connection.execute(opened.values(is_open=True).returning(deliveries)).one()
    mine = quarantine.c.delivery_id == delivery_id, *MAY_BECOME_VALID
    query = select(quarantine.c.record_number.label("number"), quarantine.c.raw).where(*mine)
    records = connection.execute(query.order_by(quarantine.c.record_number)).all()
    connection.execute(delete(quarantine).where(*mine))
    return entry, records


def unbalanced(connection: Connection, feed: str) -> list[dict[str, Any]]:
    """Return deliveries whose counts do not balance, or whose rejects are not all in quarantine."""
    return _rows(connection, "unbalanced_deliveries", feed)


def miscounted(connection: Connection, tables: Iterable[str]) -> list[dict[str, Any]]:
    """Return deliveries that more rows of a table carry than the ledger says they loaded."""
    query = read_sql("pipelines.ingest", "miscounted_deliveries")
    found = [connection.execute(text(query.format(table=table))) for table in tables]
    return [dict(row) for rows in found for row in rows.mappings()]


def last_drift(connection: Connection, feed: str) -> list[str]:
    """Return the schema drift of the feed in what its last run loaded."""
    last = _rows(connection, "last_drift", feed)
    return [line for row in last for line in row["drift"] or []]


def last_rejects(connection: Connection, feed: str) -> list[dict[str, Any]]:
    """Return the rejected records of the feed's last delivery: position, reasons, raw."""
    return _rows(connection, "last_rejects", feed)


def rejects(connection: Connection, feed: str, *, most: int) -> list[dict[str, Any]]:
    """Return the newest rejected records of the feed: delivery, position, reasons, raw."""
    rows = _rows(connection, "rejects", feed, most=most)
    return [{name: row[name] for name in row if name != "record"} for row in rows]


def bad_records(connection: Connection, feed: str, *, most: int) -> list[dict[str, Any]]:
    """Return the newest bad records of deliveries that were rejected as a whole."""
    return _rows(connection, "bad_records", feed, most=most)


def _rows(
    connection: Connection, statement: str, feed: str, **parameters: Any
) -> list[dict[str, Any]]:
    query = text(read_sql("pipelines.ingest", statement))
    found = connection.execute(query, {"feed": feed, **parameters})
    return [dict(row) for row in found.mappings()]
