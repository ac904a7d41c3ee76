"""The cookbook, pasted after `make run`."""

import datetime as dt

import psycopg

from docs import answers
from pipelines.dashboard import cookbook
from pipelines.postgres.roles import ANALYST, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.states import copied, load


def test_every_statement_has_rows_on_simulated_data() -> None:
    questions = answers.questions(answers.PAGE.read_text())
    assert len(questions) > 50
    today = dt.datetime.now(dt.UTC).date()
    with copied(load) as state:
        url = EmbeddedPostgres(state).start().url(ANALYST, WAREHOUSE)
        with psycopg.connect(url, autocommit=True) as analyst:
            empty = [
                one.title
                for one in questions
                if not answers.table(analyst, cookbook.moved(one.statement, today))
            ]
    assert empty == []
