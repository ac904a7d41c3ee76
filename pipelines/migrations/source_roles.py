"""Roles of sources: each source's statements run with rights to its own tables alone.

Migrating creates the role `isobar_source_<name>` and the function `as_source.<name>`, through which
loads execute the statements of a source (`pipelines.ingest.statements`).
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from pipelines.ingest.statements import Owner
from pipelines.postgres.roles import function_of, role_of
from pipelines.source import Source, own_names
from pipelines.warehouse.sql_files import execute_script, read_sql

#: Undoes settings that a plug-in's file may have changed for the rest of the transaction.
OWN_SESSION = "SET LOCAL ROLE isobar_owner; SET LOCAL search_path TO DEFAULT"


def create_roles(connection: Connection, names: Iterable[str]) -> None:
    """Create the roles of sources, if they are missing, in a session that acts as the owner.

    Raises `sqlalchemy.exc.ProgrammingError`, with what to execute, if the login may not create
    roles.
    """
    scripts = [role_script(name) for name in names]
    execute_script(connection, ";".join(["RESET ROLE", *scripts, OWN_SESSION]))


def role_script(name: str) -> str:
    """Return the SQL that creates the role of a source if it is missing."""
    script = read_sql("pipelines.migrations", "source_role")
    # What a plug-in makes for a moment could run with the rights of the loader.
    may = str(name in own_names()).upper()
    return script.replace(":role", f"'{role_of(name)}'").replace(":has_temporary", may)


def function_file(source: Owner) -> dict[str, str]:
    """Return the SQL of the function through which a source's statements run, by its name."""
    if not source.metadata.tables:
        return {}
    script = read_sql("pipelines.migrations", "as_source").format(
        source=source.name,
        role=role_of(source.name),
        function=function_of(source.name),
        tables=", ".join(sorted(source.metadata.tables)),
    )
    return {function_of(source.name): script}


def forbid_privileged_objects(
    connection: Connection, source: Source, others: Iterable[Source]
) -> None:
    """Raise `PermissionError` if something that a plug-in has made would run with others' rights.

    What PostgreSQL runs as the owner of a table, such as a rule, has the rights of the owner of the
    tables of all sources. Functions that its views call run as the source that reads them.
    """
    collected = [
        view
        for one in others
        if one.collects and (view := f"{source.name}.{one.collects.view}") in source.object_files
    ]
    query = text(read_sql("pipelines.migrations", "privileged_objects"))
    own = [*source.object_files, *source.metadata.tables]
    values = {"schema": source.name, "objects": own, "collected": collected, "trusted": own_names()}
    found = connection.execute(query, values).all()
    if found:
        words = "; ".join(f"{row.name} is {row.kind}" for row in found[:3])
        raise PermissionError(f"it would run with the rights of others: {words}")
