"""Logins of people and their tools: analysts, and modellers, who also have a schema of their own.

The logins of Isobar's own roles are in `pipelines.runtime.logins`. Groups give the rights: a login
itself has only its memberships, its schema, and its limits in one database.
"""

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict
from sqlalchemy import make_url

from pipelines.failures import PermanentFailure
from pipelines.postgres.clients import place_of
from pipelines.postgres.roles import ANALYST, DAGSTER, LOADER, MODELLER, OPERATOR
from pipelines.warehouse.sql_files import read_sql

#: The comment on a login that was made here; no other role is changed.
MADE = "A login of isobar database login."
#: Sessions of one login, so that one person cannot use up all.
MAX_SESSIONS = 20
#: Models take longer than questions; for these the limit of the database is right.
MODELLER_TIMEOUT = "30min"
MAX_TEMPORARY_FILES = "10GB"
#: Parts of an address that are the owner's, such as a client certificate.
PRIVATE_OPTIONS = ("options", "passfile", "sslcert", "sslkey", "sslpassword", "user", "password")


class Role(BaseModel):
    """A role that is not Isobar's own, as a backup notes it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: str
    can_login: bool
    #: Isobar's roles that it is a member of.
    groups: tuple[str, ...]
    #: Whether the database names it, as an owner of objects or in their privileges.
    is_needed: bool


def roles_of_others(connection: psycopg.Connection) -> list[Role]:
    """Return the roles that are members of Isobar's, or have objects or rights in the database."""
    groups = [ANALYST, MODELLER, OPERATOR, LOADER]
    rows = connection.execute(read_sql("pipelines.runtime", "roles_of_others"), [groups])
    return [
        Role(name=name, can_login=can_login, groups=tuple(of), is_needed=is_needed)
        for name, can_login, of, is_needed in rows
    ]


def missing_roles(connection: psycopg.Connection, roles: Sequence[Role]) -> list[Role]:
    """Return the roles that the server lacks."""
    found = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    return [role for role in roles if role.name not in found]


def missing_grants(connection: psycopg.Connection, roles: Sequence[Role]) -> list[tuple[str, str]]:
    """Return the memberships that existing roles lack, as pairs of a group and its member.

    Includes those of a login that was made here and may become its group, as somebody granted it.
    """
    query = """
    SELECT group_name
    FROM unnest(%s::text[]) AS group_name
    INNER JOIN pg_roles AS members ON members.rolname = %s
    WHERE NOT pg_has_role(members.oid, group_name, 'MEMBER')
        OR (shobj_description(members.oid, 'pg_authid') = %s AND EXISTS (
            SELECT FROM pg_auth_members
            WHERE member = members.oid AND roleid = group_name::regrole AND set_option
                AND group_name = ANY(%s)
        ))
    """
    return [
        (group, role.name)
        for role in roles
        for (group,) in connection.execute(
            query, [list(role.groups), role.name, MADE, [ANALYST, MODELLER]]
        )
    ]


def create_login(
    connection: psycopg.Connection, name: str, *, is_modeller: bool, new_password: bool
) -> str | None:
    """Create a login of the database, or complete an existing one; call it in a transaction.

    Returns its password if it is new; None if an existing login keeps its own.

    Raises:
        PermanentFailure: If the name is taken by a role or schema of others.
        psycopg.Error: If the user may not create roles or give these rights.
    """
    can_login = _known(connection, name)
    if can_login is None:
        _create_role(connection, name)
    password = None if can_login and not new_password else _set_password(connection, name)
    _grant(connection, MODELLER if is_modeller else ANALYST, name)
    if is_modeller:
        _create_schema(connection, name)
    set_limits(connection, name, is_modeller=is_modeller)
    return password


def create_missing(connection: psycopg.Connection, roles: Sequence[Role]) -> dict[str, str]:
    """Create the roles that the server lacks, and grant all of them what they had.

    Returns the passwords of the new logins, by name.
    """
    passwords = {}
    for role in missing_roles(connection, roles):
        _create_role(connection, role.name)
        if role.can_login:
            passwords[role.name] = _set_password(connection, role.name)
    for group, name in missing_grants(connection, roles):
        _grant(connection, group, name)
    for role in roles:
        if role.is_needed:
            _join(connection, role.name)
    return passwords


def limit_again(connection: psycopg.Connection, roles: Sequence[Role]) -> list[str]:
    """Set the limits of the logins that were made here, in a database that has none yet.

    Returns the logins that this user may not change.
    """
    query = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') = %s"
    made = {name for (name,) in connection.execute(query, [MADE])}
    unchanged = []
    for role in roles:
        if role.name in made:
            try:
                with connection.transaction():
                    set_limits(connection, role.name, is_modeller=MODELLER in role.groups)
            except psycopg.errors.InsufficientPrivilege:
                unchanged.append(role.name)
    return unchanged


def set_limits(connection: psycopg.Connection, name: str, *, is_modeller: bool) -> None:
    """Set the defaults of a login's sessions in this database."""
    settings = {}
    if is_modeller:
        settings = {"search_path": f"{name}, public", "statement_timeout": MODELLER_TIMEOUT}
    query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    if connection.execute(query).fetchone() == (True,):
        settings["temp_file_limit"] = MAX_TEMPORARY_FILES
    statement = sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}")
    names = sql.Identifier(name), sql.Identifier(connection.info.dbname)
    for setting, value in settings.items():
        words = sql.SQL(", ").join(map(sql.Literal, value.split(", ")))
        connection.execute(statement.format(*names, sql.Identifier(setting), words))


def revoke_login(connection: psycopg.Connection, name: str) -> bool:
    """Revoke a login, commit that, and end its sessions.

    Returns whether the role is gone. A role that owns objects, or has rights on objects of others,
    stays without login and without rights on Isobar's tables.

    Raises:
        PermanentFailure: If there is no such login.
    """
    if _known(connection, name) is None:
        raise PermanentFailure(
            "database",
            f"there is no login {name}",
            place=place(connection),
            remedy="See the logins that there are: isobar database psql -c '\\du'",
        )
    role = sql.Identifier(name)
    with connection.transaction():
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(role))
        revoke = sql.SQL("REVOKE {} FROM {} GRANTED BY {}")
        for group, grantor, _ in _memberships(connection, name):
            names = sql.Identifier(group), role, sql.Identifier(grantor)
            _try(connection, revoke.format(*names))
    connection.commit()  # or else it could log in again while its sessions are ended
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
    try:
        with connection.transaction():
            _join(connection, name)  # without superuser rights, only a member may end its sessions
            connection.execute(end, [name])
    except psycopg.errors.InsufficientPrivilege:
        pass  # of its sessions, only open cursors still read
    try:
        with connection.transaction():
            if _owner_of_schema(connection, name) == name:
                connection.execute(sql.SQL("DROP SCHEMA {}").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))
    except psycopg.errors.DependentObjectsStillExist:
        return False
    return True


def address_of_login(url: str, name: str, password: str) -> str:
    """Return the address of the same database for a login, without the name of a driver."""
    shown = make_url(url).set(drivername="postgresql", username=name, password=password)
    shown = shown.difference_update_query(PRIVATE_OPTIONS)
    if shown.query.get("sslmode") == "disable":  # what drivers without this option do, too
        shown = shown.difference_update_query(["sslmode"])
    return shown.render_as_string(hide_password=False)


def place(connection: psycopg.Connection) -> str:
    """Return the address of the database for messages."""
    one = connection.info
    return place_of(f"postgresql://{one.user}@{one.host}:{one.port}/{one.dbname}")


def _known(connection: psycopg.Connection, name: str) -> bool | None:
    """Return whether a login that was made here can log in; None if there is no such role.

    Raises `PermanentFailure` if the role is somebody else's.
    """
    query = """
    SELECT rolcanlogin, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s
    """
    found = connection.execute(query, [name]).fetchone()
    if found is None:
        return None
    can_login, comment = found
    if comment != MADE or name == DAGSTER or name.startswith(("isobar", "pg_")):
        raise PermanentFailure(
            "database",
            f"the role {name} exists, and isobar database login has not made it",
            place=place(connection),
            remedy=f"Choose another name, or grant it yourself: GRANT {ANALYST} TO {name};",
        )
    return bool(can_login)


def _create_role(connection: psycopg.Connection, name: str) -> None:
    create = sql.SQL("CREATE ROLE {} CONNECTION LIMIT {}")
    connection.execute(create.format(sql.Identifier(name), MAX_SESSIONS))
    comment = sql.SQL("COMMENT ON ROLE {} IS {}")
    connection.execute(comment.format(sql.Identifier(name), MADE))


def _set_password(connection: psycopg.Connection, name: str) -> str:
    """Give a role a new password, hashed before it leaves this process, and return it."""
    password = secrets.token_urlsafe(18)
    hashed = connection.pgconn.encrypt_password(
        os.fsencode(password), name.encode(), b"scram-sha-256"
    )
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(name), hashed.decode()))
    return password


def _grant(connection: psycopg.Connection, group: str, name: str) -> None:
    """Give a role the rights of a group, but not the right to become the group.

    A role may change its own password, and the group of the analysts is a login.
    """
    is_limited = group in (ANALYST, MODELLER)
    options = sql.SQL(" WITH INHERIT TRUE, SET FALSE" if is_limited else "")
    grant = sql.SQL("GRANT {} TO {}{}")
    connection.execute(grant.format(sql.Identifier(group), sql.Identifier(name), options))
    if is_limited:
        _forbid_becoming(connection, name)


def _forbid_becoming(connection: psycopg.Connection, name: str) -> None:
    """Correct the memberships that others granted."""
    revoke = sql.SQL("REVOKE SET OPTION FOR {} FROM {} GRANTED BY {}")
    for group, grantor, may_become in _memberships(connection, name):
        if may_become:
            names = map(sql.Identifier, (group, name, grantor))
            _try(connection, revoke.format(*names))


def _try(connection: psycopg.Connection, statement: sql.Composed) -> None:
    """Execute a statement, if this user may: grants of an administrator may be out of reach."""
    with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():
        connection.execute(statement)


def _memberships(connection: psycopg.Connection, name: str) -> list[tuple[str, str, bool]]:
    """Return the groups of a login, who granted each, and whether the login may become it."""
    query = """
    SELECT pg_get_userbyid(roleid)::text, pg_get_userbyid(grantor)::text, set_option
    FROM pg_auth_members
    WHERE pg_get_userbyid(member) = %s AND pg_get_userbyid(roleid) = ANY(%s)
    """
    return connection.execute(query, [name, [ANALYST, MODELLER]]).fetchall()


def _join(connection: psycopg.Connection, name: str) -> None:
    """Make this user a member of a role, to do what only the role itself may do."""
    query = "SELECT pg_has_role(current_user, %s, 'SET')"
    if connection.execute(query, [name]).fetchone() != (True,):
        grant = sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
        connection.execute(grant.format(sql.Identifier(name)))


def _create_schema(connection: psycopg.Connection, name: str) -> None:
    _join(connection, name)
    owner = _owner_of_schema(connection, name)
    if owner is None:
        create = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(name)))
    elif owner != name:
        raise PermanentFailure(
            "database",
            f"the schema {name} exists and belongs to {owner}",
            place=place(connection),
            remedy="Choose another name.",
        )


def _owner_of_schema(connection: psycopg.Connection, name: str) -> str | None:
    query = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = %s"
    found = connection.execute(query, [name]).fetchone()
    return None if found is None else str(found[0])
