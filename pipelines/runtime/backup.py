"""`isobar backup`: the warehouse and Dagster's storage as they were at one instant, in a folder.

Runs need not be stopped for it. A snapshot is taken of the warehouse, then one of Dagster's
storage, and both are taken again whenever anything was committed in between, which is a matter of
milliseconds; then each database is dumped from its snapshot while runs go on. So the pair was true
at one instant: nothing that Dagster calls done is missing in the warehouse, and nothing is there
that had not begun. A run that was under way looks in it as one that was killed at that instant:
what it had not committed is not there, as each load is one transaction. `restoring` ends it, and
it is run again, which loses nothing and loads nothing twice.

The folder has `warehouse` and `dagster` in pg_dump's directory format, and `manifest.json`, which
comes last: without it a backup is not whole.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from pipelines.config import Settings
from pipelines.config.env_validation import misconfigured
from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.postgres.clients import JOBS, connect, find_clients, place_of
from pipelines.runtime.backup_manifest import (
    DAGSTER,
    FILE,
    FORMAT,
    UNFINISHED,
    WAREHOUSE,
    Manifest,
    digests,
    is_unfinished,
)

Tell = Callable[[str], None]
INSTANT_SECONDS = 120.0
VERSION_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = to_regnamespace('ops') AND relkind = 'r'
    AND starts_with(relname, 'alembic_version_')
ORDER BY 1
"""
TABLES = """
SELECT nspname, relname FROM pg_class JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE relkind IN ('r', 'p') AND NOT relispartition
    AND nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY 1, 2
"""
NO_MIGRATION = """
SET lock_timeout = '60s';
SELECT pg_advisory_lock_shared(hashtextextended('isobar migrate', 0))
"""
SNAPSHOT = "SELECT pg_export_snapshot(), pg_current_snapshot()::text, now()"


@dataclass(frozen=True)
class Instant:
    """The names of two snapshots of the same instant, and when it was."""

    snapshots: dict[str, str]
    shows: str


def back_up(folder: Path, settings: Settings, variables: Mapping[str, str], tell: Tell) -> Manifest:
    """Write a backup into a folder that is new or empty.

    `variables` are the environment of pg_dump. Neither database is changed, nor migrated. Raises
    `Failure`, and takes away what it had begun.
    """
    if settings.has_builtin_server and not settings.builtin_server().data.exists():
        raise _nothing_there(str(settings.builtin_server().data))
    urls = addresses(settings)
    with (
        _alone_in(folder, tell),
        connect(urls[WAREHOUSE]) as warehouse,
        connect(urls[DAGSTER]) as dagster,
        connect(urls[WAREHOUSE], autocommit=True) as watcher,
    ):
        revisions = _revisions(watcher, urls[WAREHOUSE])
        clients = {WAREHOUSE: find_clients(warehouse), DAGSTER: find_clients(dagster)}
        _hold_migrations(watcher, urls[WAREHOUSE])  # until the dumps are written
        instant = one_instant(warehouse, dagster, watcher)
        unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
        try:
            for name, url in urls.items():
                tell(f"Dumping {place_of(url)} as of {instant.shows} …")
                words = ["--format=directory", f"--jobs={JOBS}", f"--file={unfinished / name}"]
                words.append(f"--snapshot={instant.snapshots[name]}")
                clients[name].run("pg_dump", words, url, variables)
            manifest = Manifest(
                format=FORMAT,
                isobar=version("isobar"),
                revisions=revisions,
                server_version=watcher.info.server_version,
                client_major=max(one.major for one in clients.values()),
                shows=instant.shows,
                rows=count_rows(warehouse),
                sha256=digests(unfinished),
            )
            _finish(unfinished, manifest)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return manifest


def one_instant(
    warehouse: psycopg.Connection, dagster: psycopg.Connection, watcher: psycopg.Connection
) -> Instant:
    """Snapshots of both databases, in the transactions that it leaves open on the first two.

    `watcher` is another session of the warehouse's server, that commits each statement. Raises
    `TransientFailure` when something is committed between the two each time.
    """
    deadline = time.monotonic() + INSTANT_SECONDS
    for session in (warehouse, dagster):
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.read_only = True
    while time.monotonic() < deadline:
        of_warehouse, seen_before, at = warehouse.execute(SNAPSHOT).fetchone() or ()
        of_dagster, *_ = dagster.execute(SNAPSHOT).fetchone() or ()
        seen_after = watcher.execute("SELECT pg_current_snapshot()::text").fetchone()
        if seen_after == (seen_before,):
            shows = at.astimezone().isoformat(timespec="seconds")
            return Instant({WAREHOUSE: of_warehouse, DAGSTER: of_dagster}, shows)
        warehouse.rollback()
        dagster.rollback()
    raise TransientFailure(
        "backup",
        f"for {INSTANT_SECONDS:.0f} s there were not two milliseconds without a commit",
        place="the server of the warehouse",
        remedy="Try again at a calmer hour.",
    )


def addresses(settings: Settings) -> dict[str, str]:
    """Where the two databases are, by the names of their dumps; starts the built-in server."""
    if settings.has_builtin_server:
        settings.builtin_server().start()
    urls = {WAREHOUSE: settings.warehouse_url(), DAGSTER: settings.dagster_url()}
    places = {(one.host, one.port or 5432, one.database) for one in map(make_url, urls.values())}
    if len(places) < len(urls):
        raise misconfigured(
            "the warehouse and Dagster's storage are the same database",
            "Give Dagster's storage one of its own: DAGSTER_POSTGRES_URL.",
        )
    return urls


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """How many rows each table has, by its name with its schema."""
    counts = {}
    for schema, name in connection.execute(TABLES).fetchall():
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
        counts[f"{schema}.{name}"] = int((connection.execute(query).fetchone() or (0,))[0])
    return counts


def _revisions(connection: psycopg.Connection, url: str) -> dict[str, str]:
    """The revision of each schema, by name; empty while it is at its baseline."""
    found = {}
    for (table,) in connection.execute(VERSION_TABLES).fetchall():
        query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier("ops", table))
        row = connection.execute(query).fetchone() or ("",)
        found[table.removeprefix("alembic_version_")] = str(row[0])
    if not found:
        raise _nothing_there(place_of(url))
    return found


def _nothing_there(place: str) -> PermanentFailure:
    return PermanentFailure(
        "backup",
        "there is nothing of Isobar to back up",
        place=place,
        remedy="See whether DATABASE_URL or ISOBAR_HOME is what isobar run uses.",
    )


def _hold_migrations(watcher: psycopg.Connection, url: str) -> None:
    """Have migrations wait while this session lives."""
    try:
        watcher.execute(NO_MIGRATION)
    except psycopg.errors.LockNotAvailable as error:
        raise TransientFailure(
            "backup",
            "the database is being migrated",
            place=place_of(url),
            remedy="Run again when isobar migrate has ended.",
        ) from error


@contextmanager
def _alone_in(folder: Path, tell: Tell) -> Iterator[None]:
    """Have the folder empty and for ourselves, without what an interrupted backup left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(folder, tell)
        folder.chmod(0o700)
        yield
    except BlockingIOError as error:
        raise PermanentFailure(
            "backup",
            "another backup is being written into the folder",
            place=str(folder),
            remedy="Wait for it, or give another folder.",
        ) from error
    finally:
        os.close(descriptor)


def _clear(folder: Path, tell: Tell) -> None:
    held = sorted(folder.iterdir())
    ours = [one for one in held if _is_ours(one.name)]
    if held and (held != ours or not is_unfinished(folder)):
        raise PermanentFailure(
            "backup",
            "the folder is not empty",
            place=str(folder),
            remedy="Give one that is new, such as one named by the day.",
        )
    if held:
        tell(f"Took away what an interrupted backup left in {folder}.")
    for one in held:
        shutil.rmtree(one)


def _is_ours(name: str) -> bool:
    return name in (WAREHOUSE, DAGSTER) or name.startswith(UNFINISHED)


def _finish(unfinished: Path, manifest: Manifest) -> None:
    """Bring what is written to its place, the manifest last."""
    folder = unfinished.parent
    for name in (WAREHOUSE, DAGSTER):
        (unfinished / name).rename(folder / name)
    written = unfinished / FILE
    with written.open("w") as file:
        file.write(manifest.as_text())
        file.flush()
        os.fsync(file.fileno())
    written.rename(folder / FILE)
