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
    -- from_night: 2026-11-03 | today
    SELECT …

After `|` stands what the page *Ask* has at first: a value, `now`, `today`, or the first day of this
`month` or `year`, with days, months or years added or subtracted: `today - 30`, `month - 1`.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg.sql import Literal

from pipelines.warehouse.sql_files import sql_files

#: The package of questions that are not of one source.
PLATFORM = "pipelines.dashboard"
PARAMETER = re.compile(r"^(\w+): (.+?)(?: \| (.+))?$")
PLACEHOLDER = re.compile(r"%%|%\(\w+\)s")
#: Days and instants that are relative to the present.
RELATIVE = re.compile(r"(now|today|month|year)(?: ([+-]) (\d+))?")
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
    #: What the page *Ask* has at first instead of examples, as it is written after `|`.
    on_page: Mapping[str, str] = field(default_factory=dict)

    @property
    def statement(self) -> str:
        """The statement with its examples filled in."""
        return self.filled(self.examples)

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the statement with values for people to read.

        Raises `ValueError` for a single %, which the page *Ask* could not send.
        """
        if "%" in PLACEHOLDER.sub("", self.template):
            raise ValueError("a % that is neither of %(name)s nor written %%")
        return self.template % {name: literal(one) for name, one in values.items()}


def questions(package: str) -> list[Question]:
    """Return the questions of a package in their order."""
    return [
        parse(package, file.partition("_")[2], text)
        for file, text in sql_files(package, "cookbook").items()
    ]


def parse(package: str, name: str, text: str) -> Question:
    """Read a file of a question."""
    lines = text.splitlines(keepends=True)
    size = next((place for place, line in enumerate(lines) if not line.startswith("--")), None)
    if size is None:
        raise ValueError(f"the question {name!r} has no statement")
    comments = "\n".join(line.removeprefix("--").strip() for line in lines[:size])
    title, *words = comments.split("\n\n")
    found = [PARAMETER.match(line) for line in words[-1].splitlines()] if words else []
    examples = {one[1]: one[2] for one in found if one}
    on_page = {one[1]: one[3] for one in found if one and one[3]}
    if examples and len(examples) == len(found):
        words.pop()
    else:
        examples, on_page = {}, {}
    template = "".join(lines[size:])
    return Question(package, name, title, "\n\n".join(words), examples, template, on_page)


def literal(value: str) -> str:
    """Return a value as it is written in a statement."""
    return value if value.isdigit() else Literal(value).as_string()


def values_at(question: Question, now: dt.datetime) -> dict[str, str]:
    """Return the values that the page *Ask* has at first, as of an instant in UTC."""
    return {
        name: relative_to(question.on_page.get(name, example), example, now)
        for name, example in question.examples.items()
    }


def relative_to(expression: str, example: str, now: dt.datetime) -> str:
    """Return the date or instant of an expression, in the form of the example; a value as it is."""
    found = RELATIVE.fullmatch(expression)
    if found is None:
        return expression
    if found[1] == "now":
        return f"{now:%Y-%m-%d %H:%M}+00"
    number = int(f"{found[2]}{found[3]}") if found[2] else 0
    day = now.date()
    if found[1] == "today":
        day += dt.timedelta(days=number)
    elif found[1] == "month":
        months = 12 * day.year + day.month - 1 + number
        day = dt.date(months // 12, months % 12 + 1, 1)
    else:  # that of a week ago, which has data also in the first days of January
        day = dt.date((day - dt.timedelta(days=7)).year + number, 1, 1)
    return DAY.sub(day.isoformat(), example)
