"""The same rows in files of every kind: stored alike, and bad ones kept alike."""

import datetime as dt
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random
from typing import Any, BinaryIO

import pyarrow as pa
import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]
from pyarrow import parquet

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content, Context
from pipelines_tests.ingest.levels import AT, FEED, HEADER, Levels

ROWS = [
    {"station": "A", "read_at": AT.format(1), "level": 1.5},
    {"station": "B", "read_at": AT.format(1), "level": 9999.0},
    {"station": "C", "read_at": AT.format(1), "level": 3.0},
]


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    return (HEADER + "".join(f"{','.join(map(str, row.values()))}\n" for row in rows)).encode()


def as_json_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def as_parquet(rows: list[dict[str, Any]] | pa.Table) -> bytes:
    target = io.BytesIO()
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    parquet.write_table(table, target)
    return target.getvalue()


def workbook(rows: Iterable[Iterable[Any]], *more: tuple[str, list[Any]]) -> bytes:
    """An Excel file of these rows, and other sheets of a title and a row."""
    book, target = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append([*row])
    for title, row in more:
        book.create_sheet(title).append(row)
    book.save(target)
    return target.getvalue()


def as_excel(rows: list[dict[str, Any]]) -> bytes:
    return workbook([rows[0], *(row.values() for row in rows)])


KINDS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "levels.csv": as_csv,
    "levels.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
    "levels.jsonl": as_json_lines,
    "levels.ndjson.gz": lambda rows: gzip.compress(as_json_lines(rows)),
    "levels.json": lambda rows: json.dumps(rows).encode(),
    "levels.parquet": as_parquet,
    "LEVELS.XLSX": as_excel,
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_file_stores_the_same_rows_and_keeps_the_bad_one_until_it_is_mended(
    stored_levels: Levels, name: str
) -> None:
    assert stored_levels.deliver_bytes(name, KINDS[name](ROWS)) == (3, 2, 0, 1)
    assert stored_levels.rows() == [("A", 1.5), ("C", 3.0)]
    ((reasons,),) = stored_levels.rows("SELECT reasons FROM ops.quarantine")
    assert reasons[0].startswith("level is not a level: ")
    again = stored_levels.deliver_bytes(f"again-{name}", KINDS[name](ROWS))
    assert again == (3, 0, 3, 0), "a bad row that is sent again is kept once"
    stored_levels.owner.execute("UPDATE ops.quarantine SET raw = replace(raw, '9999', '7')")
    (outcome,) = stored_levels.runner.retry()
    assert (outcome.read, outcome.loaded, outcome.rejected) == (1, 1, 0)
    assert stored_levels.rows() == [("A", 1.5), ("B", 7.0), ("C", 3.0)]
    stored_levels.check()


def test_lines_that_are_not_json_are_kept_as_they_came(stored_levels: Levels) -> None:
    content = as_json_lines(ROWS[:1]) + b'\n \n{"station": "B"\n[1]\n\xef\xbf\n'
    assert stored_levels.deliver_bytes("levels.jsonl", content) == (4, 1, 0, 3)
    query = "SELECT reason_codes[1], raw, position FROM ops.quarantine ORDER BY record_number"
    first, second, third = stored_levels.rows(query)
    assert first[:2] == ("not_json", '{"station": "B"')
    assert second == ("not_an_object", "[1]", "line 5")
    assert third[0] == "not_json"


def test_cells_beyond_the_header_and_unread_sheets_are_named(stored_levels: Levels) -> None:
    book = workbook([[*ROWS[0]], [*ROWS[0].values(), "more"]], ("February", []))
    assert stored_levels.deliver_bytes("levels.xlsx", book) == (1, 1, 0, 0)
    ((drift,),) = stored_levels.rows("SELECT drift FROM ops.deliveries")
    assert "column 4" in "".join(drift)
    assert "sheets that were not read: 'February'" in drift


def test_what_people_write_around_a_table_is_passed_over(stored_levels: Levels) -> None:
    """Titles above it and the header once more; numbers where names are expected."""
    header, (_, *rest) = [*ROWS[0]], ROWS[0].values()
    two = [7, *rest], header, ["B_x0041_", *rest]
    rows: list[list[Any]] = [["Levels of today"], [], header, *two]
    assert stored_levels.deliver_bytes("levels.xlsx", workbook(rows)) == (2, 2, 0, 0)
    assert [row[0] for row in stored_levels.rows()] == ["7", "BA"]
    with pytest.raises(PermanentFailure, match="row 7 is another header"):
        stored_levels.deliver_bytes("other.xlsx", workbook([*rows, reversed(header)]))


def with_parts(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the XML of an Excel file."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for one in old.namelist():
            new.writestr(one, change(old.read(one)))
    return target.getvalue()


@pytest.mark.parametrize("said", [b"A1", b"A1:B2", b"A1:A9"])
def test_cells_beyond_a_sheets_said_size_are_read(stored_levels: Levels, said: bytes) -> None:
    book = with_parts(
        as_excel([ROWS[0], ROWS[2]]),
        lambda xml: re.sub(rb'<dimension ref="[^"]+"', b'<dimension ref="' + said + b'"', xml),
    )
    assert stored_levels.deliver_bytes("levels.xlsx", book) == (2, 2, 0, 0)
    assert [row[0] for row in stored_levels.rows()] == ["A", "C"]


def parse(name: str, file: BinaryIO) -> None:
    delivery = Delivery("levels", name, "", 1, dt.datetime.now(dt.UTC))
    content = Content(delivery=delivery, file=file)
    list(FEED.parse(content, Context(source="levels", settings=None)))


def test_a_damaged_sheet_rejects_its_file_and_raises_nothing_else() -> None:
    """Whatever zlib, the XML or openpyxl stumble on: one such file stopped its inbox."""
    whole = as_excel(ROWS)
    random = Random(3)
    read = 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        with suppress(PermanentFailure):
            parse("levels.xlsx", io.BytesIO(damaged))
            read += 1
    assert 0 < read < 60, "none was damaged, or each so much that it was no workbook"


def test_true_is_no_number_and_bytes_are_no_text_in_a_retry(stored_levels: Levels) -> None:
    sent = json.dumps([ROWS[0] | {"level": True}, ROWS[2]]).encode()
    assert stored_levels.deliver_bytes("levels.json", sent)[:2] == (2, 1)
    rows = [ROWS[0] | {"station": one} for one in (b"\xff", b"\xfe")]
    assert stored_levels.deliver_bytes("levels.parquet", as_parquet(rows)) == (2, 0, 0, 2)
    assert sum(one.loaded for one in stored_levels.runner.retry()) == 0
    assert [row[0] for row in stored_levels.rows()] == ["C"]


@pytest.mark.parametrize("name", ["levels.json", "levels.parquet", "levels.xlsx"])
def test_a_disk_that_cannot_be_read_does_not_make_the_file_a_bad_one(name: str) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        parse(name, Broken())


TWICE = as_parquet(pa.table([["A"], ["B"]], names=["station", "station"]))
LATE = as_parquet(pa.table({"read_at": pa.array([2**62], pa.timestamp("us", "UTC"))}))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("levels.parquet", b"PAR1 no", "it is no parquet file"),
        ("levels.parquet", TWICE, "several columns named station"),
        ("levels.parquet", LATE, "a time is beyond the year 9999: write null"),
        ("levels.xlsx", b"no", "it is no xlsx file"),
        ("levels.json", b"[{", "it is no json file"),
        ("levels.json", b'{"rows": []}', "it is not a list"),
        ("levels.jsonl", b"[" * 2_000_000, "line 1 is longer than"),
    ],
)
def test_a_file_that_is_not_of_its_kind_is_rejected_as_a_whole(
    stored_levels: Levels, name: str, content: bytes, problem: str
) -> None:
    with pytest.raises(PermanentFailure, match=problem):
        stored_levels.deliver_bytes(name, content)
    assert stored_levels.rows() == []
    assert stored_levels.rows("SELECT * FROM ops.deliveries WHERE problem IS NULL") == []


def test_a_number_whose_digits_a_workbook_has_lost_is_rejected(stored_levels: Levels) -> None:
    sent = as_excel([ROWS[0], ROWS[1] | {"station": 2.0061500000202137e18}])
    assert stored_levels.deliver_bytes("levels.xlsx", sent) == (2, 1, 0, 1)
    assert stored_levels.runner.retry() == [], "its text has the same digits"
    ((reasons,),) = stored_levels.rows("SELECT reasons FROM ops.quarantine")
    assert "whose digits a spreadsheet has lost" in reasons[0]


@pytest.mark.parametrize("title", [None, "Levels of the harbour"])
def test_a_sheet_without_a_header_is_rejected(stored_levels: Levels, title: str | None) -> None:
    book = workbook([[title]], ("Data", [*ROWS[0]]))
    with pytest.raises(PermanentFailure, match=r"with expected columns; not read: 'Data'"):
        stored_levels.deliver_bytes("levels.xlsx", book)


def test_a_workbook_whose_sheets_openpyxl_does_not_see_is_named(stored_levels: Levels) -> None:
    """Strict Open XML has other namespaces: there is no sheet, and it was an IndexError."""

    def strict(text: bytes) -> bytes:
        for kind in (b"spreadsheetml/2006/main", b"officeDocument/2006/relationships"):
            there = b"http://purl.oclc.org/ooxml/" + kind.replace(b"2006/", b"")
            text = text.replace(b"http://schemas.openxmlformats.org/" + kind, there)
        return text

    with pytest.raises(PermanentFailure, match="Strict Open XML"):
        stored_levels.deliver_bytes("levels.xlsx", with_parts(as_excel(ROWS), strict))
