"""The runner with a source of nothing but models, a table and a feed: files of water levels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Column, DateTime, Double, MetaData, Table, Text

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import miscounted, unbalanced
from pipelines.ingest.feeds import Cap, Content, Feed, Latest, Merge, Parsed, Reparse
from pipelines.ingest.file_loader import load_file
from pipelines.ingest.inbox import inspect_file
from pipelines.ingest.parsers import Csv, csv_records
from pipelines.ingest.runner import Runner
from pipelines.source import Name, delivery_id_column, source_metadata
from pipelines.warehouse.connection import Warehouse

HEADER = "station,read_at,level\n"
AT = "2026-01-01T{:02}:00Z"


class Level(BaseModel):
    """A reading."""

    station: Name
    read_at: AwareDatetime = Field(description="is not a time")
    level: float = Field(ge=-1000, le=2000, description="is not a level")


metadata: MetaData = source_metadata()
levels = Table(
    "levels",
    metadata,
    Column("station", Text, primary_key=True),
    Column("read_at", DateTime(timezone=True), primary_key=True),
    Column("level", Double, nullable=False),
    delivery_id_column(),
    schema="bookings",  # in which the loader may write
)
FEED = Feed(
    name="levels",
    parse=csv_records(Level, table="bookings.levels"),
    write=Latest(),
    rejects="once",
    again=Reparse(),
)


@dataclass(frozen=True)
class Owner:
    """A source, as far as the runner needs it."""

    name: str = "levels"
    package: str = "pipelines_tests.ingest"
    metadata: MetaData = metadata


class Levels:
    """A folder of files of levels, and the database into which they are loaded."""

    def __init__(self, warehouse: Warehouse, owner: psycopg.Connection, folder: Path) -> None:
        self.warehouse, self.owner, self.folder = warehouse, owner, folder
        self.runner = Runner(Owner(), FEED, warehouse, None)

    def deliver(self, name: str, *lines: str, end: str = "\n") -> tuple[int, int, int, int]:
        """Load a file; returns read, loaded, unchanged, rejected."""
        file = self.folder / name
        file.write_text(HEADER + "\n".join(lines) + end)
        found = inspect_file("levels", file)
        outcome = load_file(self.warehouse, "levels", found, self.runner.load_file)
        assert outcome is not None
        return outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected

    def rows(self, query: str = "SELECT station, level FROM bookings.levels ORDER BY 1") -> Any:
        return self.owner.execute(query.encode()).fetchall()

    def check(self) -> None:
        """The counts balance, and are those of the rows."""
        with self.warehouse.engine.connect() as connection:
            assert unbalanced(connection, "levels") == []
            assert miscounted(connection, ["bookings.levels"]) == []


@pytest.fixture
def stored(warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path) -> Levels:
    owner.execute(
        "CREATE TABLE bookings.levels (station text, read_at timestamptz, level float8 NOT NULL,"
        " delivery_id bigint NOT NULL, PRIMARY KEY (station, read_at))"
    )
    owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON bookings.levels TO isobar_loader")
    return Levels(warehouse, owner, tmp_path)


def line(station: str, level: Any, hour: int = 0) -> str:
    return f"{station},{AT.format(hour)},{level}"


QUARANTINE = """
SELECT position, reason_codes[1], raw FROM ops.quarantine ORDER BY quarantine_id
"""


def test_a_later_row_replaces_the_stored_one_and_equal_ones_are_unchanged(stored: Levels) -> None:
    assert stored.deliver("a.csv", line("A", 1), line("B", 2)) == (2, 2, 0, 0)
    assert stored.deliver("b.csv", line("A", 1), line("B", 3)) == (2, 1, 1, 0)
    assert stored.rows() == [("A", 1.0), ("B", 3.0)]
    stored.check()


def test_of_two_records_with_one_key_the_first_counts(stored: Levels) -> None:
    lines = line("A", 1), line("A", 2), line("A", 1), line("B", 1)
    assert stored.deliver("a.csv", *lines) == (4, 3, 0, 1)
    assert stored.rows() == [("A", 1.0), ("B", 1.0)]
    assert stored.rows(QUARANTINE) == [("line 3", "came_before", lines[1])]
    assert stored.runner.retry() == [], "its reason is final"
    stored.check()


def test_a_bad_line_that_is_sent_again_counts_as_unchanged(stored: Levels) -> None:
    assert stored.deliver("a.csv", line("A", "ice"), line("B", 2)) == (2, 1, 0, 1)
    assert stored.deliver("b.csv", line("A", "ice"), line("B", 2), line("C", 3)) == (3, 1, 2, 0)
    assert stored.rows(QUARANTINE) == [("line 2", "level_invalid", line("A", "ice"))]
    stored.check()


def test_a_retry_inserts_what_is_missing_and_undoes_no_later_file(stored: Levels) -> None:
    bad = [line(name, "ice") for name in "ABC"]
    stored.deliver("monday.csv", *bad, line("D", 4))
    stored.deliver("tuesday.csv", line("A", 10))
    stored.owner.execute(
        "UPDATE ops.quarantine SET raw = replace(raw, 'ice', '1') WHERE raw ~ '^[AB]'"
    )
    (outcome,) = stored.runner.retry()
    assert (outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected) == (3, 1, 1, 1)
    assert stored.rows() == [("A", 10.0), ("B", 1.0), ("D", 4.0)]
    stored.check()


def test_a_retry_of_the_last_file_replaces_what_it_says(stored: Levels) -> None:
    stored.deliver("monday.csv", line("A", 1))
    stored.deliver("tuesday.csv", line("A", "ice"))
    stored.owner.execute("UPDATE ops.quarantine SET raw = replace(raw, 'ice', '2')")
    stored.runner.retry()
    assert stored.rows() == [("A", 2.0)]
    stored.check()


def test_a_line_that_was_cut_gives_way_to_the_complete_file(stored: Levels) -> None:
    columns = "read_at,level,station\n"
    file = stored.folder / "a.csv"

    def load(content: str) -> None:
        file.write_text(content)
        found = inspect_file("levels", file)
        load_file(stored.warehouse, "levels", found, stored.runner.load_file)

    whole = f"{columns}{AT.format(0)},1,A\n{AT.format(0)},2,BCD"
    load(whole[:-1])
    assert stored.rows() == [("A", 1.0), ("BC", 2.0)]
    load(f"{whole}\n{AT.format(0)},3,E\n")
    assert stored.rows() == [("A", 1.0), ("BCD", 2.0), ("E", 3.0)]
    stored.check()


def test_a_file_of_bad_lines_stores_nothing_and_keeps_examples(stored: Levels) -> None:
    lines = [line(f"S{number}", "ice") for number in range(30)]
    with pytest.raises(PermanentFailure, match="30 of 30 records are bad"):
        stored.deliver("a.csv", *lines)
    assert stored.rows("SELECT count(*) FROM ops.deliveries") == [(0,)]
    assert stored.rows("SELECT count(*) FROM ops.unloaded_rejects") == [(30,)]


def test_the_cap_of_a_feed_is_its_own(stored: Levels) -> None:
    strict = Feed(name="levels", parse=FEED.parse, write=Latest(), cap=Cap(share=0.1, few=1))
    stored.runner = Runner(Owner(), strict, stored.warehouse, None)
    assert stored.deliver("a.csv", line("A", "ice"), line("B", 1)) == (2, 1, 0, 1)
    with pytest.raises(PermanentFailure, match="2 of 4 records are bad, more than the allowed 10%"):
        stored.deliver("b.csv", line("A", "ice"), line("C", "ice"), line("D", 1), line("E", 1))


@pytest.mark.parametrize("sql", ["ends_transaction", "rolls_back"])
def test_a_statement_that_ends_the_transaction_fails_the_delivery(stored: Levels, sql: str) -> None:
    """Incident: half a delivery was stored, and the rest failed."""
    merge = Merge(stages="stages_levels", write=("put_levels", sql), stored="count_levels")

    def read(batch: Any, _: Any) -> Parsed:
        rows = batch.sent[["station", "read_at", "level", "record"]]
        return Parsed(read=len(rows), rows={"stage_levels": rows})

    feed = Feed(
        name="levels",
        parse=Csv(columns=("station", "read_at", "level"), read=read),
        write=merge,
    )
    stored.runner = Runner(Owner(), feed, stored.warehouse, None)
    with pytest.raises(
        PermanentFailure, match=r"a commit came before|rolls_back.sql ended the transaction"
    ):
        stored.deliver("a.csv", line("A", 1), line("B", 2))
    assert stored.rows() == []
    assert stored.rows("SELECT count(*) FROM ops.deliveries") == [(0,)]


def test_a_parser_that_yields_nothing_is_an_empty_delivery(stored: Levels) -> None:
    empty = Feed(name="levels", parse=lambda _, __: (), write=Latest())
    runner = Runner(Owner(), empty, stored.warehouse, None)
    file = stored.folder / "a.csv"
    file.write_text(HEADER)
    outcome = load_file(stored.warehouse, "levels", inspect_file("levels", file), runner.load_file)
    assert outcome is not None
    assert (outcome.read, outcome.loaded) == (0, 0)


def test_a_fault_of_a_parser_says_that_it_is_one(stored: Levels) -> None:
    def parse(content: Content, _: Any) -> Any:
        raise KeyError(content.delivery.name)

    broken = Feed(name="levels", parse=parse, write=Latest())
    stored.runner = Runner(Owner(), broken, stored.warehouse, None)
    with pytest.raises(PermanentFailure, match="bug in the code of the source"):
        stored.deliver("a.csv", line("A", 1))
