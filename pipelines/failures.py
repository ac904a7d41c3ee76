"""The three words for failure: transient, permanent, not ready.

Every error that a user may meet says what happened, where, and what to do next.
Turning them into Dagster's own outcomes is the business of `asset_pages`.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote, quote_plus


class Failure(Exception):
    """What went wrong with one source, in words for the person who has to act.

    `source` is the feed's short name, `place` a URL, file or table, `remedy` the next step.
    """

    def __init__(self, source: str, problem: str, *, place: str, remedy: str) -> None:
        # No line of a log begins with words of others.
        problem = re.sub(r"\n(?=\S)", "\n  ", printable(problem))
        super().__init__(
            f"{source}: {problem}\n  where: {in_one_line(place)}\n  what to do: {remedy}"
        )
        self.source = source
        self.problem = problem
        self.place = place
        self.remedy = remedy


class TransientFailure(Failure):
    """It may work later: time-outs, 408, 429, 5xx, broken bodies, a database that went away."""

    def __init__(
        self,
        source: str,
        problem: str,
        *,
        place: str,
        remedy: str,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(source, problem, place=place, remedy=remedy)
        self.retry_after_seconds = retry_after_seconds


class PermanentFailure(Failure):
    """It will not work until someone changes something: 4xx, a broken contract, too much dirt."""


class RejectedInput(PermanentFailure):
    """What a person filled in cannot be done: shown to that person, and no incident."""


class DatabaseError(PermanentFailure):
    """The database rejects every write: missing rights, missing objects."""


class NotReady(Failure):
    """The source has nothing to give yet; the caller skips, with this as the reason."""


def printable(text: str) -> str:
    """Text of others without what could move a cursor, colour a terminal or break an encoding."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def in_one_line(text: str) -> str:
    """Printable text that is a line of a log or a list, and no more: such as the name of a file."""
    return printable(text).replace("\n", "\\n")


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Return `text` with the given secrets, keys in query strings and passwords in URLs masked."""
    passed = "surrogatepass"  # a variable may have any bytes
    written = {
        form
        for one in secrets
        if one
        for form in (one, quote(one, safe="", errors=passed), quote_plus(one, errors=passed))
    }
    for secret in sorted(written, key=len, reverse=True):
        text = text.replace(secret, "***")
    text = re.sub(r"(?i)\b(api_?key|appid|key|token|password|secret)=[^&\s'\"]+", r"\1=***", text)
    return re.sub(r"(?<=://)([^/\s:@]*):[^/\s@]+@", r"\1:***@", text)
