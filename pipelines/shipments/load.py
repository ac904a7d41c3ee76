"""The shipments tables, brought up to date with one file, kept in step with the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import Connection, func, select, text

from pipelines.core.contract import Reject
from pipelines.core.csv_records import CsvFile, Record, layout_of
from pipelines.core.deliveries import (
    Delivery,
    Outcome,
    close_delivery,
    close_retry,
    deliveries_in_quarantine,
    open_delivery,
    refuse_if_mostly_bad,
    take_out_of_quarantine,
)
from pipelines.core.inbox import Load, forget_refusals
from pipelines.core.sql_files import execute_script, read_sql
from pipelines.core.tables import deliveries
from pipelines.core.warehouse import (
    Warehouse,
    changed_records,
    copy_rows,
    prepare_change_log,
    stage,
)
from pipelines.shipments import tables

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.shipments.transform import Lines

SOURCE = "shipments"
ENCODING_VARIABLE = "SHIPMENTS_ENCODING"
MOST_BAD = 0.5
"""Share of bad lines from which on a file is not believed."""
CHUNK_LINES = 20_000
BELIEVED_AFTER_LINES = 100_000
"""From here on, a file of mostly bad lines is given up without reading it to its end."""
ANALYZE_FROM = 0.1
STAGED = (
    *("record", "line", "raw", "tracking_number", "carrier", "sender_address"),
    *("receiver_address", "status", "status_raw", "sku", "article_name", "quantity", "unit_price"),
)


def loader(run_id: str | None, encoding: str) -> Load:
    """What `core.inbox` calls for each file."""
    return partial(load_file, run_id=run_id, encoding=encoding)


def load_file(
    connection: Connection, file: BinaryIO, delivery: Delivery, *, run_id: str | None, encoding: str
) -> Outcome:
    """Bring the tables up to date with a file; a later file says what is true.

    Raises `PermanentFailure` when it is no such file or most lines are bad; nothing is written.
    """
    from pipelines.shipments.transform import COLUMNS, read_lines

    csv_file = CsvFile(
        file,
        source=SOURCE,
        name=delivery.name,
        promised=COLUMNS,
        encoding=encoding,
        variable=ENCODING_VARIABLE,
    )
    _prepare(connection)
    read, rejects = 0, list[Reject]()
    for records in _chunks(csv_file.records()):
        lines = read_lines(records, csv_file.layout.columns, first_record=read)
        read += len(records)
        rejects += _stage(connection, lines)
        if read >= BELIEVED_AFTER_LINES:
            refuse_if_mostly_bad(delivery, read, rejects, cap=MOST_BAD)
    rejects += _take_out_contradictions(connection)
    refuse_if_mostly_bad(delivery, read, rejects, cap=MOST_BAD)
    delivery_id = open_delivery(connection, delivery, run_id, header=csv_file.layout.header)
    loaded_at = connection.execute(
        select(deliveries.c.loaded_at).where(deliveries.c.delivery_id == delivery_id)
    ).scalar_one()
    held = _put(connection, delivery_id, seen_at=loaded_at)
    answered = text(read_sql("pipelines.shipments", "answer_quarantine"))
    connection.execute(answered, {"source": SOURCE, "delivery_id": delivery_id})
    return close_delivery(
        connection,
        delivery_id,
        read=read,
        held=held,
        rejects=sorted(rejects, key=lambda one: one.record),
        drift=csv_file.layout.drift(delivery.name, COLUMNS),
    )


def retry_quarantine(store: Warehouse) -> list[Outcome]:
    """Read again what is in quarantine; what is good now is taken in and leaves it.

    What a later delivery changed stays as that one said. Files that were refused as a whole are
    looked at again with the next taking. Each delivery is a transaction.
    """
    with store.transaction(SOURCE) as connection:
        forget_refusals(connection, SOURCE)
        delivery_ids = deliveries_in_quarantine(connection, SOURCE)
    outcomes = []
    for delivery_id in delivery_ids:
        with store.transaction(SOURCE) as connection:
            outcomes.append(_retry(connection, delivery_id))
    return outcomes


def _retry(connection: Connection, delivery_id: int) -> Outcome:
    from pipelines.shipments.transform import COLUMNS, read_lines

    retry = take_out_of_quarantine(connection, delivery_id)
    layout = layout_of(retry.header or "", COLUMNS)
    records = [
        layout.read(int(record.position.removeprefix("line ")), record.raw)
        for record in retry.records
    ]
    _prepare(connection)
    rejects = _stage(connection, read_lines(records, layout.columns, first_record=0))
    rejects += _take_out_contradictions(connection)
    as_of = {"as_of": retry.loaded_at}
    connection.execute(text(read_sql("pipelines.shipments", "later_shipments")), as_of)
    now = connection.execute(select(func.clock_timestamp())).scalar_one()
    held = _put(connection, delivery_id, seen_at=now)
    return close_retry(
        connection, retry, held=held, rejects=sorted(rejects, key=lambda one: one.record)
    )


def statuses(connection: Connection) -> dict[str, int]:
    """How many shipments have each status, most first."""
    query = select(tables.shipments.c.status, func.count()).group_by("status").order_by(text("2"))
    return {row[0]: row[1] for row in reversed(list(connection.execute(query)))}


def _prepare(connection: Connection) -> None:
    prepare_change_log(connection)
    execute_script(connection, read_sql("pipelines.shipments", "prepare_staging"))


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while chunk := list(islice(records, CHUNK_LINES)):
        yield chunk


def _stage(connection: Connection, lines: Lines) -> list[Reject]:
    """Stage the good lines; return the others."""
    if len(lines.rows):
        copy_rows(connection, "stage_lines", lines.rows[list(STAGED)])
    return lines.rejects


def _take_out_contradictions(connection: Connection) -> list[Reject]:
    """Unstage lines that contradict each other, and return them."""
    connection.execute(text("ANALYZE stage_lines"))
    return [
        Reject(row.record, f"line {row.line}", row.raw, (row.reason,), tuple(row.record_key))
        for script in ("disagreeing_lines", "contradicting_lines")
        for row in connection.execute(text(read_sql("pipelines.shipments", script)))
    ]


def _put(connection: Connection, delivery_id: int, *, seen_at: datetime) -> int:
    """Bring all tables up to date with the staged lines; return how many lines they hold."""
    _read_addresses(connection, delivery_id)
    parameters = {"delivery_id": delivery_id, "seen_at": seen_at}
    for script in ("put_shipments", "put_articles", "sum_up_shipments"):
        connection.execute(text(read_sql("pipelines.shipments", script)), parameters)
    held = int(connection.execute(text(read_sql("pipelines.shipments", "held_lines"))).scalar_one())
    if changed_records(connection) > ANALYZE_FROM * held:
        names = ", ".join(table.fullname for table in tables.READ_FROM_FILES)
        connection.execute(text(f"ANALYZE {names}"))
    return held


def _read_addresses(connection: Connection, delivery_id: int) -> None:
    """Read the staged addresses that the tables do not have yet, or from an older parser."""
    from pipelines.shipments.addresses import PARSER_VERSION

    query = text(read_sql("pipelines.shipments", "unread_addresses"))
    unread = connection.execute(query, {"parser_version": PARSER_VERSION}).scalars().all()
    if unread:
        stage(connection, _addresses(unread), tables.addresses)
        put = text(read_sql("pipelines.shipments", "put_addresses"))
        connection.execute(put, {"delivery_id": delivery_id})


def _addresses(texts: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    from pipelines.shipments.addresses import PARSER_VERSION, read_address

    rows: Iterable[dict[str, Any]] = (
        {"address": address} | asdict(read_address(address)) for address in texts
    )
    frame = pd.DataFrame(rows).rename(columns={"status": "address_status"})
    return frame.assign(parser_version=PARSER_VERSION)
