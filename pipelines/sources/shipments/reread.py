"""What is read again before a load: addresses, and statuses that were unknown."""

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import Connection, select, text

from pipelines.ingest.countries import time_zone_of
from pipelines.ingest.load import Load
from pipelines.ingest.statements import execute_file
from pipelines.sources.shipments import Settings, source, tables
from pipelines.sources.shipments.addresses import PARSER_VERSION, read_address
from pipelines.sources.shipments.news import class_pairs
from pipelines.sources.shipments.transform import normalize_status, parse_statuses
from pipelines.warehouse.connection import Warehouse, copy_text, csv_text

#: Without the constraints of the table.
STAGE = text(
    "CREATE TEMP TABLE stage_addresses ON COMMIT DROP AS TABLE shipments.addresses WITH NO DATA"
)


def read_again(store: Warehouse, settings: Settings) -> None:
    """Parse addresses again that an older version parsed, and statuses that were unknown.

    Views follow `SHIPMENTS_STALE_DAYS` from then on.
    """
    column = tables.addresses.c
    with store.transaction("shipments") as connection:
        execute_file(connection, source, "put_rules", {"stale_days": settings.stale_days})
        _read_statuses_again(connection, settings)
        query = select(column.address).where(column.parser_version != PARSER_VERSION)
        if unread := connection.execute(query).scalars().all():
            rows = address_rows(unread)
            connection.execute(STAGE)
            copy_text(connection, f"stage_addresses ({', '.join(map(str, rows))})", csv_text(rows))
            execute_file(connection, source, "put_addresses", {"delivery_id": None})


def put_addresses(load: Load) -> None:
    """Store the addresses of staged shipments that no stored one has in this version."""
    unread = load.execute("unread_addresses", parser_version=PARSER_VERSION).scalars().all()
    if unread:
        load.stage("stage_addresses", address_rows(unread))
        load.execute("put_addresses")


def address_rows(texts: Sequence[str]) -> pd.DataFrame:
    """Parse addresses; returns rows of `shipments.addresses`."""
    rows = ({"address": address} | vars(read_address(address)) for address in texts)
    frame = pd.DataFrame(rows).rename(columns={"status": "address_status"})
    zones = {code: time_zone_of(code) for code in frame["country_code"].unique()}
    zone = frame["country_code"].map(zones)
    return frame.assign(time_zone=zone, parser_version=PARSER_VERSION)


def _read_statuses_again(connection: Connection, settings: Settings) -> None:
    """Give shipments and their history the meaning of statuses that were unknown before."""
    statuses = parse_statuses(settings.statuses)
    for row in execute_file(connection, source, "unknown_statuses", {}).all():
        if (meaning := normalize_status(row.status, statuses)) != row.status:
            renamed = {**row._mapping, "meaning": meaning, "classes": class_pairs()}
            execute_file(connection, source, "touch_status", renamed)
            execute_file(connection, source, "count_statuses", {"sign": -1})
            execute_file(connection, source, "rename_status", renamed)
            execute_file(connection, source, "follow_history", {})
            execute_file(connection, source, "count_statuses", {"sign": 1})
