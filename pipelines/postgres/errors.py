"""Errors of a database: which kind of failure each is, in which words, and with which remedy.

A caller says what it was doing, and may `explain` errors that mean something of its own. Failures
are logged with what caused them, so neither has a value of a row or of a statement's parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError, StatementError

from pipelines.failures import DatabaseError, Failure, PermanentFailure, TransientFailure, redact

SEE_SERVER = (
    "Mend what the server says (docs/database.md), or wait until it is up (isobar database status),"
    " then run again."
)
REJECTED = (
    "The code of the source let through what the table rejects, or rights in the database are"
    " missing: fix that, then run again."
)
READ_ONLY = "25006"
#: How the SQLSTATEs begin of errors that a delivery's own rows cause: values, constraints, a row
#: that is too long or nested too deeply, and `ops.reject_delivery`. The rest of class 54 is about
#: statements, such as too many columns.
OF_DELIVERY = ("22", "23", "54000", "54001", "IS001")
#: Those of what may be over at the next try: a lost connection, a conflict, a lack of resources, an
#: object in use, an operator's intervention, a standby after a failover.
FOR_NOW = ("08", "40", "53", "55", "57", READ_ONLY)
#: Those of errors whose messages quote values, and whose details have rows.
OF_VALUES = ("22", "23", "44")
#: A quoted value, in any language. A name stands behind the word for what it names.
QUOTED = re.compile(r"(?<!column )(?<!constraint )(?<!encoding )[\"“„«»].*[\"”“»«]", re.DOTALL)
#: The place of a row in a COPY; PostgreSQL quotes the row behind it.
COPY_PLACE = re.compile(r"^COPY [^,\n]+, \w+ \d+(?:, \w+ [^,:\n]+)?", re.MULTILINE)
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
    """Return the failure that an error of the database is, which follows from its SQLSTATE.

    `error` is of psycopg, SQLAlchemy or, for Dagster's storage, psycopg2; its words follow the
    problem. It loses its values, because it is logged as the cause of the failure. `see` says what
    to do about a server that is away or busy, `remedy` about any other error, by default what
    PostgreSQL advises, else `otherwise`.
    """
    cause = cause_of(error)
    meant = explain(cause) if explain is not None else None
    problem = f"{problem}: {words_of(cause)}"
    remedy = remedy or getattr(getattr(cause, "diag", None), "message_hint", None) or otherwise
    state, kinds = sqlstate_of(cause), _kinds_of(cause)
    _hide_values(error)
    if meant is not None:
        return meant
    if state == READ_ONLY:
        return read_only(source, place)
    if state.startswith(FOR_NOW) if state else kinds & {"OperationalError", "InterfaceError"}:
        return TransientFailure(source, problem, place=place, remedy=see)
    if state.startswith(OF_DELIVERY) if state else kinds & {"DataError", "IntegrityError"}:
        return PermanentFailure(source, problem, place=place, remedy=remedy)
    return DatabaseError(source, problem, place=place, remedy=remedy)


def sqlstate_of(cause: Any) -> str:
    """Return the SQLSTATE of a driver's error; empty for one of the driver or the connection."""
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""


def words_of(cause: Any) -> str:
    """Return what the driver or PostgreSQL says, with the place in a COPY but without values."""
    said = str(cause).strip()
    diag: Any = getattr(cause, "diag", None)
    if sqlstate_of(cause).startswith(OF_VALUES):
        primary = getattr(diag, "message_primary", None) or said.partition("\n")[0]
        said = QUOTED.sub('"…"', primary) if sqlstate_of(cause).startswith("22") else primary
    elif getattr(diag, "internal_query", None):  # made by a function, maybe with values in it
        said = diag.message_primary
    context = getattr(diag, "context", None) or ""
    if context and context in said:  # it may quote rows and parameters
        said = said[: said.index(context)].rpartition("\n")[0]
    if (copied := COPY_PLACE.search(context)) and copied[0] not in said:
        said = f"{said} ({copied[0]})"
    return redact(said) or type(cause).__name__


def _kinds_of(cause: Any) -> set[str]:
    """Return the names of the classes of an error: PEP 249 names them in every driver."""
    return {one.__name__ for one in type(cause).__mro__}


def _hide_values(error: BaseException | None) -> None:
    """Take the values of rows and parameters from an error and those behind it."""
    waiting, done = [error], list[BaseException]()
    while waiting:
        one = waiting.pop()
        if one is None or one in done:
            continue
        done.append(one)
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, StatementError):
            one.hide_parameters = True  # Dagster's own engines do not
            message = str(one.args[0]).replace(str(one.orig), words_of(one.orig))
            one.args = (message, *one.args[1:])
        elif hasattr(one, "diag"):  # of psycopg or psycopg2
            one.args = (words_of(one),)


def read_only(source: str, place: str) -> TransientFailure:
    """Return the failure of a server that takes no writes."""
    return TransientFailure(
        source,
        "the server is read-only, such as a standby",
        place=place,
        remedy="After a failover, wait until the primary is back, then run again; else set"
        " DATABASE_URL to the primary.",
    )
