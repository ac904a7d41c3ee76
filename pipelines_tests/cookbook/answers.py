"""Rows that a query of the cookbook returns, by column."""

from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from docs.answers import PAGE, questions

#: The answer to the question whose title begins so.
Answer = Callable[[str], list[dict[str, Any]]]


def answering(analyst: psycopg.Connection) -> Answer:
    """Return a function that runs a query of the cookbook."""

    def answer(beginning: str) -> list[dict[str, Any]]:
        found = [one for one in questions(PAGE.read_text()) if one.title.startswith(beginning)]
        (question,) = found
        cursor = analyst.execute(question.statement.encode())
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    return answer


def of(rows: Iterable[dict[str, Any]], *names: str) -> list[Any]:
    """One column, or several as tuples."""
    picked = [tuple(row[name] for name in names) for row in rows]
    return [one[0] for one in picked] if len(names) == 1 else picked
