"""Views, functions, dashboards and the cookbook read no more than they declare."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pipelines.dashboard import cookbook, page, source_page
from pipelines.dashboard import overview as platform
from pipelines.sources.bookings import dashboard as bookings
from pipelines.sources.flights import dashboard as flights
from pipelines.sources.shipments import dashboard as shipments
from pipelines.sources.solar import dashboard as solar
from pipelines.warehouse.sql_files import without_work
from pipelines_tests.dashboard.test_pages import OF_SOURCES, PLATFORM, reading, shown
from pipelines_tests.work.declared import Work, dashboard_statements, declared, questions, views
from pipelines_tests.work.plans import Both, Counted, counted

VIEWS = views()
STATEMENTS = dashboard_statements()
QUESTIONS = questions()
#: For a question that does not say how much it reads.
DEFAULT = Work("flat", 1_000)
DECLARED = [work for name, text in VIEWS.items() for work in declared(name, text)]
#: Rows of a page that may be read for one that is shown, besides the first hundred.
READ_FOR_ONE = 20


def test_each_view_and_function_says_how_much_it_reads() -> None:
    assert [name for name, text in VIEWS.items() if not declared(name, text)] == []


@pytest.mark.parametrize("work", DECLARED, ids=lambda work: work.statement[:100])
def test_it_reads_as_much_as_it_says(both: Both, work: Work) -> None:
    small, large = (counted(one, work.statement) for one in both)
    compare(work, small, large)


def compare(work: Work, small: Counted, large: Counted) -> None:
    """Fail where a statement reads more than it says, or a page reads what it does not show."""
    assert large.buffers <= work.most(small.buffers, large.rows_returned), (small, large)
    if work.is_page:
        assert large.scanned == frozenset(), large
        assert not large.has_hashed_subplan, large
        assert large.rows_read <= READ_FOR_ONE * large.rows_returned + 100, large


@pytest.fixture(scope="module")
def of_pages(urls: tuple[str, str]) -> list[dict[str, str]]:
    """The statements of the dashboards' pages on each of both, with their parameters."""
    return [_of_pages(url) for url in urls]


def _of_pages(url: str) -> dict[str, str]:
    found: dict[str, str] = {}
    answer_of = page.answer_of

    def noting(statement: str, parameters: Any) -> page.Answer:
        answer = answer_of(statement, parameters)
        found[statement] = answer.sql
        return answer

    with reading(url), pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "answer_of", noting)
        for module in [*PLATFORM, "pipelines.dashboard.ask", *OF_SOURCES]:
            assert not shown(module).exception
        source_page.QUESTIONS.ask("records_of_source", feeds=["shipments"])
        patch.setattr(bookings, "MAX_HOTELS", 1)
        assert not shown("pipelines.sources.bookings.dashboard").exception
        platform.QUESTIONS.ask("card", feeds=["bookings"])
        shipments.QUESTIONS.ask("delays")
        shipments.QUESTIONS.ask("track", tracking_number="TN00000007")
        flights.QUESTIONS.ask("offer_prices", itinerary_id="it_7")
        flights.QUESTIONS.ask("offer_legs", itinerary_id="it_7")
        yesterday = page.today() - dt.timedelta(days=1)
        solar.QUESTIONS.ask("curve", plants=[1_000_001], day=yesterday)
    return found


@pytest.mark.parametrize("file", STATEMENTS, ids=lambda file: file.stem)
def test_a_statement_of_the_dashboards_reads_as_much_as_it_says(
    both: Both, of_pages: list[dict[str, str]], file: Path
) -> None:
    statements = [one[without_work(STATEMENTS[file])].rstrip(";") for one in of_pages]
    small, large = (counted(*one) for one in zip(both, statements, strict=True))
    (work,) = declared(file.stem, STATEMENTS[file])
    assert large.buffers <= work.most(small.buffers, large.rows_returned), (small, large)


@pytest.mark.parametrize("file", QUESTIONS, ids=lambda file: file.stem)
def test_a_question_of_the_cookbook_reads_as_much_as_it_says(both: Both, file: Path) -> None:
    (work,) = declared(file.stem, QUESTIONS[file]) or [DEFAULT]
    question = cookbook.parse("", file.stem, without_work(QUESTIONS[file]))
    small, large = (counted(one, question.statement.rstrip().rstrip(";")) for one in both)
    assert large.buffers <= work.most(small.buffers, large.rows_returned), (small, large)
