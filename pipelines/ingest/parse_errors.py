"""Errors in the code of a parser: they reject what is parsed, and name the line of the source."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Error as PsycopgError
from sqlalchemy.exc import SQLAlchemyError

from pipelines.failures import Failure, PermanentFailure, last_line_in

#: What is not the fault of a parser: the database, the disk, the memory.
NOT_OF_PARSERS = (Failure, SQLAlchemyError, PsycopgError, OSError, MemoryError)


@contextmanager
def translate_parse_errors(
    source: str, package: str, place: str, again: str = "quarantine retry"
) -> Iterator[None]:
    """Translate what the code that parses a delivery raises into a `PermanentFailure`.

    `package` is that of the source; the message names the last line of it that the error passed.
    `again` is the command that loads the delivery again after a fix.
    """
    try:
        yield
    except NOT_OF_PARSERS:
        raise
    except Exception as error:
        line = last_line_in(package, error)
        raise PermanentFailure(
            source,
            f"it could not be read: {type(error).__name__}: {error}{f' ({line})' if line else ''}",
            place=place,
            remedy="This is a bug in the code of the source: fix it, then run"
            f" isobar {again} {source}.",
        ) from error
