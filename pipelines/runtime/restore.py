"""`isobar restore`: the two databases of a backup, in place of the present ones, all or nothing.

They are made beside the present ones (`…_being_restored`), filled, compared with the manifest and
migrated; then all names change, in one transaction of each server, and the old databases
(`…_before_restore`) are dropped. Whatever fails before leaves the present ones as they are.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psycopg
from psycopg import sql
from sqlalchemy import make_url

from pipelines.config import Settings
from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.migrations.apply import migrate, prepare
from pipelines.orchestration.instance import instance_on
from pipelines.orchestration.orphaned_runs import UNFINISHED, in_words
from pipelines.postgres.clients import (
    JOBS,
    Clients,
    connect,
    find_clients,
    place_of,
    revoke_public_connect,
    with_database,
)
from pipelines.runtime.backup import TABLES, Tell, addresses, count_rows
from pipelines.runtime.backup_manifest import DAGSTER, WAREHOUSE, Manifest, read_manifest
from pipelines.runtime.bootstrap import prepare_dagster_home
from pipelines.runtime.restore_guard import refuse_sessions, ui_lock
from pipelines.warehouse.connection import engine_for

MARK = "Made by isobar restore; not yet, or no more, in use."
"""The comment on databases that a restore may take away."""
BOOKKEEPING = {
    "ops.sql_objects",
    "public.alembic_version",
    "public.daemon_heartbeats",
    "public.instance_info",
    "public.secondary_indexes",
}
"""Tables that have rows before anything was done."""


@dataclass(frozen=True)
class Target:
    """A database that is to be replaced, and the session of who may do that."""

    dump: str
    url: str
    admin: psycopg.Connection

    @property
    def name(self) -> str:
        """What it is called."""
        return make_url(self.url).database or ""

    @property
    def fresh(self) -> str:
        """What takes its place, until it does."""
        return f"{self.name[-40:]}_being_restored"

    @property
    def old(self) -> str:
        """What it is called once something else has its name."""
        return f"{self.name[-40:]}_before_restore"

    @property
    def fresh_url(self) -> str:
        """The address of what takes its place."""
        return with_database(self.url, self.fresh)


def restore_from(
    folder: Path,
    settings: Settings,
    replace: bool,
    variables: Mapping[str, str],
    tell: Tell,
) -> None:
    """Put the backup in a folder in place of both databases, migrated to this version.

    `variables` are the environment of pg_restore. Databases that are not empty are replaced only
    when asked to. Raises `Failure`; the databases are as they were then.
    """
    manifest = read_manifest(folder)
    settings.state.mkdir(parents=True, exist_ok=True)
    with ExitStack() as until_done:
        urls = addresses(settings)
        prepare_dagster_home(settings)
        until_done.enter_context(ui_lock(settings.state, urls[DAGSTER], tell))
        targets = _targets(urls, until_done)
        names = [target.name for target in targets]
        for target in targets:
            refuse_sessions(target.admin, names, target.url)
            _refuse_older_server(target, manifest)
            if not replace:
                _refuse_full(target)
        clients = {one.dump: find_clients(one.admin, manifest.client_major) for one in targets}
        try:
            for target in targets:
                with _rights_told(target):
                    _make(target, tell)
                    tell(f"Restoring {place_of(target.url)} as of {manifest.shows} …")
                    _fill(target, folder, clients[target.dump], variables)
            warehouse, dagster = targets
            _finish_warehouse(warehouse, manifest, tell)
            _finish_dagster(dagster, settings.dagster_home, tell)
            _swap(targets)
        finally:
            for target in targets:
                _drop(target, target.fresh)
        for target in targets:
            _drop(target, target.old)
    rows = sum(manifest.rows.values())
    tell(f"Restored {rows:,} rows of the warehouse and the history of its runs.")


def _targets(urls: Mapping[str, str], until_done: ExitStack) -> list[Target]:
    """The warehouse and Dagster's storage; on one server with one session, if a superuser's."""
    sessions: dict[str, psycopg.Connection] = {}
    targets: list[Target] = []
    for dump, url in urls.items():
        of_admin = make_url(url).set(drivername="postgresql", database="postgres")
        of_owner = make_url(urls[WAREHOUSE]).set(drivername="postgresql", database="postgres")
        if (of_admin.host, of_admin.port) == (of_owner.host, of_owner.port) and targets:
            owner = targets[0].admin
            if owner.info.parameter_status("is_superuser") == "on":
                of_admin = of_owner
        place = of_admin.render_as_string(hide_password=False)
        if place not in sessions:
            sessions[place] = until_done.enter_context(connect(place, autocommit=True))
        targets.append(Target(dump, url, sessions[place]))
    return targets


def _refuse_older_server(target: Target, manifest: Manifest) -> None:
    theirs, ours = manifest.server_version // 10_000, target.admin.info.server_version // 10_000
    if ours < theirs:
        raise PermanentFailure(
            "restore",
            f"the backup was made of PostgreSQL {theirs}, and the server is {ours}",
            place=place_of(target.url),
            remedy=f"Restore on PostgreSQL {theirs} or later.",
        )


def _refuse_full(target: Target) -> None:
    with connect(target.url) as connection:
        for schema, name in connection.execute(TABLES).fetchall():
            query = sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(schema, name))
            is_full = connection.execute(query).rowcount > 0
            is_version = name.startswith("alembic_version_")
            if is_full and not is_version and f"{schema}.{name}" not in BOOKKEEPING:
                raise PermanentFailure(
                    "restore",
                    f"the database is not empty: {schema}.{name} has rows",
                    place=place_of(target.url),
                    remedy="Restore into another ISOBAR_HOME or DATABASE_URL; or give --replace,"
                    " and both databases are dropped when the backup is there.",
                )


def _make(target: Target, tell: Tell) -> None:
    """Make the empty database beside, of the same owner."""
    for name in (target.fresh, target.old):
        _refuse_foreign(target, name)
        if _drop(target, name):
            tell(f"Took away {name}, which an interrupted restore had left.")
    query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
    (owner,) = target.admin.execute(query, [target.name]).fetchone() or ("",)
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0")
    fresh = sql.Identifier(target.fresh)
    target.admin.execute(statement.format(fresh, sql.Identifier(owner)))
    target.admin.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(fresh, MARK))
    if target.dump == DAGSTER:  # of the warehouse people read
        revoke_public_connect(target.admin, target.fresh)


def _refuse_foreign(target: Target, name: str) -> None:
    """A database of such a name that no restore made is somebody's own."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    found = target.admin.execute(query, [name]).fetchone()
    if found is not None and found != (MARK,):
        raise PermanentFailure(
            "restore",
            f"a database {name} is in the way, which no restore made",
            place=place_of(target.url),
            remedy="Rename or drop it, then run again.",
        )


def _drop(target: Target, name: str) -> bool:
    """Drop a database with whatever uses it; False where there is none."""
    query = "SELECT FROM pg_database WHERE datname = %s"
    if target.admin.execute(query, [name]).rowcount == 0:
        return False
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    target.admin.execute(statement.format(sql.Identifier(name)))
    return True


def _fill(target: Target, folder: Path, clients: Clients, variables: Mapping[str, str]) -> None:
    """Restore the dump into the fresh database; of the warehouse with its owner and rights."""
    words = ["--exit-on-error", f"--jobs={JOBS}", str(folder / target.dump)]
    words.append("--exclude-schema=pg_catalog")  # rights there are a superuser's to change
    if target.dump == DAGSTER:
        words += ["--no-owner", "--no-privileges"]
    else:
        engine = engine_for(target.fresh_url, role=None)
        with engine.begin() as connection:
            prepare(connection)  # the roles, and what is the database's own
        engine.dispose()
    clients.run("pg_restore", words, target.fresh_url, variables)
    with connect(target.fresh_url, autocommit=True) as connection:
        for names in connection.execute(TABLES).fetchall():
            connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*names)))


def _finish_warehouse(target: Target, manifest: Manifest, tell: Tell) -> None:
    """See that all rows are there, then migrate."""
    with connect(target.fresh_url) as connection:
        counts = count_rows(connection)
    differing = sorted({name for name, _ in counts.items() ^ manifest.rows.items()})
    if differing:
        raise PermanentFailure(
            "restore",
            f"these tables have not as many rows as they had: {', '.join(differing[:5])}",
            place=place_of(target.fresh_url),
            remedy="Take another backup; this one is not whole.",
        )
    migrate(target.fresh_url, tell)


def _finish_dagster(target: Target, home: Path, tell: Tell) -> None:
    """Bring it to the Dagster that is installed, and fail the runs that were under way."""
    with connect(target.fresh_url) as connection:
        if connection.execute("SELECT to_regclass('public.runs')").fetchone() == (None,):
            return
    url = make_url(target.fresh_url).set(drivername="postgresql+psycopg2")
    under_way = [status for status in UNFINISHED if status != dg.DagsterRunStatus.QUEUED]
    with instance_on(url.render_as_string(False), home) as instance:
        instance.upgrade()
        for run in instance.get_runs(dg.RunsFilter(statuses=under_way)):
            instance.report_run_failed(run, "It was under way when the backup was made.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            tell(f"Ended {in_words(run)}, which was under way when the backup was made.")


def _swap(targets: list[Target]) -> None:
    """Give the fresh databases the names of the present ones, all or none of a server."""
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    with ExitStack() as transactions:
        for session in {id(target.admin): target.admin for target in targets}.values():
            transactions.enter_context(session.transaction())
        for target in targets:
            with _rights_told(target):
                for name, later, comment in (
                    (target.name, target.old, MARK),
                    (target.fresh, target.name, None),
                ):
                    names = sql.Identifier(name), sql.Identifier(later)
                    target.admin.execute(rename.format(*names))
                    target.admin.execute(
                        sql.SQL("COMMENT ON DATABASE {} IS {}").format(names[1], comment)
                    )


@contextmanager
def _rights_told(target: Target) -> Iterator[None]:
    """What an administrator has to grant, and who is in the way."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise PermanentFailure(
            "restore",
            f"the user may not make and rename databases: {error.diag.message_primary}",
            place=place_of(target.url),
            remedy="Have an administrator give it CREATEDB and make it the database's owner.",
        ) from error
    except psycopg.errors.ObjectInUse as error:
        raise TransientFailure(
            "restore",
            f"somebody uses the database: {error.diag.message_primary}",
            place=place_of(target.url),
            remedy="End what is connected, then run again; nothing was changed.",
        ) from error
