"""Errors in the code of a parser: they reject what is parsed, and name the line of the source."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Error as PsycopgError
from sqlalchemy.exc import SQLAlchemyError

from pipelines.failures import Failure, PermanentFailure, last_line_in

#: Errors for which no parser is to blame.
NOT_OF_PARSERS = (Failure, SQLAlchemyError, PsycopgError, MemoryError)


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
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk; libraries raise others for content that they cannot read
        line = last_line_in(package, error)
        what = f"it could not be read: {type(error).__name__}: {error}"
        code = "code of the source" if line else "code that loads it"
        raise PermanentFailure(
            source,
            f"{what} ({line})" if line else what,
            place=place,
            remedy=f"This is a bug in the {code}: fix it, then run isobar {again} {source}.",
        ) from error
