"""Load one file into the shipments tables, in one transaction with the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import Connection, func, select, text

from pipelines.ingest.contract import Reject
from pipelines.ingest.csv_records import CsvFile, Layout, as_sent, layout_of
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
    write_rejects,
)
from pipelines.ingest.quarantine import Retry, close_retry, retry_each
from pipelines.ingest.reasons import Reason
from pipelines.sources.shipments import tables
from pipelines.warehouse.connection import (
    Warehouse,
    changed_records,
    copy_rows,
    execute_statements,
    prepare_change_log,
    stage,
)
from pipelines.warehouse.sql_files import execute_script, read_sql
from pipelines.warehouse.tables import deliveries

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.sources.shipments import Settings
    from pipelines.sources.shipments.transform import Lines

SOURCE = "shipments"
ENCODING_VARIABLE = "SHIPMENTS_ENCODING"
#: Share of bad lines from which a file is rejected, if more than a few are bad.
MAX_BAD = 0.5
ANALYZE_FROM = 0.1
STAGED = (
    *("record", "raw", "tracking_number", "carrier", "sender_address"),
    *("receiver_address", "status", "status_raw", "sku", "article_name", "quantity", "unit_price"),
)


def load_file(
    connection: Connection,
    file: BinaryIO,
    delivery: Delivery,
    settings: Settings,
    run_id: str | None,
) -> Outcome:
    """Load a file into the tables; a later file overwrites an earlier one.

    Raises `PermanentFailure` if the file is invalid or most lines are bad; nothing is written then.
    """
    from pipelines.ingest.csv_batches import portions
    from pipelines.sources.shipments.transform import COLUMNS, parse_statuses, read_lines

    statuses = parse_statuses(settings.statuses)
    csv_file = CsvFile(
        file,
        source=SOURCE,
        name=delivery.name,
        promised=COLUMNS,
        encoding=settings.encoding,
        variable=ENCODING_VARIABLE,
    )
    delivery_id = open_delivery(connection, delivery, run_id, header=csv_file.layout.header)
    loaded_at = connection.execute(
        select(deliveries.c.loaded_at).where(deliveries.c.delivery_id == delivery_id)
    ).scalar_one()
    _prepare(connection)
    read = bad = rejected = 0
    reasons = Counter[str]()
    again = set[str]()
    first: list[Reject] = []

    def reject(rejects: list[Reject]) -> None:
        nonlocal bad, rejected
        fresh = not_yet_in_quarantine(connection, delivery_id, rejects)
        write_rejects(connection, delivery_id, fresh)
        reasons.update(count_reasons(rejects))
        first.extend(rejects[: MAX_KEPT - len(first)])
        again.update({one.raw for one in rejects} - {one.raw for one in fresh})
        bad += len(rejects)
        rejected += len(fresh)

    for batch in portions(csv_file, COLUMNS):
        read += len(batch.sent) + len(batch.broken)
        reject(_stage(connection, read_lines(batch, statuses)))
    reject(_remove_contradictions(connection))
    enforce_reject_cap(delivery, read, bad, reasons, cap=MAX_BAD, few=FEW_BAD, rejects=first)
    cut = _cut_lines(csv_file.layout, delivery.cut, settings) if delivery.cut else []
    _withdraw(connection, "withdraw_line", cut)
    stored = _put(
        connection,
        delivery_id,
        seen_at=loaded_at,
        changed_at=loaded_at,
        currency=settings.currency,
    )
    _withdraw(connection, "withdraw_addresses", cut)
    resolved = text(read_sql("pipelines.sources.shipments", "resolved_records"))
    mine = {"source": SOURCE, "delivery_id": delivery_id, "again": [*again]}
    resolve_quarantined(connection, connection.execute(resolved, mine).scalars().all())
    return close_delivery(
        connection,
        delivery_id,
        read=read,
        loaded=changed_records(connection),
        stored=stored + bad - rejected,
        rejected=rejected,
        drift=csv_file.layout.drift(delivery.name, COLUMNS),
    )


def _cut_lines(layout: Layout, cut: CutLine, settings: Settings) -> list[dict[str, Any]]:
    """Return the line that was cut as it was stored; empty if it was rejected."""
    from pipelines.ingest.csv_batches import of_cut_line
    from pipelines.sources.shipments.transform import COLUMNS, parse_statuses, read_lines

    batch = of_cut_line(cut, layout, settings.encoding, COLUMNS)
    rows = read_lines(batch, parse_statuses(settings.statuses)).rows
    return [
        {"delivery_ids": list(cut.delivery_ids)} | {str(name): value for name, value in row.items()}
        for row in rows.to_dict("records")
    ]


def _withdraw(connection: Connection, script: str, cut: Iterable[Mapping[str, Any]]) -> None:
    """Run each statement of a script for the line that was cut."""
    for line in cut:
        execute_statements(connection, read_sql("pipelines.sources.shipments", script), line)


def retry_quarantine(store: Warehouse, settings: Settings | None = None) -> list[Outcome]:
    """Read quarantined lines again; those that are valid now are loaded and leave the quarantine.

    For a shipment that is in a later file, only missing articles are inserted. Files that were
    rejected as a whole are read again with the next load. Each delivery is its own transaction.
    """
    from pipelines.sources.shipments.transform import parse_statuses

    currency = settings.currency if settings else None
    statuses = parse_statuses(settings.statuses if settings else None)
    return retry_each(store, SOURCE, partial(_retry, currency=currency, statuses=statuses))


def _retry(
    connection: Connection, retry: Retry, *, currency: str | None, statuses: Mapping[str, str]
) -> Outcome:
    """Read a delivery's quarantined lines again, as of the time when it was loaded."""
    from pipelines.ingest.csv_batches import of_records
    from pipelines.sources.shipments.transform import COLUMNS, read_lines

    delivery_id = retry.delivery_id
    layout = layout_of(retry.header or "", COLUMNS)
    records = [layout.read(record.number, as_sent(record.raw)) for record in retry.records]
    _prepare(connection)
    batch = of_records(records, layout.columns, COLUMNS)
    rejects = _stage(connection, read_lines(batch, statuses))
    rejects += _remove_contradictions(connection)
    parameters = {"as_of": retry.loaded_at, "delivery_id": delivery_id}
    rejects += _remove(connection, "contradicted_lines", parameters)
    connection.execute(text(read_sql("pipelines.sources.shipments", "later_shipments")), parameters)
    now = connection.execute(select(func.clock_timestamp())).scalar_one()
    stored = _put(
        connection, delivery_id, seen_at=retry.loaded_at, changed_at=now, currency=currency
    )
    write_rejects(connection, delivery_id, rejects)
    loaded = changed_records(connection)
    return close_retry(connection, retry, loaded=loaded, stored=stored, rejected=len(rejects))


def _prepare(connection: Connection) -> None:
    prepare_change_log(connection)
    execute_script(connection, read_sql("pipelines.sources.shipments", "prepare_staging"))


def _stage(connection: Connection, lines: Lines) -> list[Reject]:
    """Stage the valid lines; return the rejects."""
    if len(lines.rows):
        copy_rows(connection, "stage_lines", lines.rows[list(STAGED)])
    return lines.rejects


def _remove_contradictions(connection: Connection) -> list[Reject]:
    """Remove lines that contradict each other from the staged ones, and return them."""
    connection.execute(text("ANALYZE stage_lines (tracking_number, carrier, sku)"))
    return _remove(connection, "disagreeing_lines", {}) + _remove(
        connection, "contradicting_lines", {}
    )


def _remove(connection: Connection, script: str, parameters: Mapping[str, Any]) -> list[Reject]:
    """Run a statement that removes lines from the staged ones, and return them.

    Of several lines about an article, a retry cannot know which one came first.
    """
    query = text(read_sql("pipelines.sources.shipments", script))
    rejects = []
    for row in connection.execute(query, parameters):
        reason = Reason(row.reason_code, row.reason, is_final=row.reason_code == "came_before")
        key = tuple(row.record_key)
        rejects.append(Reject(row.record, f"line {row.record}", row.raw, (reason,), key))
    return rejects


def _put(
    connection: Connection,
    delivery_id: int,
    *,
    seen_at: datetime,
    changed_at: datetime,
    currency: str | None,
) -> int:
    """Update all tables from the staged lines; return how many lines they now hold.

    `seen_at` is when the source sent the file, `changed_at` when the tables change, and `currency`
    the currency of its prices.
    """
    _read_addresses(connection, delivery_id)
    parameters = {
        "delivery_id": delivery_id,
        "seen_at": seen_at,
        "changed_at": changed_at,
        "currency": currency,
    }
    for script in ("put_shipments", "put_articles", "sum_up_shipments", "see_shipments"):
        connection.execute(text(read_sql("pipelines.sources.shipments", script)), parameters)
    stored = int(
        connection.execute(
            text(read_sql("pipelines.sources.shipments", "stored_lines"))
        ).scalar_one()
    )
    if changed_records(connection) > ANALYZE_FROM * stored:
        names = ", ".join(table.fullname for table in tables.READ_FROM_FILES)
        connection.execute(text(f"ANALYZE {names}"))
    return stored


def _read_addresses(connection: Connection, delivery_id: int) -> None:
    """Parse the staged addresses that are new, or that an older parser version parsed."""
    from pipelines.sources.shipments.addresses import PARSER_VERSION

    query = text(read_sql("pipelines.sources.shipments", "unread_addresses"))
    unread = connection.execute(query, {"parser_version": PARSER_VERSION}).scalars().all()
    _put_addresses(connection, unread, delivery_id)


def read_again(store: Warehouse, settings: Settings) -> None:
    """Parse addresses again that an older version parsed, and statuses that were unknown."""
    from pipelines.sources.shipments.addresses import PARSER_VERSION

    column = tables.addresses.c
    with store.transaction(SOURCE) as connection:
        _read_statuses_again(connection, settings)
        query = select(column.address).where(column.parser_version != PARSER_VERSION)
        _put_addresses(connection, connection.execute(query).scalars().all(), None)


def _read_statuses_again(connection: Connection, settings: Settings) -> None:
    """Give shipments and their history the meaning of statuses that were unknown before."""
    from pipelines.sources.shipments.transform import normalize_status, parse_statuses

    statuses = parse_statuses(settings.statuses)
    unknown = text(read_sql("pipelines.sources.shipments", "unknown_statuses"))
    for row in connection.execute(unknown).all():
        meaning = normalize_status(row.status_raw, statuses)
        if meaning != row.status:
            renamed = {"status": row.status, "status_raw": row.status_raw, "meaning": meaning}
            script = text(read_sql("pipelines.sources.shipments", "rename_status"))
            connection.execute(script, renamed)


def _put_addresses(connection: Connection, unread: Sequence[str], delivery_id: int | None) -> None:
    if unread:
        stage(connection, _addresses(unread), tables.addresses)
        put = text(read_sql("pipelines.sources.shipments", "put_addresses"))
        connection.execute(put, {"delivery_id": delivery_id})


def _addresses(texts: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    from pipelines.sources.shipments.addresses import PARSER_VERSION, read_address

    rows: Iterable[dict[str, Any]] = (
        {"address": address} | vars(read_address(address)) for address in texts
    )
    frame = pd.DataFrame(rows).rename(columns={"status": "address_status"})
    return frame.assign(parser_version=PARSER_VERSION)
