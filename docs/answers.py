"""The questions and answers in docs/cookbook.md, which `make docs` writes.

The questions are those of `pipelines.dashboard.cookbook`; what stands around them is written by
hand. Each statement is run as an analyst on a database with made-up data that stays the same
(`pipelines_tests/cookbook`), and what it answers is written beneath it. A test fails while the page
is not what this writes.
"""

import re
from pathlib import Path
from typing import NamedTuple

import psycopg

from pipelines.dashboard import cookbook
from pipelines.source import sources

PAGE = Path(__file__).parent / "cookbook.md"
QUESTION = re.compile(
    r"^### (?P<title>[^\n]+)\n(?P<words>(?:(?!#|```)[^\n]*\n)*)"
    r"```sql\n(?P<statement>.*?)```\n(?P<answer>\n(?:\|[^\n]*\n)+)?",
    re.DOTALL | re.MULTILINE,
)
#: Where the questions of a source, or of the platform, stand on the page.
PLACE = re.compile(r"(<!-- questions of (\w+) -->\n\n).*?(<!-- end of questions -->)", re.DOTALL)
NUMBERS = {20, 21, 23, 700, 701, 1700}
"""Types that stand at the right: int2 to int8, float4 and float8, numeric."""


class Question(NamedTuple):
    """What the page asks."""

    title: str
    statement: str
    #: What the page says before it.
    words: str


def questions(page: str) -> list[Question]:
    """The questions of a page with their statements, in order."""
    return [
        Question(one["title"], one["statement"], one["words"]) for one in QUESTION.finditer(page)
    ]


def with_questions(page: str) -> str:
    """The page with the questions written anew, and with the answers that it has."""
    known = {one["title"]: (one["statement"], one["answer"]) for one in QUESTION.finditer(page)}

    def with_those_of_source(found: re.Match[str]) -> str:
        source = sources().get(found[2])
        blocks = []
        for one in cookbook.questions(source.package if source else cookbook.PLATFORM):
            statement, answer = known.get(one.title, ("", None))
            words = f"{one.words}\n\n" if one.words else ""
            block = f"### {one.title}\n\n{words}```sql\n{one.statement}```\n"
            blocks.append(block + (answer or "" if statement == one.statement else ""))
        return found[1] + "\n".join(blocks) + "\n" + found[3]

    return PLACE.sub(with_those_of_source, page)


def answered(page: str, analyst: psycopg.Connection) -> str:
    """The page with each answer written anew. Raises `ValueError` for one without rows."""

    def with_answer(found: re.Match[str]) -> str:
        answer = table(analyst, found["statement"])
        if not answer:
            raise ValueError(f"no row answers: {found['title']}")
        end = found.start("answer") if found["answer"] else found.end()
        return f"{page[found.start() : end]}\n{answer}"

    analyst.execute("SET TIME ZONE 'UTC'")
    return QUESTION.sub(with_answer, page)


def table(analyst: psycopg.Connection, statement: str) -> str:
    """What a statement answers, as a table in Markdown with values as psql shows them."""
    cursor = analyst.execute(statement.encode())
    result, columns = cursor.pgresult, cursor.description
    if result is None or columns is None or not result.ntuples:
        return ""
    lines = [
        [column.name for column in columns],
        ["---:" if column.type_code in NUMBERS else "---" for column in columns],
    ]
    for row in range(result.ntuples):
        values = [result.get_value(row, place) or b"" for place in range(result.nfields)]
        lines.append([value.decode().replace("|", "\\|") for value in values])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
