"""Prune rows of Dagster's storage and files of its runs that nothing reads any more.

Dagster derives the state of assets from their events. Of old events, the newest of each asset,
partition and kind are therefore kept. Runs are kept because links lead to them, and so is
everything that belongs to unfinished runs. Retention of our own tables is in `retention`.
"""

import datetime as dt
import shutil
import uuid
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, text

from pipelines.failures import PermanentFailure
from pipelines.orchestration.orphaned_runs import UNFINISHED
from pipelines.warehouse.retention import Removed
from pipelines.warehouse.sql_files import read_sql

#: The name that Dagster gives to the repository of a code location's `Definitions`.
REPOSITORY = "__repository__"


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
) -> Removed:
    """Delete files that runs left in Dagster's storage folder before a time, mostly their output.

    A run's folder is named by its id; other folders are left alone. `unfinished` are run ids.
    Raises `PermanentFailure` if some could not be deleted.
    """
    folders = storage.iterdir() if storage.exists() else ()
    return _remove_old(
        [one for one in folders if one.name not in unfinished and _is_of_run(one)], before
    )


def remove_tick_logs(storage: Path, before: dt.datetime) -> Removed:
    """Delete the logs of sensor and schedule ticks before a time, from the same folder.

    They are at `<repository>/<sensor>/<tick>.err`. Raises `PermanentFailure` as above.
    """
    return _remove_old(storage.glob(f"{REPOSITORY}/*/*.err"), before)


def _remove_old(paths: Iterable[Path], before: dt.datetime) -> Removed:
    """Delete files, and folders with all their content, that are older than a time."""
    removed, stuck = Removed(), []
    for path in paths:
        changed_at, size = _last_change_and_size(path)
        if changed_at >= before.timestamp():
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
        if path.exists():
            stuck.append(path)
        else:
            removed += Removed(1, size)
    if stuck:
        raise PermanentFailure(
            "housekeeping",
            f"{len(stuck)} old files of runs could not be removed, {removed.count} were",
            place=str(stuck[0]),
            remedy="Check their owner: the user that runs Isobar must be able to remove them.",
        )
    return removed


def _is_of_run(folder: Path) -> bool:
    try:
        return str(uuid.UUID(folder.name)) == folder.name
    except ValueError:
        return False


def _last_change_and_size(path: Path) -> tuple[float, int]:
    """Return seconds since 1970, and bytes; files that disappear meanwhile do not count."""
    changed_at, size = 0.0, 0
    for one in (path, *path.rglob("*")):
        try:
            found = one.lstat()
        except FileNotFoundError:
            continue
        changed_at, size = max(changed_at, found.st_mtime), size + found.st_size
    return changed_at, size
