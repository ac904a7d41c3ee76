"""Errors of a database: which kind of failure each is, in which words, and with which remedy.

A caller says what it was doing, and may `explain` errors that mean something of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from pipelines.failures import DatabaseError, Failure, PermanentFailure, TransientFailure, redact

SEE_SERVER = (
    "Mend what the server says (docs/database.md), or wait until it is up (isobar database status),"
    " then run again."
)
REJECTED = (
    "The code of the source let through what the table rejects, or rights in the database are"
    " missing: fix that, then run again."
)
#: Returns what the driver's error means to a caller, or None.
Explain = Callable[[Any], Failure | None]


def cause_of(error: BaseException | None) -> Any:
    """Return the driver's error behind an error of SQLAlchemy or of Dagster."""
    return getattr(error, "orig", None) or error


def is_cancelled(error: BaseException) -> bool:
    """Return whether a statement exceeded its time limit; `error` may be the failure of it."""
    return isinstance(cause_of(error.__cause__ or error), psycopg.errors.QueryCanceled)


@contextmanager
def translated(source: str, problem: str, *, place: str, **more: Any) -> Iterator[None]:
    """Raise errors of the database as failures; the arguments are those of `failure_of`."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:  # COPY bypasses SQLAlchemy
        behind = error.__context__
        while isinstance(behind, Exception):
            behind = behind.__context__
        if behind is not None:  # an interrupt caused it, such as during a cancelled wait
            raise behind from None
        raise failure_of(error, source, problem, place=place, **more) from error


def failure_of(
    error: BaseException | None,
    source: str,
    problem: str,
    *,
    place: str,
    see: str = SEE_SERVER,
    remedy: str | None = None,
    otherwise: str = REJECTED,
    explain: Explain | None = None,
) -> Failure:
    """Return the failure that an error of the database is.

    `error` is of psycopg, SQLAlchemy or, for Dagster's storage, psycopg2; its words follow the
    problem. `see` says what to do about a server that is away or busy, `remedy` about any other
    error, by default what PostgreSQL advises, else `otherwise`.
    """
    cause = cause_of(error)
    if explain is not None and (meant := explain(cause)):
        return meant
    if isinstance(cause, psycopg.errors.ReadOnlySqlTransaction):
        return read_only(source, place)
    kinds = {one.__name__ for one in type(cause).__mro__}  # PEP 249 names them in every driver
    said = redact(str(cause).strip()) or type(cause).__name__
    if "OperationalError" in kinds:
        return TransientFailure(source, f"{problem}: {said}", place=place, remedy=see)
    remedy = remedy or getattr(getattr(cause, "diag", None), "message_hint", None) or otherwise
    if kinds & {"DataError", "IntegrityError"}:  # further lines have the row
        problem = f"{problem}: {said.splitlines()[0]}"
        return PermanentFailure(source, problem, place=place, remedy=remedy)
    return DatabaseError(source, f"{problem}: {said}", place=place, remedy=remedy)


def read_only(source: str, place: str) -> PermanentFailure:
    """Return the failure of a server that takes no writes."""
    return PermanentFailure(
        source,
        "the server is read-only, such as a standby",
        place=place,
        remedy="Set DATABASE_URL to the primary.",
    )
