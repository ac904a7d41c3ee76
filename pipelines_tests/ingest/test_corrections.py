"""Bad records that leave the quarantine because a later delivery sends their key correctly."""

import datetime as dt
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, Field, field_validator, model_validator
from sqlalchemy import event

from pipelines.ingest.contract import RecordValidator
from pipelines.ingest.csv_files import Batch
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content, Context, Feed, Parsed
from pipelines.ingest.parsers import Json, Records
from pipelines.ingest.reasons import Reason
from pipelines.ingest.record_keys import key_reader
from pipelines.ingest.runner import Runner
from pipelines.source import Name
from pipelines_tests.ingest.levels import Level, Levels, Owner, line, stepwise

QUARANTINE = "SELECT raw FROM ops.quarantine ORDER BY quarantine_id"
KEYS = "SELECT record_key FROM ops.quarantine ORDER BY quarantine_id"
LEDGER = (
    "SELECT read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
    " ORDER BY delivery_id"
)
KEY = ("station", "read_at")


def test_a_record_that_comes_corrected_leaves_the_quarantine(stored_levels: Levels) -> None:
    """Incident: a plug-in had to write SQL, or its quarantine only grew."""
    stored_levels.deliver("a.csv", line("A", "ice"), line("B", "ice"), line("C", 3))
    assert stored_levels.deliver("b.csv", line("A", 1)) == (1, 1, 0, 0)
    assert stored_levels.rows(QUARANTINE) == [(line("B", "ice"),)]
    assert stored_levels.rows(LEDGER) == [(3, 1, 1, 1), (1, 1, 0, 0)]
    stored_levels.check()


def test_one_that_is_stored_already_does_too(stored_levels: Levels) -> None:
    stored_levels.deliver("a.csv", line("A", 1))
    stored_levels.deliver("b.csv", line("A", "ice"))
    assert stored_levels.deliver("c.csv", line("A", 1)) == (1, 0, 1, 0)
    assert stored_levels.rows(QUARANTINE) == []
    stored_levels.check()


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


def test_a_record_without_a_valid_key_has_none(stored_levels: Levels) -> None:
    bad = line("\x07", 1), "A,yesterday,1", ",,9", "A,2026-01-01T00:00Z,1,2"
    stored_levels.deliver("a.csv", *bad)
    assert stored_levels.rows(KEYS) == [(None,)] * 4
    stored_levels.deliver("b.csv", line("A", 1))
    assert len(stored_levels.rows(QUARANTINE)) == 4


def test_dismissed_records_and_those_of_other_sources_stay(stored_levels: Levels) -> None:
    stored_levels.deliver("a.csv", line("A", "ice"))
    stored_levels.owner.execute("UPDATE ops.deliveries SET feed = 'others'")
    stored_levels.deliver("b.csv", line("A", "snow"))
    stored_levels.owner.execute(
        "UPDATE ops.quarantine SET dismissed_at = now(), dismissed_by = 'me',"
        " dismissal_reason = 'known' WHERE raw ~ 'snow'"
    )
    stored_levels.deliver("c.csv", line("A", 1))
    assert len(stored_levels.rows(QUARANTINE)) == 2


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
        *(line(station, "ice") for station in "AEC"),
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


def test_tables_with_equal_keys_are_not_confused(stored_levels: Levels) -> None:
    read = key_reader(Level, "bookings.levels", KEY)
    other = key_reader(Level, "bookings.others", KEY)
    record = {"station": "A", "read_at": "2026-01-01T00:00Z", "level": "ice"}
    assert read(record) != other(record)


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
    assert read({"id": 7}) is None
    assert read({"station": "a"}) is None
    assert read(["a"]) is None
    assert key_reader(Station, "t", ("unknown",))({"id": "a"}) is None
    assert key_reader(Station, "t", ())({"id": "a"}) is None


def test_a_rule_about_several_fields_leaves_the_record_its_key() -> None:
    """Incident: no record of a model with such a rule had a key."""

    class Stay(BaseModel):
        stay: int
        begins: int
        ends: int

        @model_validator(mode="before")
        @classmethod
        def complete(cls, values: Any) -> Any:
            if not isinstance(values, dict):
                return values
            return {**values, "ends": values["ends"] or values["begins"]}

        @model_validator(mode="after")
        def in_order(self) -> Self:
            if self.begins > self.ends:
                raise ValueError(f"it ends before it begins: {self.ends}\x00")
            return self

    sent = {"stay": "007", "begins": 2, "ends": 1}
    validator = RecordValidator([sent, "no object", sent | {"ends": 3}], name="stays", model=Stay)
    rejects = validator.rejects(key_reader(Stay, "t", ("stay",)))
    assert [(one.key, one.codes, one.words) for one in rejects] == [
        (("t", "7"), ["record_invalid"], ("it ends before it begins: 1?",)),
        (None, ["not_an_object"], ("not an object but str",)),
    ]
    assert list(validator.good()["stay"]) == [7]


def test_staged_records_are_not_read_without_quarantined_ones(stored_levels: Levels) -> None:
    """It costs nothing: the plan does not execute what reads the stage."""
    plans: list[Any] = []

    @event.listens_for(stored_levels.warehouse.engine, "before_cursor_execute", retval=True)
    def explain(connection: Any, cursor: Any, statement: str, given: Any, *_: Any) -> Any:
        if "bad AS MATERIALIZED" in statement:
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}", given)
            plans.append("\n".join(row for (row,) in cursor.fetchall()))
        return statement, given

    stored_levels.deliver("a.csv", line("A", 1))
    stored_levels.deliver("b.csv", line("A", "ice"))
    stored_levels.deliver("c.csv", line("A", 2))
    first, _, last = (
        [one for one in plan.splitlines() if "Scan on stage_levels" in one] for plan in plans
    )
    assert all("never executed" in one for one in first), plans[0]
    assert first
    assert any("never executed" not in one for one in last), plans[2]
    assert stored_levels.rows(QUARANTINE) == []


def test_a_parser_without_tables_reads_no_keys() -> None:
    parse = Json(Records(at="levels", model=Level, table="bookings.levels"))
    delivery = Delivery("levels", "document", "digest", 1, dt.datetime.now(dt.UTC))
    content = Content(delivery=delivery, document={"levels": [{"station": "A"}]})
    (parsed,) = parse(content, Context(source="levels", settings=None))
    assert [one.key for one in parsed.rejects] == [None]
