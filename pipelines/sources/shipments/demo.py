"""The sandbox's initial data: files of the days before those in the inbox."""

import datetime as dt
import hashlib
import io

from sqlalchemy import text

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import Delivery, last_number
from pipelines.ingest.feeds import Content
from pipelines.source import sources
from pipelines.sources.shipments.sandbox import as_csv, clean_lines
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

SOURCE = "shipments"
#: Days with a file; those of the last two are in the inbox.
DEMO_DAYS = 10


def seed_sandbox(store: Warehouse) -> str | None:
    """Load the sandbox's files of earlier days if none was loaded; return a message.

    After another file, one of an earlier day would reset statuses.
    """
    source = sources()[SOURCE]
    (feed,) = source.feeds
    runner = source.runner(feed, store, source.load_settings())
    backdate = text(read_sql("pipelines.sources.shipments", "backdate"))
    today = dt.datetime.now(dt.UTC).replace(hour=5, minute=20, second=0, microsecond=0)
    days = [today - dt.timedelta(days=ago) for ago in range(DEMO_DAYS - 1, 1, -1)]
    with store.transaction(SOURCE) as connection:
        if last_number(connection, SOURCE):
            return None
        for at in days:
            body = as_csv(clean_lines(1, at.date()))
            name, digest = f"shipments-{at:%Y-%m-%d}.csv", hashlib.sha256(body).hexdigest()
            delivery = Delivery(SOURCE, name, digest, len(body), at, modified_at=at)
            content = Content(delivery=delivery, file=io.BytesIO(body))
            outcome = runner.attempt(connection, content)
            if isinstance(outcome, PermanentFailure):
                raise outcome
            connection.execute(backdate, {"at": at, "delivery_id": outcome.delivery_id})
    return f"Loaded the sandbox's shipments of {len(days)} days."
