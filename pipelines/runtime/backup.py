"""`isobar backup`: dump the warehouse and Dagster's storage as of the same instant.

Runs continue meanwhile. Each database exports a snapshot. This is repeated until nothing was
committed between the two exports, which takes milliseconds. Each database is then dumped from its
snapshot. Everything that Dagster reports as done is therefore in the warehouse dump. A run in
progress looks as if it had been killed at that instant: a load is one transaction, so its rows are
there completely or not at all.

Others may own relations in the warehouse, such as modellers. What the user of the backup may not
read is left out by name. So are schemas with functions or types of others, and tables whose restore
would execute code of their owners, and what PostgreSQL cannot write. If pg_dump fails, what others
have built is searched for the cause, and dumped again without it. The manifest has the roles that
the warehouse names, and the members of Isobar's roles, without their passwords.

The folder contains `warehouse` and `dagster` in pg_dump's directory format, and `manifest.json`.
The manifest is written last: a backup without it is incomplete.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from packaging.version import Version
from psycopg import sql
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import make_url

from pipelines.config import Settings
from pipelines.config.env_validation import misconfigured
from pipelines.failures import PermanentFailure, TransientFailure, in_one_line
from pipelines.migrations.apply import schemas
from pipelines.postgres.clients import JOBS, connect, find_clients, place_of
from pipelines.postgres.errors import translated
from pipelines.runtime.personal_logins import Role, roles_of_others
from pipelines.warehouse.sql_files import read_sql

Report = Callable[[str], None]
#: Folder names of the two dumps.
WAREHOUSE, DAGSTER = "warehouse", "dagster"
MANIFEST = "manifest.json"
FORMAT = 3
#: How long to look for an instant without a commit between the two snapshots.
INSTANT_SECONDS = 120.0
#: How long to wait for a table that a session locks.
LOCK_WAIT = "60s"
WHO_LOCKS = (
    "SELECT pid, usename, relation::regclass FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE mode = 'AccessExclusiveLock' AND granted"
)
#: Why a relation is left out.
WHY = {
    "code": "restoring it could execute code",
    "too deep": "its SQL is nested too deep to be written",
    "too large": "a row of it is too large to be written",
    "unreadable": "this user may not read it",
}
#: Relations of one owner: pg_dump locks each, and the server has room for some ten thousand locks.
MAX_RELATIONS = 2_000
SCHEMAS_OF_MANY = """
SELECT schemas.oid, schemas.nspname, pg_get_userbyid(schemas.nspowner)
FROM pg_namespace AS schemas
WHERE
    schemas.nspowner <> 'isobar_owner'::regrole
    AND schemas.nspname !~ '^(pg_|information_schema$|public$)'
    AND %s < (
        SELECT count(*) FROM pg_class
        INNER JOIN pg_namespace AS others ON others.oid = relnamespace
        WHERE others.nspowner = schemas.nspowner AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    )
ORDER BY schemas.nspname
"""
TABLES_OF_OTHERS = """
SELECT pg_class.oid, format('%%I.%%I', nspname, relname)
FROM pg_class INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE
    relkind = 'r'
    AND relowner <> 'isobar_owner'::regrole
    AND nspname !~ '^(pg_|information_schema$)'
    AND relnamespace <> ALL(%s::oid[])
    AND has_table_privilege(pg_class.oid, 'SELECT')
    AND has_schema_privilege(pg_namespace.oid, 'USAGE')
"""
#: Blocks migrations for the lifetime of the session.
NO_MIGRATION = "SELECT pg_advisory_lock_shared(hashtextextended('isobar migrate', 0))"
SNAPSHOT = "SELECT pg_export_snapshot(), pg_current_snapshot()::text, now()"


class Manifest(BaseModel):
    """The description of a complete backup."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int
    #: Version of Isobar that made the backup.
    isobar: str
    #: Server version as PostgreSQL numbers it, such as 180006.
    server_version: int
    taken_at: AwareDatetime
    #: SHA-256 of each dump file, keyed by its path in the folder.
    sha256: dict[str, str]
    #: The sources whose roles have rights in the dump; of 3.0.
    sources: list[str] = []
    #: Relations and schemas of others that are not in it.
    left_out: list[str] = []
    #: Roles of others that the restored warehouse needs, or that use it.
    roles: list[Role] = []


def back_up(folder: Path, settings: Settings, variables: Mapping[str, str], report: Report) -> None:
    """Write a backup into a new or empty folder.

    Args:
        folder: Where to write it. If the backup fails, the dumps are removed again.
        settings: Where the databases are. Neither is changed or migrated.
        variables: The environment of pg_dump.
        report: Receives progress messages.

    Raises:
        Failure: If the backup cannot be made; the message says what to do.
    """
    if settings.has_builtin_server and not settings.builtin_server().data.exists():
        raise _nothing_there(str(settings.builtin_server().data))
    urls = addresses(settings)
    _claim(folder)
    try:
        with translated(
            "backup",
            "it could not be made",
            place=" and ".join(map(place_of, urls.values())),
            otherwise="Give the roles of both addresses the rights to read all, as pg_dump needs.",
        ):
            manifest = _dump(folder, urls, variables, report)
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1))
    except BaseException:
        for name in urls:
            shutil.rmtree(folder / name, ignore_errors=True)
        raise


def _dump(
    folder: Path, urls: Mapping[str, str], variables: Mapping[str, str], report: Report
) -> Manifest:
    with (
        connect(urls[WAREHOUSE]) as warehouse,
        connect(urls[DAGSTER]) as dagster,
        connect(urls[WAREHOUSE], autocommit=True) as watcher,
    ):
        if watcher.execute("SELECT to_regclass('ops.deliveries')").fetchone() == (None,):
            raise _nothing_there(place_of(urls[WAREHOUSE]))
        reject_cluster(watcher, "backup", place_of(urls[WAREHOUSE]))
        clients = {WAREHOUSE: find_clients(warehouse), DAGSTER: find_clients(dagster)}
        watcher.execute(NO_MIGRATION)
        snapshots, taken_at = one_instant(warehouse, dagster, watcher)

        def announce(name: str) -> None:
            at = taken_at.isoformat(timespec="seconds")
            report(f"Dumping {place_of(urls[name])} as of {at} …")

        def dump(name: str, excluded: Sequence[str] = ()) -> None:
            words = ["--format=directory", f"--jobs={JOBS}", f"--file={folder / name}"]
            words += [f"--snapshot={snapshots[name]}", f"--lock-wait-timeout={LOCK_WAIT}"]
            with _described_locks(urls[name]):
                clients[name].run("pg_dump", [*words, *excluded], urls[name], variables)

        def dump_warehouse(*harmful: Sequence[Any]) -> list[str]:
            with _described_locks(urls[WAREHOUSE]):
                excluded, names = _left_out(warehouse, place_of(urls[WAREHOUSE]), report, *harmful)
            dump(WAREHOUSE, excluded)
            return names

        announce(WAREHOUSE)
        try:
            left_out = dump_warehouse()
        except (PermanentFailure, OSError, psycopg.errors.OutOfMemory):
            # OSError: more is left out than arguments can name; OutOfMemory: too many locks.
            many = _of_many(warehouse)
            large = _too_large(warehouse, many)
            if not many and not large:
                raise
            shutil.rmtree(folder / WAREHOUSE, ignore_errors=True)
            left_out = dump_warehouse(many, large)
        announce(DAGSTER)
        dump(DAGSTER)
        return Manifest(
            format=FORMAT,
            isobar=version("isobar"),
            server_version=watcher.info.server_version,
            taken_at=taken_at,
            sha256=digests(folder),
            left_out=left_out,
            roles=roles_of_others(watcher),
        )


def _left_out(
    warehouse: psycopg.Connection,
    place: str,
    report: Report,
    many: Sequence[tuple[int, str, str]] = (),
    large: Sequence[int] = (),
) -> tuple[list[str], list[str]]:
    """Return the options of pg_dump for what is left out, and its names; report each.

    That includes the schemas in `many`, of owners of too many relations, and the tables in `large`.

    Raises:
        PermanentFailure: If the user may not read something of Isobar's.
    """
    warehouse.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_WAIT))
    query = read_sql("pipelines.runtime", "schemas_with_code")
    with_code = warehouse.execute(query).fetchall()
    words, names = [], []
    for _, name, owner in {*with_code} - {*many}:
        if name in schemas():
            raise _unsafe(name, place)
        report(
            f"Not in the backup, because restoring it could execute code: the schema"
            f" {in_one_line(name)} of {in_one_line(owner)}, which has functions or types."
        )
    for _, name, owner in many:
        report(
            f"Not in the backup, because its owner has more than {MAX_RELATIONS} tables and views:"
            f" the schema {in_one_line(name)} of {in_one_line(owner)}."
        )
    without = sorted({*with_code, *many}, key=lambda one: one[1])
    for _, name, _ in without:
        quoted = '"' + name.replace('"', '""') + '"'
        words.append(f"--exclude-schema={quoted}")
        names.append(f"the schema {name}")
    oids = [oid for oid, *_ in without]
    in_them = (
        "SELECT extname FROM pg_extension WHERE extnamespace = ANY(%s::oid[]) ORDER BY extname"
    )
    for (name,) in warehouse.execute(in_them, [oids]):
        words.append(f"--exclude-extension={name}")
        names.append(f"the extension {name}")
    deep = _too_deep(warehouse, [oid for oid, *_ in many])
    given = {"schemas": oids, "deep": deep, "large": [*large]}
    query = read_sql("pipelines.runtime", "left_out_relations")
    of_many = {name for _, name, _ in many}
    for name, pattern, owner, schema, why in warehouse.execute(query, given).fetchall():
        if schema in schemas():
            raise _unreadable(name, place)
        if schema in of_many:
            continue  # named with their schema
        because = WHY[why]
        report(
            f"Not in the backup, because {because}: {in_one_line(name)} of {in_one_line(owner)}."
        )
        words.append(f"--exclude-table={pattern}")
        names.append(name)
    return words, names


def _of_many(warehouse: psycopg.Connection) -> list[tuple[int, str, str]]:
    """Return the schemas of those who own too many relations: oid, name and owner."""
    return warehouse.execute(SCHEMAS_OF_MANY, [MAX_RELATIONS]).fetchall()


def _too_large(warehouse: psycopg.Connection, many: Sequence[tuple[int, str, str]]) -> list[int]:
    """Read the tables of others; return those with rows that PostgreSQL cannot write as text.

    Not those of schemas in `many`, which are left out.
    """
    found = []
    for oid, name in warehouse.execute(TABLES_OF_OTHERS, [[oid for oid, *_ in many]]).fetchall():
        try:
            with (
                warehouse.transaction(force_rollback=True),  # which releases the lock
                warehouse.cursor().copy(f"COPY {name} TO STDOUT".encode()) as copy,
            ):
                for _ in copy:
                    pass
        except (psycopg.errors.ProgramLimitExceeded, psycopg.errors.InternalError_):
            found.append(oid)
    return found


def _too_deep(warehouse: psycopg.Connection, without: list[int]) -> list[int]:
    """Return the relations of others whose SQL is nested too deep for PostgreSQL to write.

    Not those of the schemas `without`, by oid.
    """
    query = """
    SELECT oid FROM pg_class
    WHERE relowner <> 'isobar_owner'::regrole AND oid >= 16384
        AND relnamespace <> ALL(%s::oid[])
    """
    found = [oid for (oid,) in warehouse.execute(query, [without])]
    if _is_written(warehouse, found):
        return []
    return [oid for oid in found if not _is_written(warehouse, [oid])]


def _is_written(warehouse: psycopg.Connection, oids: list[int]) -> bool:
    query = read_sql("pipelines.runtime", "written")
    try:
        with warehouse.transaction(force_rollback=True):  # which releases the locks
            warehouse.execute(query, {"oids": oids})
    except psycopg.errors.StatementTooComplex:
        return False
    return True


@contextmanager
def _described_locks(url: str) -> Iterator[None]:
    """Say what to do if somebody locks a table for long."""
    try:
        yield
    except (psycopg.errors.LockNotAvailable, PermanentFailure) as error:
        if "due to lock timeout" not in str(error) and "due to statement timeout" not in str(error):
            raise  # pg_dump sets the latter while it locks tables
        raise TransientFailure(
            "backup",
            f"a session locks a table or view and did not release it within {LOCK_WAIT}",
            place=place_of(url),
            remedy="See who it is, wait or end that session, then back up again: isobar database"
            f' psql -c "{WHO_LOCKS}"',
        ) from error


def one_instant(
    warehouse: psycopg.Connection, dagster: psycopg.Connection, watcher: psycopg.Connection
) -> tuple[dict[str, str], datetime]:
    """Export a snapshot of each database, both as of the same instant.

    The transactions of the first two connections stay open, which keeps the snapshots valid.
    `watcher` is a third session, on the warehouse's server, in autocommit mode.

    Returns:
        The snapshot name of each database, and the instant.

    Raises:
        TransientFailure: If every attempt saw a commit between the two snapshots.
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
            return {WAREHOUSE: of_warehouse, DAGSTER: of_dagster}, at.astimezone()
        warehouse.rollback()
        dagster.rollback()
    raise TransientFailure(
        "backup",
        f"for {INSTANT_SECONDS:.0f} s there were not two milliseconds without a commit",
        place="the server of the warehouse",
        remedy="Try again when fewer runs are in progress.",
    )


def addresses(settings: Settings) -> dict[str, str]:
    """Return the URL of each database by dump name, after starting the built-in server if used."""
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


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a complete backup. Raises `PermanentFailure` for any other folder."""
    other = "Give the folder of another backup."
    if not (folder / MANIFEST).is_file():
        problem = f"there is no complete backup: it has no {MANIFEST}"
        raise _unusable(folder, problem, other)
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        is_later = Version(manifest.isobar) > Version(version("isobar"))
    except (ValueError, OSError) as error:
        problem = f"its {MANIFEST} cannot be read ({type(error).__name__})"
        raise _unusable(folder, problem, other) from error
    if manifest.format != FORMAT or is_later:
        problem = f"it was made by another version of Isobar, {manifest.isobar}"
        raise _unusable(folder, problem, "Update this clone, then run again.")
    changed = sorted({name for name, _ in digests(folder).items() ^ manifest.sha256.items()})
    if changed:
        problem = f"files are missing or not as they were written: {', '.join(changed[:5])}"
        raise _unusable(folder, problem, f"Copy it again from where it was made. {other}")
    return manifest


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each dump file in a folder, keyed by its path in the folder."""
    found = {}
    for name in (WAREHOUSE, DAGSTER):
        for file in sorted(one for one in (folder / name).rglob("*") if one.is_file()):
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            found[str(file.relative_to(folder))] = digest
    return found


def _claim(folder: Path) -> None:
    """Create the folder or claim an empty one; of two concurrent backups, only one succeeds."""
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        if not any(folder.iterdir()):
            (folder / WAREHOUSE).mkdir()
            folder.chmod(0o700)
            return
    raise PermanentFailure(
        "backup",
        "the folder is not empty",
        place=str(folder),
        remedy=f"Give one that is new, such as one named by the day. One without {MANIFEST}, where"
        " no backup is being written any more, was interrupted: delete it.",
    )


def reject_cluster(session: psycopg.Connection, what: str, place: str) -> None:
    """Raise `PermanentFailure` in a Citus cluster: a snapshot covers one node alone."""
    if session.execute("SELECT FROM pg_extension WHERE extname = 'citus'").fetchone() is not None:
        raise PermanentFailure(
            what,
            "the database is distributed by Citus: a snapshot of the coordinator says nothing of"
            " the rows on other nodes",
            place=place,
            remedy="Back up all nodes together, with base backups, archived WAL and"
            " citus_create_restore_point (docs/scaling.md, Backups).",
        )


def _nothing_there(place: str) -> PermanentFailure:
    return PermanentFailure(
        "backup",
        "there is no database of Isobar to back up",
        place=place,
        remedy="See whether DATABASE_URL or ISOBAR_HOME is what isobar run uses.",
    )


def _unreadable(name: str, place: str) -> PermanentFailure:
    return PermanentFailure(
        "backup",
        f"this user may not read {name}, which belongs to Isobar",
        place=place,
        remedy="Back up as the user of DATABASE_URL who migrates, and who owns the tables.",
    )


def _unsafe(schema: str, place: str) -> PermanentFailure:
    return PermanentFailure(
        "backup",
        f"the schema {schema}, which belongs to Isobar, has functions or types of others",
        place=place,
        remedy="Drop them, then back up again.",
    )


def _unusable(folder: Path, problem: str, remedy: str) -> PermanentFailure:
    return PermanentFailure("restore", problem, place=str(folder), remedy=remedy)
