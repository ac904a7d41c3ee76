"""What `Rows` makes of values, padded lines and words of models; and which files it reads again."""

import datetime as dt
import io
import subprocess
import sys
from dataclasses import replace
from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    AliasPath,
    AwareDatetime,
    BaseModel,
    create_model,
    model_validator,
)

from pipelines.ingest import csv_files
from pipelines.ingest.contract import RecordValidator, Reject
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content, Context, Parsed
from pipelines.ingest.file_loader import load_files
from pipelines.ingest.inbox import Inbox
from pipelines.ingest.reasons import Reason
from pipelines.ingest.row_files import Rows
from pipelines.ingest.runner import Runner
from pipelines.source import Field, Name
from pipelines_tests.ingest.levels import AT, FEED, HEADER, Level, Levels, Owner, line
from pipelines_tests.ingest.test_row_files import as_csv, as_excel, as_json_lines

OPTIONS = """
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated
from pydantic import BaseModel, BeforeValidator, PlainValidator
from pipelines import source as isobar

class Depth(BaseModel):
    station: isobar.Name
    metres: Annotated[Decimal, BeforeValidator(lambda value: value)]
    unit: Annotated[str, PlainValidator(lambda value: value)] = "m"
    reader: Callable[[], str] | None = print
"""


def options_of_a_process(model: str = OPTIONS, at: str = "") -> str:
    code = f'{model}\nprint(isobar.Rows(Depth, table="a.b", at={at!r}).options(None))'
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return ran.stdout.strip()


def test_the_run_and_the_sensor_agree_on_how_files_are_read() -> None:
    """Incident: the digest had the address of an object, so that a rejected file of a plug-in
    started a failing run each minute."""
    by_run = options_of_a_process()
    assert by_run == options_of_a_process()
    others = OPTIONS.replace("metres", "feet"), OPTIONS.replace("Decimal, Before", "int, Before")
    different = {*map(options_of_a_process, others), options_of_a_process(at="data")}
    assert len({by_run, *different}) == 4


def test_a_rejected_file_waits_until_its_model_changes(
    stored_levels: Levels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    bad, good = stored_levels.folder / "bad.csv", stored_levels.folder / "good.csv"
    bad.write_text(HEADER + "".join(f"{line(str(n), 'ice')}\n" for n in range(30)))

    def inbox(model: type[BaseModel]) -> Inbox:
        options = Rows(model, table="bookings.levels").options(None)
        return Inbox("levels", stored_levels.folder, "LEVELS_INBOX", options, (".csv",))

    box, store = inbox(Level), stored_levels.warehouse
    outcomes, (failure,) = load_files(stored_levels.runner, box, box.ready(store)[0])
    assert outcomes == []
    assert "30 of 30" in str(failure)
    good.write_text(f"{HEADER}{line('A', 1)}\n")
    assert [file.name for file in inbox(Level).ready(store)[0]] == ["good.csv"]
    load_files(stored_levels.runner, box, box.ready(store)[0])
    assert stored_levels.rows() == [("A", 1.0)]
    looser = create_model("Level", __base__=Level, level=(str, ...))
    assert [file.name for file in inbox(looser).ready(store)[0]] == ["bad.csv"]


@pytest.mark.parametrize("surplus", ["North, Pier,2026-01-01T05:00:00Z,1", "N,,2026-01-01,1"])
def test_a_retry_stores_no_shifted_line(stored_levels: Levels, surplus: str) -> None:
    """Incident: with a surplus field, the values of a line were stored under other names."""
    at = AT.format(1)
    lines = [f"A,{at},1,", f"B,{at},2,", surplus, f"C,{at},ice,"]
    content = (HEADER + "".join(f"{one}\n" for one in lines)).encode()
    assert stored_levels.deliver_bytes("lines.csv", content) == (4, 2, 0, 2)
    stored_levels.owner.execute("UPDATE ops.quarantine SET raw = replace(raw, 'ice', '3')")
    stored_levels.runner.retry()
    assert stored_levels.rows() == [("A", 1.0), ("B", 2.0), ("C", 3.0)]
    codes = stored_levels.rows("SELECT DISTINCT reason_codes FROM ops.quarantine")
    assert codes == [(["wrong_field_count"],)]
    stored_levels.check()


@pytest.mark.parametrize("end", [",", ',""'])
@pytest.mark.parametrize("values", [("x", "y"), ("", "see note"), ("", "")])
def test_a_column_without_a_name_stays_unread(
    stored_levels: Levels, end: str, values: tuple[str, str]
) -> None:
    """Also where few lines have a value in it."""
    first, second = values
    lines = f"{line('A', 1)},{first}\n{line('B', 'ice')},{second}\n{line('C', 2)},\n"
    content = f"{HEADER.strip()}{end}\n{lines}".encode()
    assert stored_levels.deliver_bytes("unnamed.csv", content) == (3, 2, 0, 1)
    stored_levels.owner.execute("UPDATE ops.quarantine SET raw = replace(raw, 'ice', '3')")
    stored_levels.runner.retry()
    assert stored_levels.rows() == [("A", 1.0), ("B", 3.0), ("C", 2.0)]
    stored_levels.check()


def test_padded_lines_are_read_alike_at_once_and_one_by_one(
    stored_levels: Levels, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{line(f'S{n}', n % 7)},{'note' if n % 9 == 8 else ' ' * (n % 2)}" for n in range(40)]
    content = (HEADER + "".join(f"{one}\n" for one in lines)).encode()
    found = []
    for name, is_at_once in (("a.csv", True), ("b.csv", False)):
        monkeypatch.setattr(csv_files, "is_plain", lambda *_, plain=is_at_once: plain)
        stored_levels.owner.execute("DELETE FROM bookings.levels; DELETE FROM ops.quarantine")
        stored_levels.owner.execute("UPDATE ops.deliveries SET feed = 'before'")
        counts = stored_levels.deliver_bytes(name, content)
        kept = stored_levels.rows("SELECT position, raw, reasons FROM ops.quarantine ORDER BY 1")
        found.append((counts, stored_levels.rows(), kept))
    assert found[0] == found[1]
    assert found[0][0] == (40, 36, 0, 4)


class Note(BaseModel):
    """A level with a word of its reader."""

    station: Name
    read_at: AwareDatetime
    level: float | None = None
    word: str | None = Field(default=None, missing=("unknown", "n/a"))
    other: str | None = None


@pytest.mark.parametrize(
    ("sent", "word", "other"),
    [
        *((one, None, None) for one in ("", "NULL", "\\N", "nan", "#N/A")),
        *((one, one, one) for one in ("None", "undefined", "(null)", "N/A", "<NA>", "NaT", "-")),
        ("n/a", None, "n/a"),
        ("unknown", None, "unknown"),
    ],
)
@pytest.mark.parametrize("kind", [as_csv, as_excel])
def test_a_word_in_a_text_is_a_word(
    stored_levels: Levels, kind: Any, sent: str, word: str | None, other: str | None
) -> None:
    """Incident: a person called None, and a state that is undefined, were no values."""
    row = {"station": "A", "read_at": AT.format(1), "level": sent, "word": sent, "other": sent}
    content = kind([{**row, "level": "1"}, {**row, "level": "n/a"}, row])
    if kind is as_csv:
        content = content.replace(HEADER.encode(), f"{','.join(row)}\n".encode())
    name = "notes.csv" if kind is as_csv else "notes.xlsx"
    delivery = Delivery("levels", name, "", 0, dt.datetime.now(dt.UTC))
    given = Content(delivery=delivery, file=io.BytesIO(content))
    parse, context = Rows(Note, table="a.b"), Context(source="levels", settings=None)
    batches = [*parse(given, context)]
    frames = [rows for one in batches for rows in one.rows.values()]
    texts = [tuple(texts) for one in frames for texts in one[["word", "other"]].to_numpy()]
    rejected = [reject.codes for one in batches for reject in one.rejects]
    is_no_number = sent == "-" or sent == "unknown"
    assert texts == [(word, other)] * (2 if is_no_number else 3)
    assert rejected == ([["level_invalid"]] if is_no_number else [])


class Nested(BaseModel):
    """A reading whose place is within another object."""

    number: int
    place: str | None = Field(
        default=None, validation_alias=AliasPath("at", "place"), missing=("n/a",)
    )


def test_a_missing_text_may_be_within_another_object() -> None:
    sent = [{"number": 1, "at": {"place": "n/a"}}, {"number": 2, "at": {"place": "Pier"}}]
    validator = RecordValidator(sent, name="rows", model=Nested)
    assert validator.good()["place"].tolist() == [None, "Pier"]
    assert sent[0]["at"] == {"place": "n/a"}, "what was sent stays as it was"


def test_what_a_validator_says_can_be_stored(stored_levels: Levels) -> None:
    """Incident: its words had the NUL of the value, and no good record of the file was stored."""

    def of_field(value: str) -> str:
        if "\x00" in value:
            raise ValueError(f"is no station: {value}")
        return value

    class Loose(Level):
        station: Annotated[str, AfterValidator(of_field)]

        @model_validator(mode="after")
        def of_record(self) -> Any:
            if self.station == "record":
                raise ValueError("not \x00 at all")
            return self

    parse = Rows(Loose, table="bookings.levels")
    stored_levels.runner = Runner(
        Owner(), replace(FEED, parse=parse), stored_levels.warehouse, None
    )
    rows = [{"station": one, "read_at": AT.format(1), "level": 1.0} for one in "AB"]
    bad = [{**rows[0], "station": "a\x00b"}, {**rows[0], "station": "record"}]
    assert stored_levels.deliver_bytes("a.jsonl", as_json_lines([*rows, *bad])) == (4, 2, 0, 2)
    kept = stored_levels.rows("SELECT reasons[1] FROM ops.quarantine ORDER BY quarantine_id")
    assert kept == [('station is not valid (is no station: a?b): "a\\u0000b"',), ("not ? at all",)]
    assert stored_levels.rows() == [("A", 1.0), ("B", 1.0)]


def test_what_a_parser_of_a_plug_in_says_can_be_stored(stored_levels: Levels) -> None:
    def read(content: Content, _: Context) -> list[Parsed]:
        header, good = Rows(Level, table="bookings.levels")(content, _)
        words = Reason("no\x00code", "half a pair \ud800, and \x00")
        bad = Reject(2, "line \x00 2", "raw \x00 \ud800", (words,), ("bookings.levels", "\x00"))
        return [header, replace(good, read=2, rejects=[bad])]

    stored_levels.runner = Runner(Owner(), replace(FEED, parse=read), stored_levels.warehouse, None)
    assert stored_levels.deliver("a.csv", line("A", 1)) == (2, 1, 0, 1)
    kept = stored_levels.rows("SELECT raw, reasons, reason_codes, position FROM ops.quarantine")
    assert kept == [("raw \\x00 ?", ["half a pair ?, and ?"], ["no?code"], "line ? 2")]
    assert stored_levels.deliver("b.csv", line("A", 1)) == (2, 0, 2, 0), "it is kept once"
