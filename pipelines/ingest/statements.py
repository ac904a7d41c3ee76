"""Call statements and parsers of a source, and say where they failed; values are parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from pipelines.failures import (
    Failure,
    OtherTables,
    PermanentFailure,
    RejectedDelivery,
    last_line_in,
)
from pipelines.ingest.feeds import is_own
from pipelines.postgres.errors import translated
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData

    from pipelines.ingest.feeds import Sql


#: The error of `ops.reject_delivery`.
REJECTS = "IS001"
#: The place of a statement that a policy has made from the declaration.
OF_POLICY = "a statement of its policy"
#: Of a plug-in whose models were changed.
OTHER_MODELS = "the tables in the database are not those of its models"
#: Errors of such a statement when the models have changed since the tables were made.
OTHER_TABLES = (
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedTable,
    psycopg.errors.DatatypeMismatch,
    psycopg.errors.InvalidColumnReference,  # another key: no constraint fits ON CONFLICT
)
#: Errors for which no parser is to blame.
NOT_OF_PARSERS = (Failure, SQLAlchemyError, psycopg.Error, MemoryError)


class Owner(Protocol):
    """The source of a feed, as far as the runner needs it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def package(self) -> str: ...  # noqa: D102
    @property
    def metadata(self) -> MetaData: ...  # noqa: D102


def execute_file(
    connection: Connection,
    owner: Owner,
    sql: Sql,
    values: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> CursorResult[Any]:
    """Execute the statements of a source's file one by one; return the last one's result.

    Each ends with `;` at the end of a line. `names` replace `{name}` in a file for several tables.
    """
    script = read_sql(owner.package, sql)
    script = script.format_map(names) if names else script
    *before, last = (one for one in script.split(";\n") if one.strip())
    file = f"sql/{sql}.sql"
    for statement in before:
        execute(connection, owner, statement, values, file)
    return execute(connection, owner, last, values, file)


def execute(
    connection: Connection, owner: Owner, statement: str, values: Mapping[str, Any], place: str
) -> CursorResult[Any]:
    """Execute a statement of a source, which has parameters as `:name`; return its result.

    Raises `LookupError` for a missing parameter, `DatabaseError` for a wrong statement,
    `PermanentFailure` for values that a table rejects, and `TransientFailure`, each with `place`.
    """
    clause, names = _clause(statement)
    try:
        given = {name: values[name] for name in names}
    except KeyError as error:
        raise LookupError(f"{place}: there is no parameter :{error.args[0]}") from error
    with translated(
        owner.name,
        f"{place} failed, and nothing was written",
        place=place,
        explain=partial(_explained, owner, place),
        otherwise="Correct the statement, or reject records that it cannot store; then run again.",
    ):
        return connection.execute(clause, given)


@cache
def _clause(statement: str) -> tuple[TextClause, tuple[str, ...]]:
    """Return a statement with the names of its parameters."""
    clause = text(statement)
    return clause, tuple(clause.compile().params)


def _explained(owner: Owner, place: str, cause: Any) -> Failure | None:
    """Return the failure of a delivery that a statement rejects, or of tables of other models."""
    if getattr(cause, "sqlstate", None) == REJECTS:
        problem, remedy = cause.diag.message_primary, cause.diag.message_hint
        return RejectedDelivery(owner.name, problem, place=place, remedy=remedy)
    is_about_tables = place == OF_POLICY and isinstance(cause, OTHER_TABLES)
    if is_own(owner.package) or not is_about_tables:
        return None
    return other_tables(owner.name, str(cause).splitlines()[0])


def other_tables(source: str, difference: str) -> OtherTables:
    """Return the failure of a load whose tables in the database are not those of its models."""
    return OtherTables(
        source,
        f"{OTHER_MODELS}, and nothing was written: {difference}",
        place=source,
        remedy=f"isobar sources check {source} names all differences; to delete what is stored and"
        f" make the tables anew: isobar sources reset {source}. Then run again.",
    )


@contextmanager
def translate_parse_errors(source: str, package: str, place: str) -> Iterator[None]:
    """Translate what the code of a parser raises into a `PermanentFailure` with its last line."""
    try:
        yield
    except NOT_OF_PARSERS:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk; libraries raise others for content that they cannot read
        line = last_line_in(package, error)
        what = f"it could not be read: {type(error).__name__}: {error}"
        code = "code of the source" if line else "code that loads it"
        raise PermanentFailure(
            source,
            f"{what} ({line})" if line else what,
            place=place,
            remedy=f"This is a bug in the {code}: fix it, then run"
            f" isobar quarantine retry {source}.",
        ) from error
