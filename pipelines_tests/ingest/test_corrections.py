"""Bad records that leave the quarantine because a later delivery sends their key correctly."""

import datetime as dt
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field, field_validator

from pipelines.ingest.column_rows import key_reader
from pipelines.ingest.csv_files import Batch
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content, Feed, Parsed
from pipelines.ingest.parsers import Json, Records
from pipelines.ingest.reasons import Reason
from pipelines.ingest.runner import Runner
from pipelines.source import Name
from pipelines_tests.ingest.levels import Levels, Owner, line, stepwise

QUARANTINE = "SELECT raw FROM ops.quarantine ORDER BY quarantine_id"
KEYS = "SELECT record_key FROM ops.quarantine ORDER BY quarantine_id"


def test_keys_are_compared_as_the_table_has_them(stored_levels: Levels) -> None:
    """The same instant, written in another zone."""
    bad, good = "A,2026-01-01T02:00:00+02:00,ice", "A,2025-12-31T19:00:00-05:00,1"
    stored_levels.deliver("a.csv", bad)
    assert stored_levels.rows(KEYS) == [(["bookings.levels", "A", "2026-01-01 00:00:00+00"],)]
    stored_levels.deliver("b.csv", good)
    assert stored_levels.rows(QUARANTINE) == []


def test_a_second_record_with_a_key_has_the_same_one(stored_levels: Levels) -> None:
    stored_levels.deliver("a.csv", line("A", 1), line("A", 2), line("A", "ice"))
    ((invalid,), (second,)) = stored_levels.rows(KEYS)
    assert invalid == second
    stored_levels.deliver("b.csv", line("A", 2))
    assert stored_levels.rows(QUARANTINE) == []
    stored_levels.check()


def test_a_delivery_resolves_none_of_its_own_nor_what_it_sends_again(stored_levels: Levels) -> None:
    lines = line("A", "ice"), line("A", 1)
    stored_levels.deliver("a.csv", *lines)
    assert stored_levels.rows(QUARANTINE) == [(lines[0],)]
    assert stored_levels.deliver("b.csv", *lines) == (2, 0, 2, 0)
    assert stored_levels.rows(QUARANTINE) == [(lines[0],)]
    stored_levels.check()


def test_a_statement_of_a_source_resolves_none_of_others(stored_levels: Levels) -> None:
    """Nor of the delivery itself, nor what it has sent once more: whatever it finds."""
    stored_levels.deliver("a.csv", line("A", "ice"))
    stored_levels.owner.execute("UPDATE ops.deliveries SET feed = 'others'")
    stored_levels.deliver("b.csv", line("B", "ice"))
    stored_levels.deliver("c.csv", line("E", "ice"))

    def read(batch: Batch, _: Any) -> Parsed:
        is_bad = batch.sent["level"] == "ice"
        rows = batch.sent[["station", "read_at", "level", "record"]][~is_bad]
        bad = {row: [Reason("level_invalid", "is ice")] for row in batch.sent.index[is_bad]}
        return batch.parsed({"stage_levels": rows}, bad)

    stepwise(stored_levels, "correct_everything", read=read)
    lines = line("C", "ice"), line("D", 1), line("E", "ice")
    assert stored_levels.deliver("d.csv", *lines) == (3, 1, 1, 1)
    assert [one for (one,) in stored_levels.rows(QUARANTINE)] == [
        *(line(station, "ice") for station in "AEC")
    ]
    stored_levels.check()


def test_a_key_that_the_table_cannot_have_is_none(stored_levels: Levels) -> None:
    """What a model lets through, a bad record does not fail the delivery with."""

    class Loose(BaseModel):
        station: Name
        read_at: str
        level: float = Field(description="is not a level")

    parse = Json(Records(at="levels", model=Loose, table="bookings.levels"))
    feed = Feed(name="levels", parse=parse)
    runner = Runner(Owner(), feed, stored_levels.warehouse, None)
    sent = [
        {"station": "A", "read_at": at, "level": "ice"}
        for at in ("never", "2026-01-01T00:00Z", "\x00", "\ud800", "'; --")
    ]
    delivery = Delivery("levels", "document", "digest", 1, dt.datetime.now(dt.UTC))
    runner.load(Content(delivery=delivery, document={"levels": sent}))
    found = [key for (key,) in stored_levels.rows(KEYS)]
    assert found == [None, ["bookings.levels", "A", "2026-01-01 00:00:00+00"], None, None, None]


def test_the_key_of_a_record_is_read_as_its_model_reads_it() -> None:
    class Station(BaseModel):
        station: str = Field(alias="id")
        read_at: AwareDatetime
        level: float

        @field_validator("station")
        @classmethod
        def upper(cls, value: str) -> str:
            return value.upper()

    read = key_reader(Station, "t", ("station",))
    assert read({"id": "a", "level": None}) == ("t", "A")
    assert [read(one) for one in ({"id": 7}, {"station": "a"}, ["a"])] == [None] * 3
    assert [key_reader(Station, "t", key)({"id": "a"}) for key in (("no",), ())] == [None] * 2
