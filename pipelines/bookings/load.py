"""`bookings.events`, brought up to date with one file or one answer, in step with the ledger."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from sqlalchemy import Connection, select, text

from pipelines.bookings import tables
from pipelines.bookings.client import Page
from pipelines.core import watermarks
from pipelines.core.ahead import ahead
from pipelines.core.contract import Reject
from pipelines.core.csv_records import CsvFile, as_sent, layout_of, storable
from pipelines.core.deliveries import (
    Delivery,
    Outcome,
    close_delivery,
    count_reasons,
    open_delivery,
    refuse_if_mostly_bad,
    write_rejects,
)
from pipelines.core.intake import Load, forget_refusals
from pipelines.core.packed_files import unpacked
from pipelines.core.quarantine import (
    Retry,
    close_retry,
    deliveries_in_quarantine,
    take_out_of_quarantine,
)
from pipelines.core.sql_files import execute_script, read_sql
from pipelines.core.tables import quarantine
from pipelines.core.warehouse import Warehouse, copy_rows

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.bookings.transform import Events
    from pipelines.core.csv_portions import Portion

SOURCE = "bookings"
EVENTS = "bookings.events"
LINE, ELEMENT = "line {}", "events[{}]"
FEW = 20
"""So many bad events of an answer are let pass whatever their share, as answers may be short."""
ANALYZE_FROM = 100_000
STAGED = (
    *("record", "id", "hotel_id", "event_timestamp", "status", "room_reservation_id"),
    "night_of_stay",
)


@dataclass(frozen=True)
class Reading:
    """How events are read: the zone of times without one, the share of bad ones let pass."""

    zone: str = "UTC"
    most_bad: float = 0.1


@dataclass(frozen=True)
class Taken:
    """What came of a feed: how many events were read, are new, are held; when the newest was."""

    read: int
    loaded: int
    held: int
    newest_at: datetime | None


class Refusals:
    """The refused events of a delivery, as they are found.

    Those of an answer are known by their text: read again with every overlap, they go to quarantine
    once.
    """

    def __init__(self, connection: Connection, delivery_id: int, *, is_answer: bool) -> None:
        self._connection, self._delivery_id, self._is_answer = connection, delivery_id, is_answer
        self.count = self.known = 0
        self.reasons = Counter[str]()

    def add(self, rejects: list[Reject]) -> None:
        """Put events into quarantine that are not there yet."""
        fresh = self._fresh(rejects) if self._is_answer else rejects
        self.known += len(rejects) - len(fresh)
        self.count += len(fresh)
        self.reasons.update(count_reasons(fresh))
        write_rejects(self._connection, self._delivery_id, fresh)

    def _fresh(self, rejects: list[Reject]) -> list[Reject]:
        keyed = {_answer_key(one.raw): one for one in rejects}
        query = select(quarantine.c.record_key).where(
            quarantine.c.record_key.in_([list(key) for key in keyed])
        )
        known = {tuple(key) for key in self._connection.execute(query).scalars()} if keyed else ()
        return [replace(one, key=key) for key, one in keyed.items() if key not in known]


def loader(run_id: str | None, reading: Reading) -> Load:
    """What `core.intake` calls for each file."""
    return partial(load_file, run_id=run_id, reading=reading)


def load_file(
    connection: Connection,
    file: BinaryIO,
    delivery: Delivery,
    *,
    run_id: str | None,
    reading: Reading,
) -> Outcome:
    """Take in the events of a CSV file, packed with gzip or not.

    Raises `PermanentFailure` when it is no such file or too many lines are bad; nothing is written.
    """
    from pipelines.bookings.transform import ALIASES, COLUMNS, OPTIONAL
    from pipelines.core.csv_portions import portions

    csv_file = CsvFile(
        unpacked(file, source=SOURCE, name=delivery.name, byte_count=delivery.byte_count),
        source=SOURCE,
        name=delivery.name,
        promised=COLUMNS,
        encoding="utf-8",
        variable="BOOKINGS_INBOX",
        optional=OPTIONAL,
        aliases=ALIASES,
        keeps_odd_bytes=True,
    )
    layout = csv_file.layout
    delivery_id = open_delivery(connection, delivery, run_id, header=layout.header)
    refusals = Refusals(connection, delivery_id, is_answer=False)

    taken = _take_in(
        connection, portions(csv_file, COLUMNS), delivery_id, refusals, reading.zone, LINE
    )
    _refuse_if_mostly_bad(delivery, taken.read, refusals, reading)
    drift = layout.drift(delivery.name, COLUMNS)
    return _close(connection, delivery_id, taken, refusals, drift)


def load_page(
    connection: Connection, page: Page, *, run_id: str | None, reading: Reading
) -> tuple[Outcome, datetime | None]:
    """Take in the events of an answer; also says when the newest of them was.

    Raises `PermanentFailure` when more than a few are bad, and too many; nothing is written then.
    """
    from pipelines.bookings.transform import drift_of, of_objects

    answer = page.answer
    delivery = Delivery(SOURCE, page.name, answer.sha256, len(answer.body), answer.received_at)
    delivery_id = open_delivery(connection, delivery, run_id)
    refusals = Refusals(connection, delivery_id, is_answer=True)

    events = of_objects(page.events)
    taken = _take_in(connection, [events], delivery_id, refusals, reading.zone, ELEMENT)
    if refusals.count > FEW:
        _refuse_if_mostly_bad(delivery, taken.read, refusals, reading)
    drift = drift_of(page.events, page.name)
    return _close(connection, delivery_id, taken, refusals, drift), taken.newest_at


def retry_quarantine(store: Warehouse, reading: Reading) -> list[Outcome]:
    """Read again what is in quarantine; what is good now is taken in and leaves it.

    Files that were refused as a whole are looked at again with the next taking. Each delivery is a
    transaction.
    """
    with store.transaction(SOURCE) as connection:
        forget_refusals(connection, SOURCE)
        delivery_ids = deliveries_in_quarantine(connection, SOURCE)
    outcomes = []
    for delivery_id in delivery_ids:
        with store.transaction(SOURCE) as connection:
            retry = take_out_of_quarantine(connection, delivery_id)
            refusals = Refusals(connection, delivery_id, is_answer=retry.header is None)
            position = LINE if retry.header is not None else ELEMENT
            events = _portion_of(retry)
            taken = _take_in(connection, [events], delivery_id, refusals, reading.zone, position)
            outcomes.append(
                close_retry(
                    connection,
                    retry,
                    loaded=taken.loaded,
                    held=taken.held + refusals.known,
                    rejected=refusals.count,
                )
            )
    return outcomes


def _portion_of(retry: Retry) -> Portion:
    """The events that were in quarantine, as they came."""
    from pipelines.bookings.transform import ALIASES, COLUMNS, of_objects
    from pipelines.core.csv_portions import of_records

    numbers = [int(re.sub(r"\D", "", record.position)) for record in retry.records]
    if retry.header is None:
        events = [json.loads(record.raw) for record in retry.records]
        return of_objects(events, numbers)
    layout = layout_of(retry.header, COLUMNS, ALIASES)
    records = [
        layout.read(line, as_sent(record.raw))
        for line, record in zip(numbers, retry.records, strict=True)
    ]
    return of_records(records, layout.columns, COLUMNS)


def _take_in(
    connection: Connection,
    portions: Iterable[Portion],
    delivery_id: int,
    refusals: Refusals,
    zone: str,
    position: str,
) -> Taken:
    """Write the events that are new; refuse those that are bad or contradict one that is held.

    While PostgreSQL writes one portion the next is read. `position` says where record {} stood.
    """
    from pipelines.bookings.transform import read_events

    execute_script(connection, read_sql("pipelines.bookings", "prepare_staging"))
    load_number = watermarks.position(connection, EVENTS) + 1
    read = loaded = held = 0
    newest_at: datetime | None = None

    def typed(portion: Portion) -> tuple[Portion, Events]:
        events = read_events(portion, zone=zone, position=position)
        return portion, replace(events, rows=_in_order(events.rows))

    for portion, events in ahead(map(typed, portions)):
        read += len(portion.sent) + len(portion.broken)
        refusals.add(events.rejects)
        if len(events.rows) == 0:
            continue
        changed, conflicts = _put(connection, events, delivery_id, load_number)
        refusals.add([_conflict(portion, position, *one) for one in conflicts.items()])
        loaded += changed
        held += len(events.rows) - len(conflicts)
        latest = events.rows["event_timestamp"].max().to_pydatetime()
        newest_at = max(newest_at or latest, latest)
    if loaded:
        watermarks.move(connection, EVENTS, load_number)
    if loaded > ANALYZE_FROM:
        execute_script(connection, f"ANALYZE {EVENTS}")
    return Taken(read, loaded, held, newest_at)


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of their times, in which indexes take them in fastest.

    Where an id is there twice they stay as they came: of two events the first counts.
    """
    return rows.sort_values("event_timestamp", kind="stable") if _have_ids(rows) else rows


def _have_ids(rows: pd.DataFrame) -> bool:
    """Whether each has an id of its own."""
    return not rows["id"].isna().any() and bool(rows["id"].is_unique)


def _put(
    connection: Connection, events: Events, delivery_id: int, load_number: int
) -> tuple[int, dict[int, str]]:
    """Write the events that are not held yet.

    Returns how many of them changed a row, and the numbers of those that contradict one that is
    held, each with what that one says.
    """
    rows = events.rows
    if _have_ids(rows):
        query = text(read_sql("pipelines.bookings", "are_new"))
        ids = "{" + ",".join(map(str, rows["id"])) + "}"
        if connection.execute(query, {"ids": ids}).scalar_one():  # no need to stage them
            whole = rows[list(STAGED[1:])].assign(delivery_id=delivery_id, load_number=load_number)
            columns = ", ".join(tables.events.columns.keys())
            copy_rows(connection, f"{EVENTS} ({columns})", whole)
            return len(rows), {}
    execute_script(connection, "TRUNCATE stage_events")
    copy_rows(connection, "stage_events", rows[list(STAGED)])
    if rows["id"].isna().any():
        execute_script(connection, read_sql("pipelines.bookings", "resolve_ids"))
    adopted = connection.execute(text(read_sql("pipelines.bookings", "adopt_ids"))).rowcount
    inserted = connection.execute(
        text(read_sql("pipelines.bookings", "put_events")),
        {"delivery_id": delivery_id, "load_number": load_number},
    ).rowcount
    if inserted == len(rows):
        return inserted, {}
    execute_script(connection, "ANALYZE stage_events")
    found = connection.execute(text(read_sql("pipelines.bookings", "conflicts")))
    return adopted + inserted, {row.record: row.reason for row in found}


def _conflict(portion: Portion, position: str, number: int, reason: str) -> Reject:
    row = int((portion.sent["record"] == number).to_numpy().argmax())
    return Reject(number, position.format(number), storable(portion.raw(row)), (reason,))


def _refuse_if_mostly_bad(
    delivery: Delivery, read: int, refusals: Refusals, reading: Reading
) -> None:
    refuse_if_mostly_bad(
        delivery,
        read,
        refusals.count,
        refusals.reasons,
        cap=reading.most_bad,
        variable="BOOKINGS_MOST_BAD",
    )


def _close(
    connection: Connection, delivery_id: int, taken: Taken, refusals: Refusals, drift: list[str]
) -> Outcome:
    return close_delivery(
        connection,
        delivery_id,
        read=taken.read,
        loaded=taken.loaded,
        held=taken.held + refusals.known,
        rejected=refusals.count,
        drift=drift,
    )


def _answer_key(raw: str) -> tuple[str, str]:
    return "answer", sha256(raw.encode()).hexdigest()
