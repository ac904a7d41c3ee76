"""The questions of the page *Ask*, as it has them at first, after `make run`."""

import datetime as dt

import psycopg

from docs import answers
from pipelines.dashboard import ask, cookbook
from pipelines.postgres.roles import ANALYST, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.states import copied, load


def test_every_question_has_rows_on_simulated_data() -> None:
    questions = [one.question for one in ask._of_cookbook()]
    assert len(questions) > 50
    now = dt.datetime.now(dt.UTC)
    with copied(load) as state:
        url = EmbeddedPostgres(state).start().url(ANALYST, WAREHOUSE)
        with psycopg.connect(url, autocommit=True) as analyst:
            empty = [
                one.title
                for one in questions
                if not answers.table(analyst, one.filled(cookbook.values_at(one, now)))
            ]
    assert empty == []
