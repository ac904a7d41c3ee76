"""The cookbook: questions with the statements that answer them.

They are the files in `sql/cookbook/` of sources and of this package, in the order of their names.
`docs/cookbook.md` has their answers on made-up data, and the page *Ask* asks them. A file begins
with comments: the question, a few words about it, and a paragraph with an example for each
parameter, which the statement has as `%(name)s`:

    -- What was picked up for the next nights?
    --
    -- Pickup is computed as of an instant.
    --
    -- hotel: 2607
    -- from_night: 2026-11-03
    SELECT …
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.warehouse.sql_files import sql_files

#: The package of questions that are not of one source.
PLATFORM = "pipelines.dashboard"
#: On this day all examples have rows on the simulated data.
EXAMPLES_AS_OF = dt.date(2026, 11, 22)
PARAMETER = re.compile(r"^(\w+): (.+)$")
DAY = re.compile(r"20\d\d-\d\d-\d\d")


@dataclass(frozen=True)
class Question:
    """A question, and the statement that answers it."""

    package: str
    #: The name of the file, without its number.
    name: str
    title: str
    #: A few words about it, in Markdown.
    words: str
    #: A value of each parameter. Dates and instants are ISO 8601, integers digits.
    examples: Mapping[str, str]
    #: The statement with `%(name)s` for parameters, and `%%` for `%`.
    template: str

    @property
    def statement(self) -> str:
        """The statement with its examples filled in."""
        return self.template % {name: literal(one) for name, one in self.examples.items()}


def questions(package: str) -> list[Question]:
    """Return the questions of a package in their order."""
    return [
        parse(package, file.partition("_")[2], text)
        for file, text in sql_files(package, "cookbook").items()
    ]


def parse(package: str, name: str, text: str) -> Question:
    """Read a file of a question."""
    lines = text.splitlines(keepends=True)
    size = next(place for place, line in enumerate(lines) if not line.startswith("--"))
    comments = "\n".join(line.removeprefix("--").strip() for line in lines[:size])
    title, *words = comments.split("\n\n")
    found = [PARAMETER.match(line) for line in words[-1].splitlines()] if words else []
    examples = {one[1]: one[2] for one in found if one}
    if examples and len(examples) == len(found):
        words.pop()
    else:
        examples = {}
    return Question(package, name, title, "\n\n".join(words), examples, "".join(lines[size:]))


def literal(value: str) -> str:
    """Return a value as it is written in a statement."""
    return value if value.isdigit() else "'{}'".format(value.replace("'", "''"))


def moved(text: str, today: dt.date) -> str:
    """Move dates of examples by as many days as have passed since they were written."""
    passed = today - EXAMPLES_AS_OF
    return DAY.sub(lambda one: (dt.date.fromisoformat(one[0]) + passed).isoformat(), text)
