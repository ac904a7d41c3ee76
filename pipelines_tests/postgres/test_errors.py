"""Which failure each error of a database is, in which words and with which remedy."""

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from pipelines.failures import DatabaseError, Failure, PermanentFailure, TransientFailure
from pipelines.postgres.errors import failure_of, translated


class OtherOperationalError(Exception):
    """An error of another driver, whose classes have the names of PEP 249 too."""


OtherOperationalError.__name__ = "OperationalError"


@pytest.mark.parametrize(
    ("error", "kind", "remedy"),
    [
        (psycopg.OperationalError("closed"), TransientFailure, "wait until it is up"),
        (errors.LockNotAvailable("lock timeout"), TransientFailure, "wait until it is up"),
        (OtherOperationalError("gone"), TransientFailure, "wait until it is up"),
        (errors.ReadOnlySqlTransaction("read-only"), PermanentFailure, "the primary"),
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


def test_an_interrupt_during_a_wait_is_not_taken_for_an_error_of_the_database() -> None:
    cancelled = errors.QueryCanceled("canceled")
    cancelled.__context__ = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), translated("a", "b", place="c"):
        raise cancelled
