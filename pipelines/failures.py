"""The three kinds of failure: transient, permanent, not ready.

Every error that a user may see says what happened, where, and what to do next.
"""

import json
import re
import traceback
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, quote_plus

#: A secret in a query string, such as `access_token=`; but not `monkey=`.
SECRET_PARAMETER = re.compile(
    r"(api_?key|token|password|secret|signature|(?<![^\W_])(?:appid|key|sig))=[^&\s'\"]+",
    re.IGNORECASE,
)
#: What pydantic appends to each line of a `ValidationError`: the rejected value, shortened.
REJECTED_INPUT = re.compile(r"\[type=([\w.]+), input_value=.*, input_type=[\w.]+\]")


class Failure(Exception):
    """What went wrong with a `source`, at a `place` such as a URL, and what to do as a `remedy`."""

    #: What a service answered, if that is what went wrong: an HTTP status.
    status: int | None = None

    def __init__(self, source: str, problem: str, *, place: str, remedy: str) -> None:
        super().__init__(problem)
        self.source = source
        # Foreign text must not be able to start a log line of its own.
        self.problem = re.sub(r"\n(?=\S)", "\n  ", printable(problem))
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        where = in_one_line(self.place)
        return f"{self.source}: {self.problem}\n  where: {where}\n  what to do: {self.remedy}"


class TransientFailure(Failure):
    """It may work later: time-outs, 408, 429, 5xx, broken bodies, a lost database connection."""

    #: How long the service asks to wait, if it does.
    retry_after_seconds: float | None = None


class PermanentFailure(Failure):
    """It will not work until someone acts: 4xx, a contract violation, too many rejects."""


class RejectedDelivery(PermanentFailure):
    """Too many records of a delivery are bad, so nothing of it was written."""

    #: Its bad records, as far as they are kept.
    rejects: Sequence[Any] = ()


class SubjectGone(PermanentFailure):
    """What a delivery is about was deleted meanwhile, so that there is nowhere to load it."""


class DatabaseError(PermanentFailure):
    """The database rejects every write: missing privileges, missing objects."""


class OtherTables(DatabaseError):
    """The tables of a plug-in are not those of its models; others may be."""


class NotReady(Failure):
    """The source has nothing to provide yet; the caller skips, with this as the reason."""


def printable(text: str) -> str:
    """Escape characters that could move a cursor, colour a terminal or break an encoding."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def in_one_line(text: str) -> str:
    """Escape foreign text, such as a file name, so that it fits on one line of a log or list."""
    return printable(text).replace("\n", "\\n")


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Mask the given secrets, keys in query strings, passwords in URLs and pydantic's inputs."""
    passed = "surrogatepass"  # variables may contain any bytes
    written = {
        form
        for one in filter(None, secrets)
        for form in (
            one,
            quote(one, errors=passed),
            quote(one, safe="", errors=passed),
            quote_plus(one, errors=passed),
            json.dumps(one)[1:-1],
            json.dumps(one, ensure_ascii=False)[1:-1],
        )
    }
    for secret in sorted(written, key=len, reverse=True):
        text = text.replace(secret, "***")
    text = REJECTED_INPUT.sub(r"[type=\1]", text)
    text = SECRET_PARAMETER.sub(r"\1=***", text)
    # Up to the last @, as requests parses it: a password may have one.
    return re.sub(r"(?<=://)([^/\s:@]*):[^/?#\s]+@", r"\1:***@", text)


def last_line_in(package: str, error: BaseException) -> str | None:
    """Return file and line of the innermost frame that belongs to a package, if there is one."""
    place = re.compile(rf"/({re.escape(package.replace('.', '/'))}(?:/.*|\.py))$")
    frames = traceback.extract_tb(error.__traceback__)
    found = [f"{file[1]}:{one.lineno}" for one in frames if (file := place.search(one.filename))]
    return found[-1] if package and found else None
