"""What is said of statements of a source that fail."""

from collections.abc import Callable, Mapping

import pytest

from pipelines.failures import (
    DatabaseError,
    Failure,
    PermanentFailure,
    RejectedDelivery,
    TransientFailure,
)
from pipelines.ingest import statements
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.ingest.levels import Levels, line, stepwise

#: What a statement does wrong, which failure that is, and what PostgreSQL says.
WRONG: Mapping[str, tuple[str, type[Failure], str]] = {
    "a syntax error": ("SELEKT 1", DatabaseError, "syntax error"),
    "a null": ("UPDATE bookings.levels SET level = NULL", PermanentFailure, "not-null constraint"),
    "an error of its own": (
        "DO $$ BEGIN RAISE 'no' USING HINT = 'Ask the mill.'; END $$",
        DatabaseError,
        "what to do: Ask the mill.",
    ),
    "too much time": (
        "SET LOCAL statement_timeout = 1;\nSELECT pg_sleep(1)::text",
        TransientFailure,
        "statement timeout",
    ),
}


@pytest.fixture
def levels(stored_levels: Levels) -> Levels:
    """Levels that were loaded before."""
    stored_levels.deliver("before.csv", line("Z", 9))
    return stored_levels


@pytest.fixture
def say(levels: Levels, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the levels loaded with a file of these statements, after they are put."""

    def loaded_with(statement: str) -> None:
        monkeypatch.setattr(
            statements,
            "read_sql",
            lambda package, name: statement if name == "hostile" else read_sql(package, name),
        )
        stepwise(levels, "hostile")

    return loaded_with


def assert_nothing_came(levels: Levels) -> None:
    assert levels.rows() == [("Z", 9.0)]
    assert levels.rows("SELECT count(*) FROM ops.deliveries WHERE problem IS NULL") == [(1,)]
    levels.check()


@pytest.mark.parametrize("ending", ["COMMIT", "DO 'BEGIN COMMIT; END'"])
def test_a_statement_that_commits_fails_the_delivery(
    levels: Levels, say: Callable[[str], None], ending: str
) -> None:
    """Incident: half a delivery was stored."""
    say(ending)
    with pytest.raises(Failure, match=r"sql/hostile.sql"):
        levels.deliver("a.csv", line("A", 1), line("B", 2))
    assert_nothing_came(levels)
    stepwise(levels)
    assert levels.deliver("a.csv", line("A", 1), line("B", 2)) == (2, 2, 0, 0)


@pytest.mark.parametrize("wrong", WRONG)
def test_an_error_names_its_file(levels: Levels, say: Callable[[str], None], wrong: str) -> None:
    """Incident: of a hundred files, somebody had to guess the one that failed."""
    statement, kind, words = WRONG[wrong]
    say(statement)
    with pytest.raises(kind) as failed:
        levels.deliver("a.csv", line("A", 1))
    assert type(failed.value) is kind
    message = str(failed.value)
    assert message.startswith("levels: sql/hostile.sql failed, and nothing was written: ")
    assert words in message
    assert "what to do: " in message
    if kind is PermanentFailure:  # of this file's values
        assert str(levels.folder / "a.csv") in message
    assert_nothing_came(levels)


def test_a_statement_may_reject_the_delivery(levels: Levels, say: Callable[[str], None]) -> None:
    say("SELECT ops.reject_delivery('station ' || station || '; --', 'Ask.') FROM stage_levels")
    with pytest.raises(RejectedDelivery, match="station A; --") as failed:
        levels.deliver("a.csv", line("A", 1))
    assert (failed.value.place, failed.value.remedy) == (str(levels.folder / "a.csv"), "Ask.")
    assert_nothing_came(levels)
