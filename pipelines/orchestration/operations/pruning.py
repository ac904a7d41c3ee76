"""Delete old rows of Dagster's storage, old files of its runs, and old rejected records.

Dagster derives the state of assets from their events. Of old events, the newest of each asset,
partition and kind are therefore kept. Runs are kept because links lead to them, and so is
everything that belongs to unfinished runs.
"""

import datetime as dt
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, null, select, text, update

from pipelines.orchestration.orphaned_runs import UNFINISHED
from pipelines.source import sources_of_feeds
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.retention import Removed, delete_in_batches
from pipelines.warehouse.sql_files import read_sql
from pipelines.warehouse.tables import deliveries, quarantine

BATCH_SIZE = 5_000
#: The folders of runs in Dagster's storage are called like their ids; those of assets are not.
RUN_ID = "????????-????-????-????-????????????"
#: Logs of ticks: `<repository>/<sensor>/<tick>.err`.
TICK_LOGS = "__repository__/*/*.err"


def prune(engine: Engine, log: Literal["events", "checks"], before: dt.datetime) -> Removed:
    """Delete the entries of Dagster's log before a time, except those that are still read.

    Concurrent calls share the work.
    """
    parameters = {
        "before": before.astimezone(dt.UTC).replace(tzinfo=None),  # the format that Dagster stores
        "unfinished": [status.value for status in UNFINISHED],
    }
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        statement = text(read_sql("pipelines.orchestration.operations", f"prune_{log}"))
        removed = connection.execute(statement, parameters).one()
    return Removed(removed.removed, int(removed.bytes))


def remove_run_files(
    storage: Path, before: dt.datetime, unfinished: Collection[str] = ()
) -> dict[str, Removed]:
    """Delete the output of runs that began before a time, and older logs of ticks.

    They are in Dagster's storage folder, of which all else is left alone. `unfinished` are run ids.
    """
    folders = [one for one in storage.glob(RUN_ID) if one.name not in unfinished]
    logs = [*storage.glob(TICK_LOGS)]
    old = {one for one in (*folders, *logs) if one.stat().st_mtime < before.timestamp()}
    for path in old:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return {
        "folders": Removed(len(old.intersection(folders))),
        "logs of sensors": Removed(len(old.intersection(logs))),
    }


def purge_quarantine(store: Warehouse, before: dt.datetime) -> dict[str, Removed]:
    """Delete quarantined records whose delivery was loaded before a time. Returns counts by feed.

    The ledger counts them as purged. Records of deliveries that were rejected as a whole before
    that time are deleted, too.
    """
    is_old = deliveries.c.loaded_at < before
    kept = update(deliveries).where(is_old, deliveries.c.bad_records.is_not(None))
    with store.transaction("housekeeping") as connection:
        connection.execute(kept.values(bad_records=null()))
        query = select(deliveries.c.feed).join(quarantine).where(is_old).distinct()
        feeds = sorted(connection.execute(query).scalars())
    statement = read_sql("pipelines.orchestration.operations", "purge_quarantine")
    owners = sources_of_feeds()
    return {
        feed: delete_in_batches(
            store,
            owners[feed].name if feed in owners else feed,  # whose loads it takes turns with
            statement,
            BATCH_SIZE,
            feed=feed,
            before=before,
        )
        for feed in feeds
    }
