"""Batches of a CSV file say what its records say, however lines are written and blocks break."""

import io
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.failures import PermanentFailure
from pipelines.ingest import csv_files
from pipelines.ingest.csv_files import BLOCK_BYTES, MAX_RECORD_LINES, CsvFile
from pipelines.ingest.feeds import Parsed
from pipelines.ingest.parsers import Csv
from pipelines.ingest.reasons import Reason
from pipelines.warehouse.connection import RECORD
from pipelines_tests.ingest.one_by_one import records

PROMISED = ("a", "b", "c")
FORM = Csv(columns=PROMISED, read=lambda *_: Parsed(), optional=("c",), aliases={"a2": "a"})
FEW_BYTES = (1, 7, 64)

#: A record's line, the fields of its promised columns, its text.
Good = tuple[int, tuple[str, ...], str]
#: A record's line, its text, what is wrong with it.
Broken = tuple[int, str, Reason]


def opened(content: bytes, encoding: str = "utf-8", variable: str | None = None) -> CsvFile:
    """A file of a, b and perhaps c, where A2 means a."""
    return CsvFile(
        io.BytesIO(content),
        FORM,
        source="trains",
        name="trains.csv",
        encoding=encoding,
        variable=variable,
    )


def of_each_record(content: bytes) -> tuple[list[Good], list[Broken]]:
    file = opened(content)
    columns = file.layout.columns
    places = [columns.index(name) if name in columns else None for name in PROMISED]
    good: list[Good] = []
    broken: list[Broken] = []
    for line, raw, fields, problem in records(file):
        if fields is not None:
            values = tuple("" if place is None else fields[place] for place in places)
            good.append((line, values, raw))
        else:
            assert problem is not None
            broken.append((line, raw, problem))
    return good, broken


def of_each_batch(content: bytes) -> tuple[list[Good], list[Broken]]:
    good: list[Good] = []
    broken: list[Broken] = []
    for batch in opened(content).batches():
        assert {str(batch.sent[name].dtype) for name in PROMISED} == {"str"}
        assert batch.sent.index.tolist() == list(range(len(batch.sent)))
        numbers = batch.sent[RECORD].tolist()
        fields = zip(*(batch.sent[name].tolist() for name in PROMISED), strict=True)
        raws = map(batch.raw, range(len(numbers)))
        good.extend(zip(numbers, fields, raws, strict=True))
        broken.extend(batch.broken)
    return good, broken


@pytest.fixture(params=[1, 64, BLOCK_BYTES], ids=lambda count: f"blocks of {count:,}")
def block_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    count: int = request.param
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", count)
    return count


WIDE = [*PROMISED, *(f"x{number}" for number in range(40))]
QUOTED = ['"1"'] * len(WIDE)
SOME_LINES = 'a,b,c\n1,"{}",3\n4,5,6\n'
SAME_EITHER_WAY: dict[str, str | bytes] = {
    "another order and columns that nobody promised": "x,c,b,y,a\n0,3,2,0,1\n0,6,5,0,4\n",
    "an optional column is missing": "b,a\n2,1\n5,4\n6\n",
    "tabs": 'a\tb\tc\n1\t 2\t3\n"1\t5"\t2\t3\n1\t2\n',
    "only tabs between other lines, of which some have quotes": (
        'a\tb\tc\n"1"\t2\t3\n\t\t\n4\t5\t6\n\t\n\t\t\t\n7\t8\t9\n'
    ),
    "blanks around fields stay": "a,b,c\n 1 ,2 , 3\n\u00a01,\t2,3\u2003\n",
    "CRLF in a quoted field": 'a,b,c\r\n1,"2\r\n2",3\r\n4,5,6\r\n',
    "too few and too many fields": "a,b,c\n1\n1,2\n1,2,3\n1,2,3,4\n1,2,3,4,5\n4,5,6\n",
    "all lines have quotes, of many columns": f"{','.join(WIDE)}\n{','.join(QUOTED)}\n",
    "quotes in quotes": 'a,b,c\n"say ""so""",2,3\n"""",2,3\n"",2,3\n"""""",2,3\n',
    "several lines in a field that nobody promised": (
        'a,note,b,c\n1,"one\ntwo, ""so""\n\nfour",2,3\n4,x,5,6\n'
    ),
    "several lines, and an even number of quotes on each": (
        'a,b,c\n12" tube,"one\ntwo",3" wide\n4,5,6\n'
    ),
    "a quote that stays open before more lines than a field may have": (
        'a,b,c\n1,2,3\n4,"5,6\n' + "7,8,9\n" * (MAX_RECORD_LINES + 10)
    ),
    "a field of as many lines as may be": SOME_LINES.format("2\n" * MAX_RECORD_LINES),
    "a field of more lines than may be": SOME_LINES.format("2\n" * 51),
    "a field that is longer than fields may be": SOME_LINES.format("2" * 140_000),
    "NUL": 'a,b,c\n\x001,2,3\x00\n\x00\n"\x00",2,3\n4,5,6\n',
    "other ends of lines": "a,b,c\n1\u2028,2\u2029,3\x85\n4\x0b,5\x0c,6\x1e\n",
    "bytes that are not UTF-8": b"a,b,c\n\xff,2,3\n1,\xfc,3\n\xc3,2,3\n4,5,\xe2\x82\n\xed\n",
    "bytes that are not UTF-8 before a delimiter": b"a;b;c\r\n\xc3;\xe2\x82;\xf0\x9f\r\n4;5;6",
}


def result_of(
    read: Callable[[bytes], tuple[list[Good], list[Broken]]], content: bytes
) -> tuple[list[Good], list[Broken]] | str:
    """Return what is parsed of a file, or why it is rejected."""
    try:
        return read(content)
    except PermanentFailure as failure:
        return failure.problem


@pytest.mark.usefixtures("block_bytes")
@pytest.mark.parametrize("content", SAME_EITHER_WAY.values(), ids=SAME_EITHER_WAY.keys())
def test_a_batch_matches_its_records(content: bytes | str) -> None:
    """Two readers of one file that differ lose or change what the other would have kept."""
    data = content if isinstance(content, bytes) else content.encode()
    assert result_of(of_each_batch, data) == result_of(of_each_record, data)


ODD_PIECES = [
    *(b"a", b"1", b",", b";", b"\t", b" ", b'"', b"\n", b"\r", b"\x00", b"\x0b", b"\\", b"'"),
    *("é".encode(), "\ufeff".encode(), "\u2028".encode(), b"\x85", b"\xff", b"\xc3", b"\xa9"),
    *(b",", b",", b"\n", b"\n", b'"', b"\r\n", b'""', b'",', b',"', b'"\n', b'\n"'),
    *(b"1,2,3\n", b'1,"2",3\n', b"1;2;3\n", b"1\t2\t3\n", b'1,"2\n'),
]
HEADERS = [b"a,b,c", b"b,x,a", b'\xef\xbb\xbf"c","b","a2",', b"a;b;c", b"a\tb\tc", b"a\tx\tb\t"]


def joined(pieces: Sequence[bytes]) -> bytes:
    return b"".join(pieces)


@given(
    header=st.sampled_from(HEADERS),
    end=st.sampled_from([b"\n", b"\r\n"]),
    body=st.lists(st.sampled_from(ODD_PIECES), max_size=40).map(joined),
    block_bytes=st.sampled_from([*FEW_BYTES, BLOCK_BYTES]),
)
@settings(max_examples=300, deadline=None, database=None)
def test_a_batch_matches_its_records_for_any_content(
    header: bytes, end: bytes, body: bytes, block_bytes: int
) -> None:
    content = header + end + body
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "BLOCK_BYTES", block_bytes)
        assert result_of(of_each_batch, content) == result_of(of_each_record, content)


@pytest.mark.usefixtures("block_bytes")
def test_records_spanning_blocks_stay_single_and_keep_line_numbers() -> None:
    note = "\n".join(f'line {number}, ""so""' for number in range(1, 41))
    content = f'a,note,b\n0,x,0\n1,"{note}",2\n3,x,4\n5,x\n'.encode()
    good, broken = of_each_batch(content)
    assert [(line, fields) for line, fields, _ in good] == [
        (2, ("0", "0", "")),
        (3, ("1", "2", "")),
        (43, ("3", "4", "")),
    ]
    assert good[1][2] == f'1,"{note}",2'
    assert [(line, raw, why.words) for line, raw, why in broken] == [
        (44, "5,x", "it has 2 fields, but the header has 3")
    ]


@pytest.mark.parametrize("block_bytes", [*FEW_BYTES, BLOCK_BYTES])
@pytest.mark.parametrize("quote", [b"", b'"'], ids=["without a quote", "with a quote"])
def test_an_endless_line_in_later_blocks_is_rejected_by_number(
    monkeypatch: pytest.MonkeyPatch, block_bytes: int, quote: bytes
) -> None:
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(csv_files, "MAX_LINE_BYTES", 500)
    content = b"a,b,c\n" + b"1,2,3\n" * 12 + b"1,2," + quote + b"3" * 500
    for end in (b"", b"\n", b"\n4,5,6\n"):
        with pytest.raises(PermanentFailure, match="line 14 is longer than 500 bytes"):
            of_each_batch(content + end)
        with pytest.raises(PermanentFailure, match="line 14 is longer than 500 bytes"):
            of_each_record(content + end)


def test_a_block_is_read_in_the_encoding_of_the_file(block_bytes: int) -> None:
    assert block_bytes
    content = 'a,b,c\n1,"Zürich, Nord",3\n4,€ "5",6\n7,é\n'.encode("cp1252")
    batches = [*opened(content, "cp1252", "ENCODING").batches()]
    assert [one for batch in batches for one in batch.sent["b"]] == ["Zürich, Nord", '€ "5"']
    assert [raw for batch in batches for _, raw, _ in batch.broken] == ["7,é"]
