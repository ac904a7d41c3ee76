"""Which failure each error of a database is, in which words and with which remedy."""

import traceback
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from pipelines.failures import DatabaseError, Failure, PermanentFailure, TransientFailure
from pipelines.postgres.errors import failure_of, translated
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import engine_for

SECRET = "ada@example.com"
STATES: dict[str, type[Failure]] = {
    "22P02": PermanentFailure,
    "23505": PermanentFailure,
    "54000": PermanentFailure,
    "54001": PermanentFailure,
    "IS001": PermanentFailure,
    "08006": TransientFailure,
    "40P01": TransientFailure,
    "53100": TransientFailure,
    "53300": TransientFailure,
    "55P03": TransientFailure,
    "57014": TransientFailure,
    "25006": TransientFailure,
    "25001": DatabaseError,
    "42501": DatabaseError,
    "42P01": DatabaseError,
    "54011": DatabaseError,
    "58030": DatabaseError,
    "XX001": DatabaseError,
}
#: Statements with a parameter of which PostgreSQL says the value; what it says without it.
QUOTING = {
    "SELECT CAST(:value AS integer)": 'invalid input syntax for type integer: "…"',
    "SELECT CAST(repeat('9', 99) || :value AS timestamptz)": "invalid input syntax for type",
    "INSERT INTO kept VALUES (:value)": "violates unique constraint",
    "INSERT INTO kept (n) VALUES (length(:value) - 99)": "violates check constraint",
    "SELECT CAST('{\"a\": ' || :value AS json)": "invalid input syntax for type json",
}


class OtherOperationalError(Exception):
    """An error of another driver, whose classes have the names of PEP 249 too."""


OtherOperationalError.__name__ = "OperationalError"


@pytest.fixture
def engine(server: Connections, empty_database: str) -> Iterator[Engine]:
    opened = engine_for(server.url(SUPERUSER, empty_database), role=None)
    yield opened
    opened.dispose()


@pytest.mark.parametrize(
    ("error", "kind", "remedy"),
    [
        (psycopg.OperationalError("closed"), TransientFailure, "wait until it is up"),
        (psycopg.InterfaceError("closed"), TransientFailure, "wait until it is up"),
        (psycopg.DataError("no NUL in text"), PermanentFailure, "The code of the source"),
        (psycopg.ProgrammingError("cannot adapt"), DatabaseError, "The code of the source"),
        (errors.LockNotAvailable("lock timeout"), TransientFailure, "wait until it is up"),
        (OtherOperationalError("gone"), TransientFailure, "wait until it is up"),
        (errors.ReadOnlySqlTransaction("read-only"), TransientFailure, "the primary"),
        (errors.NumericValueOutOfRange("too large"), PermanentFailure, "The code of the source"),
        (errors.NotNullViolation("is null"), PermanentFailure, "The code of the source"),
        (errors.InsufficientPrivilege("permission denied"), DatabaseError, "rights"),
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else str(one),
)
def test_errors_are_kinds_of_failures(error: Exception, kind: type[Failure], remedy: str) -> None:
    for wrapped in (error, DBAPIError("SELECT 1", {}, error)):
        failure = failure_of(wrapped, "buses", "it failed", place="postgresql://x")
        assert type(failure) is kind
        assert remedy in failure.remedy
        assert "SELECT 1" not in str(failure)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("state", STATES)
def test_the_state_decides_whatever_class_the_driver_has_for_it(
    server: Connections, driver: str, state: str
) -> None:
    """Incident: psycopg calls a row that no index takes an operational error: a server's."""
    url = server.url(SUPERUSER, "postgres").replace("postgresql:", f"postgresql+{driver}:")
    engine = create_engine(url)
    with engine.connect() as connection, pytest.raises(DBAPIError) as raised:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE 'thus' USING ERRCODE = '{state}'; END $$")
    engine.dispose()
    failure = failure_of(raised.value, "buses", "it failed", place="postgresql://x")
    assert type(failure) is STATES[state]
    assert "thus" in failure.problem or state == "25006"


def test_a_document_nested_too_deeply_is_the_fault_of_its_delivery(engine: Engine) -> None:
    nested = text("SELECT CAST(repeat('[', 1000000) AS jsonb)")
    with (
        engine.connect() as connection,
        pytest.raises(PermanentFailure, match="stack depth"),
        translated("buses", "it failed", place="x"),
    ):
        connection.execute(nested)


@pytest.mark.parametrize("statement", QUOTING)
def test_no_failure_nor_what_caused_it_quotes_a_value(engine: Engine, statement: str) -> None:
    """Incident: keys of persons were in the log of a run."""
    make = "CREATE TEMP TABLE kept (key text UNIQUE, n integer CHECK (n > 0))"
    with engine.connect() as connection:
        connection.execute(text(make))
        connection.execute(text("INSERT INTO kept VALUES (:value)"), {"value": SECRET})
        with (
            pytest.raises(PermanentFailure) as failed,
            translated("buses", "it failed", place="x"),
        ):
            connection.execute(text(statement), {"value": SECRET})
    assert QUOTING[statement] in failed.value.problem
    shown = "".join(traceback.format_exception(failed.value))
    assert SECRET not in shown
    assert statement.split("(")[0] in shown.replace("%", ":"), "but the statement is shown"


@pytest.mark.parametrize("line", [f"5\t{SECRET}", SECRET], ids=["second column", "first column"])
def test_a_copy_says_the_line_without_what_is_in_it(engine: Engine, line: str) -> None:
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMP TABLE kept (n integer, key integer)"))
        cursor = connection.connection.cursor()
        with (
            pytest.raises(PermanentFailure) as failed,
            translated("buses", "it failed", place="x"),
            cursor.copy("COPY kept FROM STDIN") as copy,
        ):
            copy.write(f"1\t1\n{line}\n")
    assert "(COPY kept, line 2, column" in failed.value.problem
    assert SECRET not in "".join(traceback.format_exception(failed.value))


def test_the_storage_of_dagster_hides_them_too(server: Connections) -> None:
    """Its own engines of psycopg2 know nothing of hidden parameters."""
    url = server.url(SUPERUSER, "postgres").replace("postgresql:", "postgresql+psycopg2:")
    theirs = create_engine(url)
    with (
        theirs.connect() as connection,
        pytest.raises(PermanentFailure) as failed,
        translated("dagster", "it failed", place="x"),
    ):
        connection.execute(text("SELECT CAST(:value AS integer)"), {"value": SECRET})
    theirs.dispose()
    assert SECRET not in "".join(traceback.format_exception(failed.value))


def test_an_interrupt_during_a_wait_is_not_taken_for_an_error_of_the_database() -> None:
    cancelled = errors.QueryCanceled("canceled")
    cancelled.__context__ = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), translated("a", "b", place="c"):
        raise cancelled
