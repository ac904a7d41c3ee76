"""`isobar restore`: replace both databases with those of a backup, all or nothing.

New databases are created beside the present ones (`…_being_restored`), filled and migrated. Then
all names are swapped, in one transaction per server, and the old databases (`…_before_restore`) are
dropped. Any failure before the swap leaves the present databases unchanged. What others have built
is restored last: if some of it cannot be, that is reported, and does not stop the restore, unless
it would belong to the user who restores.
"""

import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from psycopg import sql
from sqlalchemy import make_url

from pipelines.config import Settings
from pipelines.failures import (
    Failure,
    PermanentFailure,
    TransientFailure,
    in_one_line,
    printable,
)
from pipelines.migrations.apply import migrate, prepare
from pipelines.orchestration.instance import instance_on
from pipelines.orchestration.orphaned_runs import UNFINISHED, in_words
from pipelines.postgres import state_folder
from pipelines.postgres.clients import (
    JOBS,
    connect,
    find_clients,
    place_of,
    revoke_public_connect,
    with_database,
)
from pipelines.postgres.errors import translated
from pipelines.runtime.backup import (
    DAGSTER,
    WAREHOUSE,
    Manifest,
    Report,
    addresses,
    read_manifest,
    reject_cluster,
)
from pipelines.runtime.bootstrap import prepare_dagster_home
from pipelines.runtime.personal_logins import (
    Role,
    address_of_login,
    create_missing,
    limit_again,
    missing_grants,
    missing_roles,
)
from pipelines.runtime.restore_guard import ui_lock
from pipelines.warehouse.connection import engine_for

#: Comment on a database that was replaced; it allows the next restore to drop it.
REPLACED = "Replaced by isobar restore."
#: The beginning of an entry, as pg_restore lists them.
ENTRY = re.compile(r"\d+; \d+ \d+ ")
#: Only a superuser may create it, for whom the roles were created with it.
EVENT_TRIGGER = "EVENT TRIGGER - isobar_forbid_extensions "
#: Entries without an owner that nothing of Isobar's has.
WITHOUT_OWNER = ("CAST - ", "TRANSFORM - ", "COMMENT - CAST ", "COMMENT - TRANSFORM ")
#: Who is connected to a database, in words.
CLIENTS = """
SELECT concat_ws(' ', nullif(application_name, ''), 'as', usename, 'from ' || host(client_addr))
FROM pg_stat_activity WHERE datname = %s ORDER BY backend_start
"""
REFRESH = "MATERIALIZED VIEW DATA "
#: How long all materialized views may take. Their queries may depend on the time, or never end.
REFRESH_SECONDS = 600.0
MATERIALIZED_VIEWS = """
SELECT
    translate(concat_ws(' ', nspname, relname, pg_get_userbyid(relowner)), E'\\n\\r', '  '),
    format('%I.%I', nspname, relname)
FROM pg_class INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE relkind = 'm'
"""
#: What belongs to the user of the session.
OWN_OBJECTS = """
SELECT relname::text, oid FROM pg_class WHERE pg_get_userbyid(relowner) = current_user
UNION ALL
SELECT nspname, oid FROM pg_namespace WHERE pg_get_userbyid(nspowner) = current_user
UNION ALL
SELECT proname, oid FROM pg_proc WHERE pg_get_userbyid(proowner) = current_user
UNION ALL
SELECT typname, oid FROM pg_type WHERE pg_get_userbyid(typowner) = current_user
"""
OWNER_REMEDY = "Have an administrator give the user CREATEDB and make it the databases' owner."
ROLES_REMEDY = "Have an administrator give the user CREATEROLE, or create the roles yourself."
ANY_TABLE = """
SELECT schemaname || '.' || tablename FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') LIMIT 1
"""


@dataclass(frozen=True)
class Target:
    """A database to replace, and an administrative session on its server."""

    dump: str
    url: str
    admin: psycopg.Connection

    @property
    def name(self) -> str:
        """The name of the present database."""
        return make_url(self.url).database or ""

    @property
    def fresh(self) -> str:
        """The temporary name of the new database, until the swap."""
        return f"{self.name[-40:]}_being_restored"

    @property
    def old(self) -> str:
        """The name of the present database after the swap."""
        return f"{self.name[-40:]}_before_restore"

    @property
    def fresh_url(self) -> str:
        """The URL of the new database, until the swap."""
        return with_database(self.url, self.fresh)


def restore_from(
    folder: Path,
    settings: Settings,
    replace: bool,
    variables: Mapping[str, str],
    report: Report,
    *,
    create_logins: bool = False,
) -> None:
    """Replace both databases with the backup in a folder, migrated to this version.

    `variables` is the environment of pg_restore. Databases with tables are replaced only if
    `replace` is set. Roles of others that the server lacks are created with `create_logins`, and
    their addresses reported; otherwise they are named, and have to exist if the backup needs them.
    Raises `Failure`; the databases are then unchanged.
    """
    manifest = read_manifest(folder)
    state_folder.create(settings.state)
    with ExitStack() as until_done:
        urls = addresses(settings)
        prepare_dagster_home(settings)
        until_done.enter_context(ui_lock(settings.state, urls[DAGSTER], report))
        targets = _targets(urls, until_done)
        _reject_cluster(targets[0])
        missing = missing_roles(targets[0].admin, manifest.roles)
        for target in targets:
            _reject_older_server(target, manifest)
            if not replace:
                _reject_full(target)
        if not create_logins:
            _reject_missing_roles(targets[0], missing)
        for target in targets:
            for name in (target.fresh, target.old):
                if _drop(target, name):
                    report(f"Dropped {name}, which an interrupted restore had left.")
        taken_at = manifest.taken_at.isoformat(timespec="seconds")
        try:
            for target in targets:
                _create(target)
            _swap_names(targets, is_trial=True)
            for target in targets:
                report(f"Restoring {place_of(target.url)} as of {taken_at} …")
                if target.dump == WAREHOUSE:
                    _create_roles(target, manifest, report, create_logins)
                _fill(target, folder, manifest, variables, report)
            warehouse, dagster = targets
            migrate(warehouse.fresh_url, report)
            _finish_dagster(dagster, settings.dagster_home, report)
            _swap_names(targets, is_trial=False)
        finally:
            for target in targets:
                _drop(target, target.fresh)
        for target in targets:
            _drop(target, target.old)
    if manifest.left_out:
        names = in_one_line(", ".join(manifest.left_out))
        report(f"The backup has no {names}: see what it said when made.")
    if missing and not create_logins:
        report(
            f"Logins of the backup that are not here: {_in_words(missing)}. isobar database login"
            " creates them."
        )
    report("Restored the warehouse and the history of its runs.")


def _targets(urls: Mapping[str, str], until_done: ExitStack) -> list[Target]:
    """Return the warehouse and Dagster's storage; on one server both use the warehouse's user."""
    sessions: dict[tuple[str | None, int], psycopg.Connection] = {}
    targets = []
    for dump, url in urls.items():
        parsed = make_url(url)
        server = parsed.host, parsed.port or 5432
        if server not in sessions:
            admin = with_database(url, "postgres")
            sessions[server] = until_done.enter_context(connect(admin, autocommit=True))
        targets.append(Target(dump, url, sessions[server]))
    return targets


def _reject_cluster(target: Target) -> None:
    """Connect only where there may be one: a damaged database can be replaced, too."""
    query = "SELECT FROM pg_available_extensions WHERE name = 'citus'"
    if target.admin.execute(query).fetchone() is not None:
        with connect(target.url) as session:
            reject_cluster(session, "restore", place_of(target.url))


def _reject_older_server(target: Target, manifest: Manifest) -> None:
    theirs, ours = manifest.server_version // 10_000, target.admin.info.server_version // 10_000
    if ours < theirs:
        raise PermanentFailure(
            "restore",
            f"the backup was made with PostgreSQL {theirs}, and the server is {ours}",
            place=place_of(target.url),
            remedy=f"Restore on PostgreSQL {theirs} or later.",
        )


def _reject_full(target: Target) -> None:
    with connect(target.url) as connection:
        if found := connection.execute(ANY_TABLE).fetchone():
            raise PermanentFailure(
                "restore",
                f"the database is not empty: it has the table {found[0]}",
                place=place_of(target.url),
                remedy="Restore into another ISOBAR_HOME or DATABASE_URL; or give --replace,"
                " and both databases are dropped when the backup is there.",
            )


def _create(target: Target) -> None:
    """Create the empty new database with the owner of the present one."""
    query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
    (owner,) = target.admin.execute(query, [target.name]).fetchone() or ("",)
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0")
    names = sql.Identifier(target.fresh), sql.Identifier(owner)
    with _described(target):
        target.admin.execute(statement.format(*names))
    if target.dump == DAGSTER:  # other users read the warehouse
        revoke_public_connect(target.admin, target.fresh)


def _drop(target: Target, name: str) -> bool:
    """Drop a database that a restore created or replaced, closing its sessions; False if absent."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    found = target.admin.execute(query, [name]).fetchone()
    if found is None:
        return False
    if name != target.fresh and found != (REPLACED,):
        raise PermanentFailure(
            "restore",
            f"a database {name} exists, and no restore has left it",
            place=place_of(target.url),
            remedy="Rename or drop it, then run again.",
        )
    target.admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return True


def _reject_missing_roles(target: Target, missing: Sequence[Role]) -> None:
    if needed := [role for role in missing if role.is_needed]:
        raise PermanentFailure(
            "restore",
            "roles that own objects or have rights in the backup are not here:"
            f" {_in_words(needed)}",
            place=place_of(target.url),
            remedy="Run again with --create-logins, which gives them new passwords, or create them"
            " yourself.",
        )


def _in_words(roles: Sequence[Role]) -> str:
    return ", ".join(
        f"{role.name} ({', '.join(role.groups)})" if role.groups else role.name for role in roles
    )


def _create_roles(target: Target, manifest: Manifest, report: Report, create_logins: bool) -> None:
    """Create Isobar's roles, their rights on the new database and, if wanted, those of others."""
    engine = engine_for(target.fresh_url, role=None)
    with engine.begin() as connection:
        prepare(connection)  # the roles, and database-level settings
    engine.dispose()
    with _described(target, ROLES_REMEDY), connect(target.fresh_url) as session:
        for source in manifest.sources:  # of 3.0, which granted its tables to a role per source
            name = f"isobar_source_{source}"
            if not session.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
                create = sql.SQL("CREATE ROLE {0} NOLOGIN; GRANT {0} TO isobar_owner")
                session.execute(create.format(sql.Identifier(name)))
        if create_logins:
            passwords = create_missing(session, manifest.roles)
            session.commit()
            for name, password in passwords.items():
                report(f"Created a login: {address_of_login(target.url, name, password)}")
        elif grants := missing_grants(session, manifest.roles):
            words = ", ".join(f"{group} to {name}" for group, name in grants)
            report(f"Grants of the backup that are not here: {words}.")
        if unchanged := limit_again(session, manifest.roles):
            report(f"Without limits, which this user may not set: {', '.join(unchanged)}.")


def _fill(
    target: Target, folder: Path, manifest: Manifest, variables: Mapping[str, str], report: Report
) -> None:
    """Restore the dump into the new database; the warehouse keeps its owners and privileges.

    Whoever builds tables and views could otherwise stop each restore, such as with a column of
    PostgreSQL's type regclass that names an index, which is created after the rows.
    """
    words = [f"--jobs={JOBS}", str(folder / target.dump)]
    words.append("--exclude-schema=pg_catalog")  # only a superuser may change privileges there
    if target.dump == DAGSTER:
        words += ["--no-owner", "--no-privileges"]
    clients = find_clients(target.admin)
    owners = [role.name for role in manifest.roles] if target.dump == WAREHOUSE else []

    def restore(entries: Sequence[str], *more: str) -> None:
        with tempfile.NamedTemporaryFile("wb", suffix=".list") as file:
            file.write("\n".join(entries).encode("utf-8", "surrogateescape"))
            file.flush()
            chosen = [*words, *more, f"--use-list={file.name}"]
            clients.run("pg_restore", chosen, target.fresh_url, variables)

    listed = [
        one for one in clients.list_entries(folder / target.dump, variables) if ENTRY.match(one)
    ]
    of_others = [one for one in listed if _is_of_others(one, owners)]
    ours = {*listed} - {*of_others}
    restore(
        [one for one in listed if one in ours and not _described_by(one).startswith(EVENT_TRIGGER)],
        "--exit-on-error",
    )
    if of_others:
        before = _own_objects(target)
        try:
            restore([one for one in of_others if not _described_by(one).startswith(REFRESH)])
        except PermanentFailure as error:
            # With the rights of this user, a view shows everything.
            if _own_objects(target) - before:
                raise
            report(
                "Not everything that others have built could be restored. The rest is there."
                f" {printable(error.problem)}"
            )
        _refresh(target, of_others, report)
    with connect(target.fresh_url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _own_objects(target: Target) -> set[tuple[str, int]]:
    with connect(target.fresh_url) as connection:
        return {*connection.execute(OWN_OBJECTS).fetchall()}


def _described_by(entry: str) -> str:
    """Return what an entry of a dump is: its kind, schema, name and owner."""
    return ENTRY.sub("", entry, count=1)


def _is_of_others(entry: str, owners: Sequence[str]) -> bool:
    """Return whether the owner, with whom an entry ends, is one of these, or it is a cast."""
    return _described_by(entry).startswith(WITHOUT_OWNER) or entry.endswith(
        tuple(f" {name}" for name in owners)
    )


def _refresh(target: Target, entries: Sequence[str], report: Report) -> None:
    """Fill the materialized views of others, as their owners; report those that fail."""
    described = map(_described_by, entries)
    wanted = [one.removeprefix(REFRESH) for one in described if one.startswith(REFRESH)]
    if not wanted:
        return
    deadline = time.monotonic() + REFRESH_SECONDS
    with connect(target.fresh_url, autocommit=True) as connection:
        names: dict[str, str] = dict(connection.execute(MATERIALIZED_VIEWS).fetchall())
        waiting = [names[one] for one in wanted if one in names]
        errors: dict[str, psycopg.Error] = {}
        for limit_seconds in (REFRESH_SECONDS / len(wanted), REFRESH_SECONDS):  # short ones first
            for name in waiting:
                left = min(limit_seconds, max(0.001, deadline - time.monotonic()))
                connection.execute(f"SET statement_timeout = {left * 1000:.0f}".encode())
                try:
                    connection.execute(f"REFRESH MATERIALIZED VIEW {name}".encode())
                    errors.pop(name, None)
                except psycopg.errors.QueryCanceled as error:
                    errors.setdefault(name, error)  # an error of its own says more
                except psycopg.Error as error:
                    if connection.closed:
                        raise
                    errors[name] = error
            waiting = [*errors]
    for name, problem in errors.items():
        words = in_one_line(f"{name}, which could not be refreshed: {problem}")
        report(f"Without rows: {words}")


def _finish_dagster(target: Target, home: Path, report: Report) -> None:
    """Upgrade the storage to the installed Dagster, and fail the runs that were in progress."""
    with connect(target.fresh_url) as connection:
        if connection.execute(ANY_TABLE).fetchone() is None:
            return
    url = make_url(target.fresh_url).set(drivername="postgresql+psycopg2")
    under_way = [status for status in UNFINISHED if status != dg.DagsterRunStatus.QUEUED]
    with instance_on(url.render_as_string(False), home) as instance:
        instance.upgrade()
        for run in instance.get_runs(dg.RunsFilter(statuses=under_way)):
            instance.report_run_failed(run, "It was under way when the backup was made.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            report(f"Ended {in_words(run)}, which was under way when the backup was made.")


def _swap_names(targets: list[Target], *, is_trial: bool) -> None:
    """Swap the names of the new and the present databases; atomic on each server.

    With `is_trial` the swap is rolled back. It detects early if the user lacks the rights or
    someone is connected.
    """
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
    with ExitStack() as transactions:
        for session in {id(target.admin): target.admin for target in targets}.values():
            transactions.enter_context(session.transaction(force_rollback=is_trial))
        for target in targets:
            fresh, name, old = map(sql.Identifier, (target.fresh, target.name, target.old))
            with _described(target):
                target.admin.execute(rename.format(name, old))
                target.admin.execute(comment.format(old, REPLACED))
                target.admin.execute(rename.format(fresh, name))


def _described(target: Target, remedy: str = OWNER_REMEDY) -> AbstractContextManager[None]:
    """Translate database errors, such as missing privileges."""
    return translated(
        "restore",
        "the databases or logins could not be created or renamed",
        place=place_of(target.url),
        remedy=remedy,
        explain=partial(_in_use, target),
    )


def _in_use(target: Target, error: Any) -> Failure | None:
    """Return the failure if other sessions block the rename."""
    if not isinstance(error, psycopg.errors.ObjectInUse):
        return None
    with connect(with_database(target.url, "postgres")) as session:
        clients = [name for (name,) in session.execute(CLIENTS, [target.name])]
    who = "; ".join(clients) or error.diag.message_detail
    return TransientFailure(
        "restore",
        f"the databases are in use: {error.diag.message_primary} ({who})",
        place=place_of(target.url),
        remedy="Stop isobar ui on every machine, close other connections, then run again.",
    )
