"""The cookbook, pasted after `make run`."""

import datetime as dt
import re

import psycopg

from docs import answers
from pipelines.postgres.roles import ANALYST, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.states import copied, load

#: A day on which every statement of the page has rows as it stands.
WRITTEN_ON = dt.date(2026, 11, 22)


def moved(statement: str) -> str:
    """Move the dates of a statement by as many days as the simulated data have moved since."""
    since = dt.datetime.now(dt.UTC).date() - WRITTEN_ON
    return re.sub(
        r"20[0-9]{2}-[0-9]{2}-[0-9]{2}",
        lambda found: (dt.date.fromisoformat(found[0]) + since).isoformat(),
        statement,
    )


def test_every_statement_has_rows_on_simulated_data() -> None:
    questions = answers.questions(answers.PAGE.read_text())
    assert len(questions) > 50
    with copied(load) as state:
        url = EmbeddedPostgres(state).start().url(ANALYST, WAREHOUSE)
        with psycopg.connect(url, autocommit=True) as analyst:
            empty = [
                one.title for one in questions if not answers.table(analyst, moved(one.statement))
            ]
    assert empty == []
