"""The answers in docs/cookbook.md, which `make docs` writes.

Each statement of the page is run as an analyst on a database with made-up data that stays the same
(`pipelines_tests/cookbook`), and what it answers is written beneath it. A test fails while the page
is not what this writes.
"""

import re
from pathlib import Path
from typing import NamedTuple

import psycopg

PAGE = Path(__file__).parent / "cookbook.md"
QUESTION = re.compile(
    r"^### (?P<title>[^\n]+)\n(?P<words>(?:(?!#|```)[^\n]*\n)*)"
    r"```sql\n(?P<statement>.*?)```\n(?P<answer>\n(?:\|[^\n]*\n)+)?",
    re.DOTALL | re.MULTILINE,
)
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
