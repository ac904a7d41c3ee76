"""Execute the statements of a source with its own rights, in the runner's transaction.

`as_source.<source>` runs a statement as the role `isobar_source_<source>`, which may write the
tables of that source alone. Within it PostgreSQL rejects whatever ends the transaction or changes
the role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg.pq import ExecStatus
from sqlalchemy import CursorResult, text
from sqlalchemy.dialects import postgresql

from pipelines.failures import DatabaseError, Failure
from pipelines.ingest.feeds import is_own
from pipelines.postgres.errors import translated
from pipelines.postgres.roles import function_of, role_of
from pipelines.warehouse.connection import distrust
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData
    from sqlalchemy.engine.interfaces import Compiled

    from pipelines.ingest.feeds import Sql


#: The place of a statement that a policy has made from the declaration.
OF_POLICY = "a statement of its policy"
#: Of a plug-in whose models were changed.
OTHER_MODELS = "the tables in the database are not those of its models"
#: A function in the context of an error.
FUNCTION = re.compile("^(?:PL/pgSQL|SQL) function", re.MULTILINE)
#: Errors of such a statement when the models have changed since the tables were made.
OTHER_TABLES = (
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedTable,
    psycopg.errors.DatatypeMismatch,
    psycopg.errors.InvalidColumnReference,  # another key: no constraint fits ON CONFLICT
)


class Owner(Protocol):
    """The source of a feed, as far as the runner needs it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def package(self) -> str: ...  # noqa: D102
    @property
    def metadata(self) -> MetaData: ...  # noqa: D102


#: The result columns of a statement by source, text and types of parameters; empty if none.
_columns: dict[tuple[Any, ...], str] = {}


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

    Of a statement that returns no rows, it is the number of rows that it wrote. `place` is the file
    of the statement, which each failure names. Raises `LookupError` for a missing parameter,
    `DatabaseError` if the statement is wrong or goes beyond the source's tables or transaction,
    `PermanentFailure` for values that a table rejects, and `TransientFailure`.
    """
    driver: Any = connection.connection.driver_connection
    compiled = _compiled(statement)
    try:
        given = {name: values[name] for name in compiled.params}
    except KeyError as error:
        raise LookupError(f"{place}: there is no parameter :{error.args[0]}") from error
    literal = psycopg.ClientCursor(driver).mogrify(compiled.string, given)
    source, is_plugin = owner.name, not is_own(owner.package)
    if is_plugin:
        distrust(connection)
    with translated(
        source,
        f"{place} failed, and nothing was written",
        place=place,
        explain=partial(_explained, source, place, is_plugin=is_plugin),
        otherwise="Correct the statement, or reject records that it cannot store; then run again.",
        unreached=f"the server went away during {place}, and nothing was written",
    ):
        key = source, statement, *(type(value) for value in given.values())
        if key not in _columns:
            _columns[key] = _result_columns(connection, driver, literal)
        columns = _columns[key]
        result = connection.exec_driver_sql(
            f"SELECT * FROM {function_of(source)}(%s, %s) AS result"
            f" ({columns or 'row_count bigint'})",
            (literal, bool(columns)),
        )
        if is_plugin:
            connection.exec_driver_sql("CLOSE ALL")  # or one WITH HOLD is executed at the commit
        return result


def _explained(source: str, place: str, cause: Any, *, is_plugin: bool) -> Failure | None:
    """Return the failure of a statement that may not do what it tried; None for other errors."""
    if (
        is_plugin
        and place == OF_POLICY
        and isinstance(cause, OTHER_TABLES)
        # In a function of its own, such as of a trigger, it is that which names what is not there.
        and len(FUNCTION.findall(cause.diag.context or "")) < 2
    ):
        return other_tables(source, str(cause).splitlines()[0])
    problem = _violation(cause, source)
    if problem is None:
        return None
    return DatabaseError(
        source,
        f"{place} {problem}, and nothing was written: {str(cause).splitlines()[0]}",
        place=place,
        remedy="A statement of a load may write the tables of its own source, and neither"
        " commit, roll back nor change the role: the platform does. Change the statement.",
    )


def other_tables(source: str, difference: str) -> DatabaseError:
    """Return the failure of a load whose tables in the database are not those of its models."""
    return DatabaseError(
        source,
        f"{OTHER_MODELS}, and nothing was written: {difference}",
        place=source,
        remedy=f"{remedy_for_tables(source)} Then run again.",
    )


def remedy_for_tables(source: str) -> str:
    """Return what to do when the tables of a source are not those of its models."""
    return (
        f"To keep what is stored, write a revision: alembic -x source={source} revision"
        " --autogenerate (docs/parts-of-a-source.md#tables). To delete it and have the tables of"
        f" the models: isobar sources reset {source}."
    )


@cache
def _compiled(statement: str) -> Compiled:
    """Return a statement with its parameters in the driver's notation."""
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    return text(statement).compile(dialect=dialect)


def _result_columns(connection: Connection, driver: Any, literal: str) -> str:
    """Return names and types of the columns of a statement that is not executed; empty if none."""
    encoding = driver.info.encoding
    for result in (
        driver.pgconn.prepare(b"", literal.encode(encoding)),
        driver.pgconn.describe_prepared(b""),
    ):
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result, encoding=encoding)
    found = [
        {
            "name": result.fname(number).decode(encoding),
            "type": result.ftype(number),
            "modifier": result.fmod(number),
        }
        for number in range(result.nfields)
    ]
    if not found:
        return ""
    query = text(
        "SELECT string_agg(format('%I %s', name, pg_catalog.format_type(type, modifier)), ', ')"
        " FROM pg_catalog.jsonb_to_recordset(:columns)"
        " AS result (name text, type oid, modifier integer)"
    )
    return str(connection.execute(query, {"columns": psycopg.types.json.Jsonb(found)}).scalar_one())


def _violation(cause: BaseException | None, source: str) -> str | None:
    """Return what a statement tried that it may not do; None for other errors."""
    words = str(cause)
    if "within security-definer function" in words:
        return "would change the role"
    match cause:
        case psycopg.errors.InsufficientPrivilege():
            return f"needs a right that {role_of(source)} does not have"
        case psycopg.errors.InvalidTransactionTermination():
            return "would end the transaction"
        case psycopg.errors.FeatureNotSupported() if "transaction commands" in words:
            return "would end the transaction"
        case psycopg.errors.SyntaxError() if "multiple commands" in words:
            return "has several statements in one line"
    return None
