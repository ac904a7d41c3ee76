"""Records of CSV files as they come, each with its text, and what makes a file unreadable."""

import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest.csv_files import CsvFile
from pipelines.ingest.csv_layout import MAX_LINE_BYTES
from pipelines_tests.ingest import test_csv_batches
from pipelines_tests.ingest.one_by_one import records


def opened(content: bytes | str, encoding: str = "utf-8") -> CsvFile:
    data = content if isinstance(content, bytes) else content.encode()
    return test_csv_batches.opened(data, encoding, "TRAINS_ENCODING")


def fields(content: bytes | str, encoding: str = "utf-8") -> list[list[str] | None]:
    return [record.fields for record in records(opened(content, encoding))]


@pytest.mark.parametrize(
    "content",
    [
        *("A,B,C\n1,2,3", "A,B,C\n1,2,3\n,", "c,b,a\n3,2,1\n", "a;b;c\r\n1;2;3\r\n"),
        *("a\tb\tc\n1\t2\t3\n", "\ufeffa,b,c\n1,2,3\n", '"a","b","c"\n"1","2","3"\n'),
        *(" a , b , c \n1,2,3\n", "a,b,c\n\n1,2,3\n\n\n", " \na,b,c\n1,2,3\n"),
        *("sep=;\r\na;b;c\r\n1;2;3\r\n", "\ufeffsep=;\r\na;b;c\r\n1;2;3\r\n"),  # for Excel
        *("a,b,c\n1,2,3\na,b,c\n", "a,b,c\n1,2,3\n\ufeffa,b,c\n"),  # of joined files
    ],
)
def test_the_same_record_however_it_is_written(content: str) -> None:
    file = opened(content)
    (record,) = records(file)
    assert record.fields is not None
    named = sorted(zip(file.layout.columns, record.fields, strict=True))
    assert named == [("a", "1"), ("b", "2"), ("c", "3")]


def test_quoted_newlines_delimiters_and_quotes_belong_to_their_field() -> None:
    content = 'a,b,c\n"one\ntwo","x, y","say ""so"""\n5" pipe,5,6\n'
    found = records(opened(content))
    assert [record.fields for record in found] == [
        ["one\ntwo", "x, y", 'say "so"'],
        ['5" pipe', "5", "6"],
    ]
    assert [record.line for record in found] == [2, 4]
    assert found[0].raw == '"one\ntwo","x, y","say ""so"""'


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_quote_that_stays_open_costs_its_own_line_only(end: str) -> None:
    content = 'a,b,c\n"1,2,3\n4,5,6\n7,8,9\n"10,11,12\n13,14,15'
    found = records(opened(content + end))
    assert [(record.line, record.fields) for record in found] == [
        (2, None),
        (3, ["4", "5", "6"]),
        (4, ["7", "8", "9"]),
        (5, None),
        (6, ["13", "14", "15"]),
    ]
    assert found[0].problem == ("unclosed_quote", "a quotation mark is not closed", False)


def test_a_carriage_return_within_a_value_is_named() -> None:
    """Two lines that end with CR alone are one record to `csv`, which speaks to programmers."""
    (record,) = records(opened('a,b,c\n1,"2",3\r4,5,6\n'))
    assert record.problem
    assert record.problem.words.startswith("it is not CSV: a value has a carriage return (CR)")


def test_unknown_columns_are_drift_and_unnamed_ones_are_not() -> None:
    file = opened("a,Colour,b,c,\n1,2,3,4,\n")
    assert file.layout.drift("trains.csv", ("a", "b", "c")) == [
        'trains.csv: unknown column "colour"'
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"a,c\n1,2\n", 'the header lacks b; it has "a", "c"'),
        (b"\x00\x01\x02\x03", "its first line is not a header"),
        (b'{"secret": "x"}', "not a header: it has none of the expected columns."),
        (b"a,A,b,c\n", "the header has a more than once"),
        ("a,b,c\n1,2,3\n1,m\u00fc,3\n".encode("latin-1"), "byte 0xfc in line 3 is not utf-8"),
        ("a,b,c\n".encode("utf-16"), "the file is UTF-16"),
        (b"a,b,c\n" + b"x" * (MAX_LINE_BYTES + 1), "line 2 is longer than 1,048,576 bytes"),
        (b"a,b,c," + b",".join(b"x%d" % n for n in range(2000)), "the header has 2,003 columns"),
        (b"a,b,c,d\x00e\n", "unprintable characters"),
        (b"a,b,c\r1,2,3\r", "its lines end with CR, not"),
        (b"a,b,c\n1,2,3\nC,b,a\n", "line 3 is another header"),
        (b"a,b,c\n1,2,3\n\xef\xbb\xbfc,b,a\n", "line 3 is another header"),
        (b"PK\x03\x04a,b,c\n", "it is a ZIP file"),
        (b"a,b,c\n1,2,3\n4,5", "the file ends within line 3"),
        (b'a,b,c\n1,"2",3\n"4"', "the file ends within line 3"),
    ],
)
def test_an_unreadable_file_is_rejected_with_the_position(content: bytes, words: str) -> None:
    with pytest.raises(PermanentFailure, match=words):
        fields(content)


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_file_of_utf_8_is_not_read_in_another_encoding(mark: str, encoding: str) -> None:
    with pytest.raises(PermanentFailure, match=f"the file is UTF-8, not {encoding}"):
        fields(f"{mark}a,b,c\n1,m\u00fc,3\n".encode(), encoding)


@pytest.mark.parametrize("line", ["4,D\u00fcsseldorf,6", "4,N\u00b0 5,6"])
def test_a_mix_of_encodings_rejects_the_file_and_shows_the_line(line: str) -> None:
    content = "a,b,c\n1,Pe\u00f1a,3\n".encode("cp1252") + line.encode()
    with pytest.raises(PermanentFailure, match=f'others are cp1252: "{line}"'):
        fields(content + b"\n", "cp1252")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Spa\u00df\u2026", "cp1252"), ("\u015e\u2019IN", "cp1254"), ("\u0415\u0451", "cp1251")],
)
def test_text_that_is_utf_8_by_chance_is_read_in_its_encoding(text: str, encoding: str) -> None:
    content = f"a,b,c\n1,{text},3\n".encode(encoding)
    assert content.decode() != text
    assert fields(content, encoding) == [["1", text, "3"]]
