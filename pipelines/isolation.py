"""Isolation of sources: a failure in one part of a source switches off that source only.

Every part of a source is loaded within `isolated`. A source with a broken part is no longer among
`pipelines.source.sources()`; what it stored stays. Code that hangs, or ends the process by other
means than `sys.exit`, cannot be stopped from within it: ISOBAR_DISABLE_SOURCES skips it.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.failures import Failure, in_one_line, last_line_in, redact

LOG = logging.getLogger("isobar.sources")
#: The log of what has no effect in the configuration, such as an unknown name.
WARNINGS = logging.getLogger("isobar")
MAX_CHARACTERS = 500
#: What the code of a source may raise without stopping the others; some call `sys.exit`.
SOURCE_ERRORS = (Exception, SystemExit)


@dataclass(frozen=True)
class BrokenSource:
    """A source that was switched off because of an error in it."""

    name: str
    #: The part that failed, the error and the file if it is known, in one line.
    problem: str

    def __str__(self) -> str:
        return f"The source {self.name} is broken, the others go on: {self.problem}"


#: The first problem of each broken source of this process.
_BROKEN: dict[str, BrokenSource] = {}


@contextmanager
def isolated(
    name: str, part: str, package: str = "", secrets: Sequence[str] = ()
) -> Iterator[None]:
    """Switch off the source `name` if the body fails, so that the others go on.

    `part` is what the body loads, such as "its commands". The message names the last line of the
    `package` that the error passed, and none of the `secrets`.
    """
    try:
        yield
    except SOURCE_ERRORS as error:
        note_broken(name, redact(f"{part}: {_described(error, package)}", secrets))


def note_broken(name: str, problem: str) -> None:
    """Switch off a source. If it is broken in several ways, the first one is reported."""
    if name not in _BROKEN:
        line = in_one_line(" ".join(redact(problem).split()))
        line = line if len(line) <= MAX_CHARACTERS else f"{line[: MAX_CHARACTERS - 1]}…"
        _BROKEN[name] = BrokenSource(name, line)


def broken_sources() -> Sequence[BrokenSource]:
    """Return the sources that an error switched off so far, each with the reason."""
    return [*_BROKEN.values()]


def is_broken(name: str) -> bool:
    """Return whether an error switched off a source."""
    return name in _BROKEN


def _described(error: BaseException, package: str) -> str:
    if isinstance(error, Failure):
        return f"{error.problem} ({error.place}). {error.remedy}"
    place = last_line_in(package, error)
    return f"{type(error).__name__}: {error}{f' ({place})' if place else ''}"
