"""What views, functions, dashboards and the cookbook read is what they say, and no more."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from docs import answers
from pipelines.dashboard import page
from pipelines.sources.bookings import dashboard as bookings
from pipelines.sources.shipments import dashboard as shipments
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.command import PROJECT
from pipelines_tests.dashboard.test_pages import OF_SOURCES, PLATFORM, reading, shown
from pipelines_tests.work.declared import Work, dashboard_statements, declared, views
from pipelines_tests.work.plans import Counted, counted

Both = tuple[psycopg.Connection, psycopg.Connection]
VIEWS = views()
STATEMENTS = dashboard_statements()
QUESTIONS = answers.questions((PROJECT / "docs/cookbook.md").read_text())
#: For a question that does not say how much it reads.
DEFAULT = Work("", "", "flat", 1_000)
DECLARED = [work for name, text in VIEWS.items() for work in declared(name, text)]
#: Rows of a page that may be read for one that is shown, besides the first hundred.
READ_FOR_ONE = 20


def test_each_view_and_function_says_how_much_it_reads() -> None:
    assert [name for name, text in VIEWS.items() if not declared(name, text)] == []
    assert {one.statement for one in DECLARED if not one.is_page and one.growth == "flat"}


@pytest.mark.parametrize("work", DECLARED, ids=lambda work: work.statement[:100])
def test_it_reads_as_much_as_it_says(both: Both, work: Work) -> None:
    small, large = (counted(one, work.statement) for one in both)
    compare(work, small, large)


def compare(work: Work, small: Counted, large: Counted) -> None:
    """Fail where a statement reads more than it says, or a page reads what it does not show."""
    assert large.buffers <= work.most(small, large), (small, large)
    if work.is_page:
        assert large.scanned == frozenset(), large
        assert not large.has_hashed_subplan, large
        assert large.rows_read <= READ_FOR_ONE * large.rows_returned + 100, large


@pytest.fixture
def old_itineraries(both: Both) -> Work:
    """A view as it was: whether the legs of an itinerary are consistent was looked up each time."""
    (work, *_) = declared("enriched.itineraries", VIEWS["enriched.itineraries"])
    looked_up = """
        EXISTS (
            SELECT FROM flights.itinerary_legs AS parts
            INNER JOIN flights.legs
                ON parts.leg_id = legs.leg_id AND parts.leg_seen_from_at = legs.seen_from_at
            WHERE parts.itinerary_id = itineraries.itinerary_id AND legs.time_verdict = 'impossible'
        ) AS is_inconsistent"""
    text = read_sql("pipelines.sources.flights", "views/enriched.itineraries")
    (created, _) = text.split("\nCOMMENT ON ", 1)
    select = created.split(" AS\n", 1)[1].rstrip(";\n").replace("    is_inconsistent", looked_up)
    assert looked_up in select
    statement = work.statement.replace("enriched.itineraries", f"({select}) AS itineraries")
    return Work(work.name, statement, work.growth, work.buffers)


def test_a_page_that_looks_up_all_legs_fails(both: Both, old_itineraries: Work) -> None:
    small, large = (counted(one, old_itineraries.statement) for one in both)
    assert large.has_hashed_subplan
    assert "legs" in large.scanned
    with pytest.raises(AssertionError):
        compare(old_itineraries, small, large)
    with pytest.raises(AssertionError):  # by its buffers alone too
        assert large.buffers <= old_itineraries.buffers


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
        for module in [*PLATFORM, "pipelines.dashboard.functions", *OF_SOURCES]:
            assert not shown(module).exception
        patch.setattr(bookings, "MAX_HOTELS", 1)
        assert not shown("pipelines.sources.bookings.dashboard").exception
        shipments.QUESTIONS.ask("track", tracking_number="TN00000007", carrier="FedEx")
    return found


@pytest.mark.parametrize("file", STATEMENTS, ids=lambda file: file.stem)
def test_a_statement_of_the_dashboards_reads_as_much_as_it_says(
    both: Both, of_pages: list[dict[str, str]], file: Path
) -> None:
    statements = [one[STATEMENTS[file]].rstrip(";") for one in of_pages]
    small, large = (counted(*one) for one in zip(both, statements, strict=True))
    (work,) = declared(file.stem, STATEMENTS[file])
    assert large.buffers <= work.most(small, large), (small, large)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_a_question_of_the_cookbook_reads_as_much_as_it_says(
    both: Both, question: answers.Question
) -> None:
    (work,) = declared(question.title, question.words) or [DEFAULT]
    small, large = (counted(one, question.statement.rstrip().rstrip(";")) for one in both)
    assert large.buffers <= work.most(small, large), (small, large)
