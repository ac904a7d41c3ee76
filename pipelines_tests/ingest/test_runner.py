"""The runner with a source of nothing but models, a table and a feed: files of water levels."""

from dataclasses import replace
from typing import Any

import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest import reject_collector
from pipelines.ingest.feeds import Cap, Content, Feed, Parsed
from pipelines.ingest.runner import Runner
from pipelines_tests.ingest.levels import FEED, Levels, Owner, line


def test_a_retry_inserts_what_is_missing_and_undoes_no_later_file(stored_levels: Levels) -> None:
    """A later file corrected A; since then, it is not known which B is the latest."""
    stored_levels.deliver("sunday.csv", line("B", 7))
    bad = [line(name, "ice") for name in "ABCE"]
    stored_levels.deliver("monday.csv", *bad, line("D", 4))
    stored_levels.deliver("tuesday.csv", line("A", 10))
    stored_levels.owner.execute(
        "UPDATE ops.quarantine SET raw = replace(raw, 'ice', '1') WHERE raw ~ '^[BC]'"
    )
    (outcome,) = stored_levels.runner.retry()
    assert (outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected) == (3, 1, 1, 1)
    assert stored_levels.rows() == [("A", 10.0), ("B", 7.0), ("C", 1.0), ("D", 4.0)]
    stored_levels.check()


def test_a_file_of_bad_lines_stores_nothing_and_keeps_examples(stored_levels: Levels) -> None:
    lines = [line(f"S{number}", "ice") for number in range(30)]
    with pytest.raises(PermanentFailure, match="30 of 30 records are bad"):
        stored_levels.deliver("a.csv", *lines)
    query = "SELECT read_count, sha256, jsonb_array_length(bad_records) FROM ops.deliveries"
    assert stored_levels.rows(query) == [(0, "", 30)]
    with pytest.raises(PermanentFailure, match="30 of 30 records are bad"):
        stored_levels.deliver("a.csv", *lines)
    assert len(stored_levels.rows(query)) == 1, "the same once more is one entry"
    stored_levels.deliver("a.csv", line("A", 1))
    query = "SELECT read_count, problem IS NULL, bad_records IS NULL FROM ops.deliveries ORDER BY 1"
    assert stored_levels.rows(query) == [(0, False, True), (1, True, True)]


def test_a_key_that_most_records_share_is_in_doubt(stored_levels: Levels) -> None:
    words = "38 of 40 rows share station and read_at with another one: is the key right\\? 38 of 40"
    with pytest.raises(PermanentFailure, match=words):
        stored_levels.deliver("a.csv", *(line("AB"[n % 2], n) for n in range(40)))
    assert stored_levels.rows() == []


def test_a_delivery_that_is_given_up_early_says_of_how_many_records(
    stored_levels: Levels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reject_collector, "MANY_BAD", 20)
    lines = [line(f"S{number}", "ice") for number in range(30)]
    words = "30 of the first 30 records are bad, more than 50%; no more was read, and nothing"
    with pytest.raises(PermanentFailure, match=words):
        stored_levels.deliver("a.csv", *lines)


def test_the_cap_of_a_feed_is_its_own(stored_levels: Levels) -> None:
    strict = Feed(name="levels", parse=FEED.parse, cap=Cap(share=0.1, few=1))
    stored_levels.runner = Runner(Owner(), strict, stored_levels.warehouse, None)
    assert stored_levels.deliver("a.csv", line("A", "ice"), line("B", 1)) == (2, 1, 0, 1)
    with pytest.raises(PermanentFailure, match="2 of 4 records are bad, more than the allowed 10%"):
        stored_levels.deliver(
            "b.csv", line("A", "ice"), line("C", "ice"), line("D", 1), line("E", 1)
        )


def test_a_fault_of_a_parser_says_that_it_is_one(stored_levels: Levels) -> None:
    def parse(content: Content, _: Any) -> Any:
        raise KeyError(content.delivery.name)

    broken = Feed(name="levels", parse=parse)
    stored_levels.runner = Runner(Owner(), broken, stored_levels.warehouse, None)
    with pytest.raises(PermanentFailure, match="bug in the code of the source"):
        stored_levels.deliver("a.csv", line("A", 1))


def test_the_counts_of_a_parser_that_miscounts_are_reported(stored_levels: Levels) -> None:
    def parse(content: Content, context: Any) -> Any:
        yield Parsed(read=3)
        yield from FEED.parse(content, context)

    feed = replace(FEED, parse=parse)
    stored_levels.runner = Runner(Owner(), feed, stored_levels.warehouse, None)
    with pytest.raises(PermanentFailure, match="of 4 records that were read, 1 are in the tables"):
        stored_levels.deliver("a.csv", line("A", 1))
    assert stored_levels.rows() == []


def test_a_retry_leaves_the_row_of_another_record_of_its_file(stored_levels: Levels) -> None:
    """Incident: the retry of a first line overwrote what a later line of the file had stored."""
    stored_levels.deliver("a.csv", line("A", "ice"), line("A", 222))
    stored_levels.owner.execute("UPDATE ops.quarantine SET raw = replace(raw, 'ice', '111')")
    (outcome,) = stored_levels.runner.retry()
    assert (outcome.loaded, outcome.unchanged, outcome.rejected) == (0, 1, 0)
    assert stored_levels.rows() == [("A", 222.0)]
    stored_levels.check()
