"""The sandbox's initial data: files of the days before those in the inbox."""

import datetime as dt
import hashlib
import io

from sqlalchemy import Connection, select, text, tuple_

from pipelines.ingest.deliveries import Delivery, last_sha256
from pipelines.source import sources
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines.warehouse.tables import deliveries

SOURCE = "shipments"
#: Days with a file; those of the last two are in the inbox.
DEMO_DAYS = 10


def seed_sandbox(store: Warehouse) -> str | None:
    """Load the sandbox's files of earlier days, unless others were loaded; return a message.

    Each day is a transaction that holds the lock of the source. A seed that was killed is therefore
    continued by the next one, and two concurrent seeds load each day only once, in order.
    """
    files = _files()
    source = sources()[SOURCE]
    (feed,) = source.feeds
    runner = source.runner(feed, store, source.load_settings())
    backdate = text(read_sql("pipelines.sources.shipments", "backdate"))
    loaded = 0
    for delivery, body in files:
        with store.transaction(SOURCE) as connection:
            if _other_files_loaded(connection, [one for one, _ in files]):
                break  # a file of an earlier day would now reset statuses
            if last_sha256(connection, SOURCE, delivery.name) == delivery.sha256:
                continue
            outcome = runner.load_file(connection, io.BytesIO(body), delivery)
            parameters = {"at": delivery.received_at, "delivery_id": outcome.delivery_id}
            connection.execute(backdate, parameters)
        loaded += 1
    return f"Loaded the sandbox's shipments of {loaded} days." if loaded else None


def _files() -> list[tuple[Delivery, bytes]]:
    """Return the file of each day with its content, the earliest first."""
    from pipelines.sources.shipments.sandbox import as_csv, clean_lines

    files = []
    at = dt.datetime.now(dt.UTC).replace(hour=5, minute=20, second=0, microsecond=0)
    for ago in range(DEMO_DAYS - 1, 1, -1):
        day = at - dt.timedelta(days=ago)
        body = as_csv(clean_lines(1, day.date()))
        name, digest = f"shipments-{day:%Y-%m-%d}.csv", hashlib.sha256(body).hexdigest()
        files.append((Delivery(SOURCE, name, digest, len(body), day), body))
    return files


def _other_files_loaded(connection: Connection, demo: list[Delivery]) -> bool:
    """Return whether the ledger has a file of shipments that is not part of the demo."""
    is_demo = tuple_(deliveries.c.name, deliveries.c.sha256).in_(
        [(one.name, one.sha256) for one in demo]
    )
    query = select(deliveries.c.delivery_id).where(deliveries.c.feed == SOURCE, ~is_demo)
    return connection.execute(query.limit(1)).first() is not None
