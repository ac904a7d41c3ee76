"""`isobar backup` and `isobar restore`: pg_dump and pg_restore of both databases.

Dagster's storage is dumped first, so that whatever it reports as done is in the dump of the
warehouse. A restore fills new databases and renames them at its end. Roles and settings of
databases, which pg_dump has not, are made again; those of others have to be there.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import psycopg
from psycopg import sql
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import make_url

from pipelines.config import Settings
from pipelines.config.env_validation import misconfigured
from pipelines.failures import PermanentFailure
from pipelines.migrations.apply import migrate, prepare_roles
from pipelines.orchestration.instance import instance_on
from pipelines.orchestration.orphaned_runs import UNFINISHED
from pipelines.postgres.clients import (
    connect,
    place_of,
    revoke_public_connect,
    run_client,
    with_database,
)
from pipelines.postgres.errors import translated
from pipelines.runtime.bootstrap import Report, make_dagster_database, prepare_dagster_home
from pipelines.runtime.processes import daemon_lock

#: The databases in the order in which they are dumped, and the names of the dumps.
DAGSTER, WAREHOUSE = "dagster", "warehouse"
MANIFEST = "manifest.json"
FORMAT = 4
#: How long a backup waits for a session that locks a table, and for a migration.
LOCK_WAIT = "60s"
#: Blocks migrations for the lifetime of the session.
NO_MIGRATION = "SELECT pg_advisory_lock_shared(hashtextextended('isobar migrate', 0))"
OWNER_OF = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
#: Whoever restores would execute what a modeller wrote, such as a CHECK, with its own rights.
OF_MODELLERS = """
SELECT quote_ident(nspname) FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner
WHERE pg_has_role(nspowner, 'isobar_modeller', 'USAGE') AND NOT rolsuper
    AND rolname <> current_user
ORDER BY nspname
"""
ANY_TABLE = """
SELECT schemaname || '.' || tablename FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') LIMIT 1
"""


class MadeBy(BaseModel, frozen=True, strict=True):
    """What the manifests of all versions have."""

    format: int
    isobar: str


class Manifest(MadeBy, frozen=True, strict=True):
    """The description of a complete backup, written last."""

    taken_at: AwareDatetime
    #: SHA-256 of each dump, by the name of its file.
    sha256: dict[str, str]


def back_up(folder: Path, settings: Settings, variables: Mapping[str, str], report: Report) -> None:
    """Write a backup into a new or empty folder, while runs continue; `variables` are pg_dump's.

    Raises `Failure` with the words of pg_dump; the folder is then without a manifest.
    """
    settings.dagster_url()  # raises `NotReady` where the built-in server was never started
    urls = _addresses(settings, "backup")
    with (
        translated("backup", "it could not be made", place=place_of(urls[WAREHOUSE])),
        connect(urls[WAREHOUSE], autocommit=True) as warehouse,
    ):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise PermanentFailure(
                "backup",
                "the folder is not empty",
                place=str(folder),
                remedy=f"Give one that is new. One without {MANIFEST} was interrupted: delete it.",
            )
        folder.chmod(0o700)
        warehouse.execute(f"SET lock_timeout = '{LOCK_WAIT}'".encode())
        warehouse.execute(NO_MIGRATION)
        taken_at = datetime.now(UTC)
        others = [name for (name,) in warehouse.execute(OF_MODELLERS)]
        if others:
            report(f"Leaving out the schemas of modellers: {', '.join(others)}.")
        for name, url in urls.items():
            report(f"Dumping {place_of(url)} …")
            file = f"--file={folder / name}.dump"
            words = ["--format=custom", f"--lock-wait-timeout={LOCK_WAIT}", file]
            words += [f"--exclude-schema={other}" for other in others if name == WAREHOUSE]
            run_client("pg_dump", words, url, variables)
    made_by, digests = version("isobar"), _digests(folder)
    manifest = Manifest(format=FORMAT, isobar=made_by, taken_at=taken_at, sha256=digests)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1))


def restore_from(
    folder: Path, settings: Settings, replace: bool, variables: Mapping[str, str], report: Report
) -> None:
    """Replace both databases with the backup in a folder, migrated to this version.

    `variables` are pg_restore's. Databases with tables are replaced only if `replace` is set.
    Raises `Failure`; the databases are then unchanged.
    """
    manifest = read_manifest(folder)
    urls = _addresses(settings, "restore")
    make_dagster_database(settings)
    prepare_dagster_home(settings)
    fresh, old = (
        {name: with_database(url, f"{_name(url)}_{state}") for name, url in urls.items()}
        for state in ("restoring", "replaced")
    )
    with (
        translated("restore", "it could not be done", place=place_of(urls[WAREHOUSE])),
        daemon_lock(settings.state, "isobar restore"),
        ExitStack() as until_done,
    ):
        for url in () if replace else urls.values():
            with connect(url) as connection:
                if found := connection.execute(ANY_TABLE).fetchone():
                    raise PermanentFailure(
                        "restore",
                        f"the database is not empty: it has the table {found[0]}",
                        place=place_of(url),
                        remedy="Restore into another ISOBAR_HOME or DATABASE_URL; or give"
                        " --replace, and both databases are dropped when the backup is there.",
                    )
        # On one server, one session of the warehouse's user makes and renames both databases.
        is_one = len({_server(url) for url in urls.values()}) == 1
        admin_urls = dict.fromkeys(urls, urls[WAREHOUSE]) if is_one else urls
        opened = {
            url: until_done.enter_context(connect(with_database(url, "postgres"), autocommit=True))
            for url in dict.fromkeys(admin_urls.values())
        }
        admins = {name: opened[url] for name, url in admin_urls.items()}
        for name, url in urls.items():
            drop = _sql("DROP DATABASE IF EXISTS {} WITH (FORCE)", fresh[name])
            (owner,) = admins[name].execute(OWNER_OF, [_name(url)]).fetchone() or ("",)
            create = sql.SQL(" OWNER {} TEMPLATE template0").format(sql.Identifier(owner))
            admins[name].execute(drop)  # of an interrupted one
            admins[name].execute(_sql("CREATE DATABASE {}", fresh[name]) + create)
            until_done.callback(admins[name].execute, drop)
        revoke_public_connect(admins[DAGSTER], _name(fresh[DAGSTER]))
        prepare_roles(fresh[WAREHOUSE])
        for name, url in urls.items():
            report(f"Restoring {place_of(url)} as of {manifest.taken_at:%Y-%m-%d %H:%M} …")
            words = ["--exit-on-error", "--exclude-schema=pg_catalog", f"{folder / name}.dump"]
            words += ["--no-owner", "--no-privileges"] if name == DAGSTER else []
            run_client("pg_restore", words, fresh[name], variables)
            with connect(fresh[name], autocommit=True) as connection:
                connection.execute("ANALYZE")
        migrate(fresh[WAREHOUSE], report)
        _end_runs(fresh[DAGSTER], settings.dagster_home, report)
        remedy = "Stop isobar ui on every machine, close other connections, then run again."
        drops = {name: _sql("DROP DATABASE IF EXISTS {} WITH (FORCE)", old[name]) for name in urls}
        for name in urls:
            admins[name].execute(drops[name])
        with ExitStack() as undo:
            for admin in opened.values():
                mine = {name: url for name, url in urls.items() if admins[name] is admin}
                pairs = [(url, old[name]) for name, url in mine.items()]
                pairs += [(fresh[name], url) for name, url in mine.items()]
                place = ", ".join(map(place_of, mine.values()))
                with translated("restore", "it was not replaced", place=place, see=remedy):
                    _rename(admin, pairs)
                undo.callback(_rename, admin, [(new, name) for name, new in reversed(pairs)])
            undo.pop_all()
        for name in urls:
            admins[name].execute(drops[name])
    report("Restored the warehouse and the history of its runs.")


def _rename(admin: psycopg.Connection, pairs: Iterable[tuple[str, str]]) -> None:
    """Give the databases of URLs the names of others, all or none."""
    with admin.transaction():
        for url, new in pairs:
            admin.execute(_sql("ALTER DATABASE {} RENAME TO {}", url, new))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a complete backup. Raises `PermanentFailure` for any other folder."""
    problem = ""
    try:
        content = (folder / MANIFEST).read_bytes()
        made_by = MadeBy.model_validate_json(content)
        if made_by.format == FORMAT:
            manifest = Manifest.model_validate_json(content)
            if changed := {name for name, _ in _digests(folder).items() ^ manifest.sha256.items()}:
                words = ", ".join(sorted(changed))
                problem = f"files are missing or not as they were written: {words}"
        else:
            problem = f"it is of Isobar {made_by.isobar}, which restores it"
    except (ValueError, OSError) as error:
        problem = f"there is no {MANIFEST} that can be read: {error}"
    if problem:
        remedy = "Give the folder of another backup."
        raise PermanentFailure("restore", problem, place=str(folder), remedy=remedy)
    return manifest


def _addresses(settings: Settings, command: str) -> dict[str, str]:
    """Return the URL of each database by dump, after starting the built-in server if used.

    Raises `PermanentFailure` if they are one, or if the warehouse is a Citus cluster.
    """
    if settings.has_builtin_server:
        settings.builtin_server().start()
    urls = {DAGSTER: settings.dagster_url(), WAREHOUSE: settings.warehouse_url()}
    if len({(*_server(url), _name(url)) for url in urls.values()}) < 2:
        raise misconfigured(
            "the warehouse and Dagster's storage are the same database",
            "Give Dagster's storage one of its own: DAGSTER_POSTGRES_URL.",
        )
    with connect(urls[WAREHOUSE]) as session:
        if session.execute("SELECT FROM pg_extension WHERE extname = 'citus'").fetchone():
            raise PermanentFailure(
                command,
                "the database is distributed by Citus, and pg_dump reads the coordinator alone",
                place=place_of(urls[WAREHOUSE]),
                remedy="Back up all nodes together (docs/scaling.md, Backups).",
            )
    return urls


def _server(url: str) -> tuple[str | None, int]:
    parsed = make_url(url)
    return parsed.host, parsed.port or 5432


def _name(url: str) -> str:
    return make_url(url).database or ""


def _sql(statement: str, *urls: str) -> sql.Composed:
    """Return a statement about the databases of some URLs."""
    return sql.SQL(statement).format(*(sql.Identifier(_name(url)) for url in urls))


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted(folder.glob("*.dump")):
        with file.open("rb") as opened:
            found[file.name] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found


def _end_runs(url: str, home: Path, report: Report) -> None:
    """Upgrade the storage to the installed Dagster, and fail the runs that were in progress."""
    with connect(url) as connection:
        if connection.execute(ANY_TABLE).fetchone() is None:
            return  # nothing has run yet
    under_way = [status for status in UNFINISHED if status != dg.DagsterRunStatus.QUEUED]
    with instance_on(url, home) as instance:
        instance.upgrade()
        for run in instance.get_runs(dg.RunsFilter(statuses=under_way)):
            instance.report_run_failed(run, "It was under way when the backup was made.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            what = f"{run.job_name} {run.run_id[:8]}"
            report(f"Ended {what}, which was under way when the backup was made.")
