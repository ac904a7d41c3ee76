"""Load one file or API response into `bookings.events`, in one transaction with the ledger."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import Connection, delete, text

from pipelines.ingest import watermarks
from pipelines.ingest.contract import Reject
from pipelines.ingest.csv_records import CsvFile, Layout, storable
from pipelines.ingest.deliveries import (
    FEW_BAD,
    MAX_KEPT,
    CutLine,
    Delivery,
    Outcome,
    close_delivery,
    count_reasons,
    enforce_reject_cap,
    not_yet_in_quarantine,
    open_delivery,
    resolve_quarantined,
    withdraw_record,
    write_rejects,
)
from pipelines.ingest.gzip_reader import unpacked
from pipelines.ingest.prefetch import ahead
from pipelines.ingest.reasons import Reason
from pipelines.sources.bookings import counts, tables
from pipelines.sources.bookings.client import Page
from pipelines.warehouse.connection import array_values, copy_rows, copy_text, csv_text
from pipelines.warehouse.sql_files import execute_script, read_sql

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from pipelines.ingest.csv_batches import Batch
    from pipelines.sources.bookings import Settings
    from pipelines.sources.bookings.transform import Events

SOURCE = "bookings"
TABLE = "bookings.events"
LINE, ELEMENT = "line {}", "events[{}]"
ANALYZE_FROM = 100_000
#: Keys looked up per query, which accepts at most 65,535 parameters.
MANY = 50_000
#: The epoch of PostgreSQL.
YEAR_2000 = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
DAYS_UNTIL_2000 = (YEAR_2000.date() - dt.date(1970, 1, 1)).days


@dataclass(frozen=True)
class LoadCounts:
    """Counts of a delivery's events: those read, those that changed a row, those stored now."""

    read: int
    loaded: int
    stored: int


def load_file(
    connection: Connection,
    file: BinaryIO,
    delivery: Delivery,
    settings: Settings,
    run_id: str | None,
) -> Outcome:
    """Load the events of a CSV file, with or without gzip compression.

    Raises `PermanentFailure` if the file is invalid or too many lines are bad; nothing is written.
    """
    from pipelines.ingest.csv_batches import portions
    from pipelines.sources.bookings.transform import ALIASES, COLUMNS, OPTIONAL

    csv_file = CsvFile(
        unpacked(file, source=SOURCE, name=delivery.name, byte_count=delivery.byte_count),
        source=SOURCE,
        name=delivery.name,
        promised=COLUMNS,
        encoding="utf-8",
        optional=OPTIONAL,
        aliases=ALIASES,
    )
    layout = csv_file.layout
    delivery_id = open_delivery(connection, delivery, run_id, header=layout.header)
    collector = RejectCollector(connection, delivery_id, is_response=False)
    if delivery.cut is not None:
        _withdraw(connection, layout, delivery.cut, settings.time_zone)
    taken = load_batches(
        connection,
        portions(csv_file, COLUMNS),
        delivery_id,
        collector,
        settings.time_zone,
        LINE,
        go_on=lambda read: collector.enforce_cap(delivery, read, settings.most_bad),
    )
    collector.enforce_reject_cap(delivery, taken.read, settings.most_bad)
    drift = layout.drift(delivery.name, COLUMNS)
    return _close(connection, delivery_id, taken, collector, drift)


def _withdraw(connection: Connection, layout: Layout, cut: CutLine, zone: str) -> None:
    """Remove the event of a cut line, if its file alone brought it, and its counts."""
    import pandas as pd

    from pipelines.ingest.csv_batches import of_cut_line
    from pipelines.sources.bookings.transform import COLUMNS, read_events

    sent = of_cut_line(cut, layout, "utf-8", COLUMNS)
    for row in read_events(sent, zone=zone, position=LINE).rows.to_dict("records"):
        event = {
            "delivery_ids": list(cut.delivery_ids),
            "event_id": None if pd.isna(row["id"]) else int(row["id"]),
            "hotel_id": int(row["hotel_id"]),
            "event_at": row["event_timestamp"].to_pydatetime(),
            **{name: row[name] for name in ("status", "room_reservation_id", "night_of_stay")},
        }
        query = text(read_sql("pipelines.sources.bookings", "cut_event"))
        for stored in connection.execute(query, event).all():
            counts.subtract(connection, stored.event_id)
            is_it = tables.events.c.event_id == stored.event_id
            connection.execute(delete(tables.events).where(is_it))
            withdraw_record(connection, stored.delivery_id)


def load_page(
    connection: Connection, page: Page, *, run_id: str | None, settings: Settings
) -> Outcome:
    """Load the events of an API response.

    Raises `PermanentFailure` if too many are bad, beyond a few; nothing is written then.
    """
    from pipelines.sources.bookings.transform import of_objects, unknown_keys

    response = page.response
    delivery = Delivery(
        SOURCE, page.name, response.sha256, len(response.body), response.received_at
    )
    delivery_id = open_delivery(connection, delivery, run_id)
    collector = RejectCollector(connection, delivery_id, is_response=True)
    events = of_objects(page.events)
    taken = load_batches(connection, [events], delivery_id, collector, settings.time_zone, ELEMENT)
    collector.enforce_reject_cap(delivery, taken.read, settings.most_bad)
    drift = unknown_keys(page.events, page.name)
    return _close(connection, delivery_id, taken, collector, drift)


def load_batches(
    connection: Connection,
    portions: Iterable[Batch],
    delivery_id: int,
    collector: RejectCollector,
    zone: str,
    position: str,
    go_on: Callable[[int], None] = lambda _: None,
) -> LoadCounts:
    """Write new events; reject those that are invalid or contradict a stored one.

    While PostgreSQL writes one batch, the next one is parsed. After a batch of new events alone,
    it is also formatted for COPY as one. `position` formats the position of record {}. `go_on` is
    called after each batch with the number of events read so far, and may raise.
    """
    from pipelines.sources.bookings.transform import read_events

    execute_script(connection, read_sql("pipelines.sources.bookings", "prepare_staging"))
    load_number = watermarks.position(connection, TABLE) + 1
    read = loaded = stored = 0
    are_new = True

    def typed(portion: Batch) -> tuple[Batch, Events, Iterable[bytes]]:
        events = read_events(portion, zone=zone, position=position)
        rows = _in_order(events.rows)
        text_of_all = _as_stored(rows, delivery_id, load_number)
        return portion, replace(events, rows=rows), [*text_of_all] if are_new else text_of_all

    for portion, events, all_new in ahead(map(typed, portions)):
        read += len(portion.sent) + len(portion.broken)
        collector.add(events.rejects)
        go_on(read)
        if len(events.rows) == 0:
            continue
        changed, conflicts = _put(connection, events, all_new, delivery_id, load_number)
        collector.add(
            [_conflict(portion, position, *one) for one in conflicts.items()], are_conflicts=True
        )
        are_new = changed == len(events.rows)
        loaded += changed
        stored += len(events.rows) - len(conflicts)
    if loaded:
        watermarks.move(connection, TABLE, load_number)
    if loaded > ANALYZE_FROM:
        execute_script(connection, f"ANALYZE {TABLE}")
    return LoadCounts(read, loaded, stored)


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by time, the order in which index inserts are fastest.

    If an id occurs twice, the rows keep their order: of two events, the first one counts.
    """
    return rows.sort_values("event_timestamp", kind="stable") if _have_ids(rows) else rows


def _have_ids(rows: pd.DataFrame) -> bool:
    """Return whether every row has a unique id."""
    return not rows["id"].isna().any() and bool(rows["id"].is_unique)


def _put(
    connection: Connection,
    events: Events,
    all_new: Iterable[bytes],
    delivery_id: int,
    load_number: int,
) -> tuple[int, dict[int, str]]:
    """Write the events that are not stored yet; `all_new` is their text if none is stored.

    Returns how many of them changed a row, and the numbers of those that contradict a stored one,
    each with the differences.
    """
    import pandas as pd

    rows = events.rows
    if not _have_ids(rows) or _are_ids_wanted(connection):
        return _merge(connection, rows, delivery_id, load_number)
    stored_ids, stored = _stored(connection, rows["id"])
    places = pd.Index(stored_ids).get_indexer(rows["id"].to_numpy("int64"))
    is_stored = places >= 0
    fresh = rows[~is_stored]
    new = _as_stored(fresh, delivery_id, load_number) if is_stored.any() else all_new
    copy_text(connection, f"{TABLE} ({', '.join(tables.events.columns.keys())})", new)
    is_other = (_content(rows[is_stored]) != stored[places[is_stored]]).any(axis=1)
    if not is_other.any():
        return len(fresh), {}
    _stage(connection, rows[is_stored][is_other])
    return len(fresh), _conflicts(connection)


def _are_ids_wanted(connection: Connection) -> bool:
    """Return whether an event without an id is stored, which may get the id of a new one."""
    # With EXISTS, PostgreSQL scans a table without statistics, and expects such an event soon.
    query = "SELECT coalesce(min(event_id) < 0, FALSE) FROM bookings.events"
    return bool(connection.execute(text(query)).scalar_one())


def _stored(connection: Connection, ids: pd.Series) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return which ids are already stored, and the content of their events (`_content`)."""
    import numpy as np

    wanted = ids.to_numpy("int64")
    parameters = {
        "lowest": int(wanted.min()),
        "highest": int(wanted.max()),
        "ids": str(wanted.tolist()).replace("[", "{").replace("]", "}"),
    }
    query = text(read_sql("pipelines.sources.bookings", "stored_events"))
    sent = connection.execute(query, parameters).one()
    if sent.ids is None:
        return np.empty(0, "int64"), np.empty((0, 6), "int64")
    numbers = [array_values(one, ">i8").astype("int64") for one in sent[:-1]]
    reservations = array_values(sent.reservations, (">i8", 2)).astype("int64")
    return numbers[0], np.column_stack([*numbers[1:], reservations])


def _content(rows: pd.DataFrame) -> NDArray[Any]:
    """Return the content of events as a row of numbers each; the reservation is in two halves."""
    import numpy as np

    hexadecimal = "".join(rows["room_reservation_id"]).replace("-", "")
    numbers = (
        rows["hotel_id"].to_numpy("int64"),
        (rows["event_timestamp"] - YEAR_2000).dt.as_unit("us").astype("int64").to_numpy(),
        (rows["status"] == "booking").to_numpy("int64"),
        rows["night_of_stay"].astype("int32[pyarrow]").to_numpy("int64") - DAYS_UNTIL_2000,
        np.frombuffer(bytes.fromhex(hexadecimal), ">i8").astype("int64").reshape(-1, 2),
    )
    return np.column_stack(numbers)


def _as_stored(rows: pd.DataFrame, delivery_id: int, load_number: int) -> Iterator[bytes]:
    """Format events for COPY into the table."""
    from pipelines.sources.bookings.transform import COLUMNS

    return csv_text(rows[list(COLUMNS)].assign(delivery_id=delivery_id, load_number=load_number))


def _merge(
    connection: Connection, rows: pd.DataFrame, delivery_id: int, load_number: int
) -> tuple[int, dict[int, str]]:
    """Write events whose ids must be found, assigned or compared; returns the same as `_put`."""
    _stage(connection, rows)
    if rows["id"].isna().any():
        execute_script(connection, read_sql("pipelines.sources.bookings", "resolve_ids"))
    load = {"delivery_id": delivery_id, "load_number": load_number}
    adopt, put = (
        text(read_sql("pipelines.sources.bookings", name)) for name in ("adopt_ids", "put_events")
    )
    adopted = connection.execute(adopt, {"delivery_id": delivery_id}).rowcount
    inserted = connection.execute(put, load).rowcount
    if inserted == len(rows):
        return inserted, {}
    return adopted + inserted, _conflicts(connection)


def _stage(connection: Connection, rows: pd.DataFrame) -> None:
    from pipelines.sources.bookings.transform import COLUMNS

    execute_script(connection, "TRUNCATE stage_events")
    copy_rows(connection, "stage_events", rows[["record", *COLUMNS]])


def _conflicts(connection: Connection) -> dict[int, str]:
    """Return the numbers of staged events that contradict the stored one, with the differences."""
    execute_script(connection, "ANALYZE stage_events (event_id)")
    found = connection.execute(text(read_sql("pipelines.sources.bookings", "conflicts")))
    return {row.record: row.reason for row in found}


def _conflict(portion: Batch, position: str, number: int, reason: str) -> Reject:
    row = int(portion.sent["record"].searchsorted(number))
    return Reject(
        number,
        position.format(number),
        storable(portion.raw(row)),
        (Reason("came_before", reason),),
    )


def _close(
    connection: Connection,
    delivery_id: int,
    taken: LoadCounts,
    collector: RejectCollector,
    drift: list[str],
) -> Outcome:
    if taken.loaded:
        corrected = text(read_sql("pipelines.sources.bookings", "corrected_events"))
        load = {
            "delivery_id": delivery_id,
            "load_number": watermarks.position(connection, TABLE),
        }
        resolve_quarantined(connection, connection.execute(corrected, load).scalars().all())
    return close_delivery(
        connection,
        delivery_id,
        read=taken.read,
        loaded=taken.loaded,
        stored=taken.stored + collector.known,
        rejected=collector.count,
        drift=drift,
    )


class RejectCollector:
    """Collects the rejected events of a delivery.

    They are identified by their text: an event of an API response, which is read again with every
    overlap, or of a file that is sent again goes to quarantine only once.
    """

    def __init__(self, connection: Connection, delivery_id: int, *, is_response: bool) -> None:
        self._connection, self._delivery_id, self._is_response = (
            connection,
            delivery_id,
            is_response,
        )
        self.count = self.known = self.bad = self.conflicts = 0
        self.rejects: list[Reject] = []
        self.reasons = Counter[str]()

    def add(self, rejects: list[Reject], *, are_conflicts: bool = False) -> None:
        """Put events into quarantine that are not there yet."""
        once = list({one.raw: one for one in rejects}.values()) if self._is_response else rejects
        fresh = not_yet_in_quarantine(self._connection, self._delivery_id, once)
        counting = fresh if self._is_response else rejects
        self.known += len(rejects) - len(fresh)
        self.count += len(fresh)
        self.bad += len(counting)
        self.conflicts += len(counting) if are_conflicts else 0
        self.rejects += once[: MAX_KEPT - len(self.rejects)]
        self.reasons.update(count_reasons(counting))
        write_rejects(self._connection, self._delivery_id, fresh)

    def enforce_cap(self, delivery: Delivery, read: int, cap: float) -> None:
        """Raise `PermanentFailure` early for a long delivery with hardly any valid event."""
        if self.bad > MANY:
            self.enforce_reject_cap(delivery, read, max(cap, 0.5))

    def enforce_reject_cap(self, delivery: Delivery, read: int, cap: float) -> None:
        """Raise `PermanentFailure` if more than the share `cap` of the events is bad.

        A few are accepted whatever their share, because files and responses may be short. So are a
        few conflicts, which are valid by themselves.
        """
        let_pass = self.conflicts if self.conflicts <= FEW_BAD else 0
        if self.bad <= FEW_BAD:
            return
        enforce_reject_cap(
            delivery,
            read,
            self.bad - let_pass,
            self.reasons,
            cap=cap,
            variable="BOOKINGS_MOST_BAD",
            rejects=self.rejects,
        )
