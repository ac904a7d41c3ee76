"""What the sandbox begins with: files of the days before those in the inbox."""

import datetime as dt
import hashlib
import io

from sqlalchemy import select, text

from pipelines.ingest.deliveries import Delivery
from pipelines.sources.shipments import Settings, tables
from pipelines.sources.shipments.load import SOURCE, load_file
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

#: Days with a file; the inbox has those of the last two.
DEMO_DAYS = 10


def seed_sandbox(store: Warehouse) -> str | None:
    """Load the sandbox's files of earlier days where no shipment ever came; return a message."""
    from pipelines.sources.shipments.sandbox import as_csv, clean_lines

    at = dt.datetime.now(dt.UTC).replace(hour=5, minute=20, second=0, microsecond=0)
    with store.transaction(SOURCE) as connection:
        if connection.execute(select(tables.shipments).limit(1)).first() is not None:
            return None
    backdate = text(read_sql("pipelines.sources.shipments", "backdate"))
    for ago in range(DEMO_DAYS - 1, 1, -1):
        day = at - dt.timedelta(days=ago)
        body = as_csv(clean_lines(1, day.date()))
        name, digest = f"shipments-{day:%Y-%m-%d}.csv", hashlib.sha256(body).hexdigest()
        delivery = Delivery(SOURCE, name, digest, len(body), day)
        with store.transaction(SOURCE) as connection:
            outcome = load_file(connection, io.BytesIO(body), delivery, Settings(), None)
            connection.execute(backdate, {"at": day, "delivery_id": outcome.delivery_id})
    return f"Loaded the sandbox's shipments of {DEMO_DAYS - 2} days."
