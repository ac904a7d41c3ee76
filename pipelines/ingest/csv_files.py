"""CSV files, batch by batch: columns in any order, comma, semicolon or tab, records with raw text.

A malformed record affects only itself; what makes the whole file unreadable is a
`PermanentFailure`. Arrow splits blocks in which quotation marks, if any, enclose whole fields of a
line. Python takes the others line by line, which takes ten times as long, with the same values.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.failures import PermanentFailure
from pipelines.ingest.contract import MAX_DRIFT, Reject, shown
from pipelines.ingest.csv_layout import (
    MAX_LINE_BYTES,
    OPEN_QUOTE,
    Layout,
    Record,
    is_plain,
    layout_of,
    long_line,
    repeated,
)
from pipelines.ingest.feeds import Parsed
from pipelines.ingest.identifiers import storable
from pipelines.ingest.reasons import Reason
from pipelines.warehouse.connection import RECORD

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.ingest.parsers import Csv

MAX_RECORD_LINES, MAX_COLUMNS = 50, 1_000
BLOCK_BYTES, BLOCK_LINES, PIECE_BYTES = 4_194_304, 100_000, 262_144
#: The first line with which some programs name the delimiter to Excel.
HINT = re.compile(r'\ufeff?"?sep=.?"?', re.IGNORECASE)
#: How files begin that are something else: ZIP and .xlsx, .xls, gzip.
OTHER_FILES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")
#: Letters beyond ASCII as UTF-8 has them.
OF_UTF_8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}")


@dataclass(frozen=True)
class Batch:
    """A batch of records of a delivery."""

    #: The expected columns as text, empty if they were not sent, and the number of the `record`.
    sent: pd.DataFrame
    #: Returns the text of a row's record by the row's position.
    raw: Callable[[int], str]
    #: Records that could not be split into columns: the number, the text, the problem.
    broken: Sequence[tuple[int, str, Reason]]
    #: Formats the position of a record.
    position: Callable[[int], str] = "line {}".format

    def parsed(
        self,
        rows: Mapping[str, pd.DataFrame],
        reasons: Mapping[int, Collection[Reason]],
        key: Callable[[int], tuple[str, ...] | None] = lambda _: None,
    ) -> Parsed:
        """Return rows, and as rejects the broken records and the rows that have reasons.

        `key` is called with a row and returns what identifies a correction of it.
        """
        numbers = self.sent[RECORD]
        bad: list[Any] = [(number, raw, [why], None) for number, raw, why in self.broken]
        bad += [(int(numbers[row]), self.raw(row), why, key(row)) for row, why in reasons.items()]
        return Parsed(
            read=len(self.sent) + len(self.broken),
            rows=rows,
            rejects=[
                Reject(number, self.position(number), storable(raw), tuple(why), of)
                for number, raw, why, of in sorted(bad, key=lambda one: one[0])
            ],
            position=self.position,
            raw=lambda number: self.raw(int(numbers.searchsorted(number))),
        )


def of_records(records: Sequence[Record], columns: Sequence[str], promised: Sequence[str]) -> Batch:
    """Return a batch of records that were parsed one by one."""
    import pandas as pd

    whole = [(one, one.fields) for one in records if one.fields is not None]
    broken = [(one.line, one.raw, one.problem) for one in records if one.problem is not None]
    places = {name: columns.index(name) for name in promised if name in columns}
    sent = pd.DataFrame(
        {
            name: [fields[places[name]] for _, fields in whole] if name in places else ""
            for name in promised
        },
        index=pd.RangeIndex(len(whole)),
        dtype="str",
    )
    sent[RECORD] = pd.Series([record.line for record, _ in whole], dtype="int64")
    return Batch(sent, lambda row: whole[row][0].raw, broken)


class CsvFile:
    """The records of an open CSV file, one after the other. The header is read at once.

    Raises `PermanentFailure` if it cannot be read, and names `source` and `name`. `form` has its
    columns, `variable` is the setting with its encoding. Without one, bytes that are invalid are
    kept as escapes, unless the form is strict.
    """

    def __init__(
        self,
        file: BinaryIO,
        form: Csv,
        *,
        source: str,
        name: str,
        encoding: str = "utf-8",
        variable: str | None = None,
    ) -> None:
        self._file, self._form = file, form
        self._errors = "strict" if variable or form.is_strict else "backslashreplace"
        self._source, self._name, self._variable = source, name, variable
        self._encoding = encoding
        self._reads_utf_8 = codecs.lookup(encoding).name.startswith("utf-8")
        self._line = 0
        self._has_end = True
        self._waiting: deque[tuple[int, str]] = deque()
        self.layout = Layout("", ",", ())
        self.layout = self._read_layout()
        self._block = self._read_block()
        first = self._block.removesuffix(b"\n").split(b"\n", 2)[:2]
        self.layout = self.layout.padded_by([line_text(one, self._encoding) for one in first])

    def batches(self) -> Iterator[Batch]:
        """Yield all records, numbered by their lines, in batches of some megabytes."""
        while content := self._block:
            first = self._line + 1
            self._count(content)
            self._reject_broken_off(content)
            if not content.isascii():
                content = self._decoded(content, first).encode()
            self._reject_other_header(content, first)
            if is_plain(content, self.layout.delimiter):
                yield self._at_once(content, first)
            else:
                records = [*self._one_by_one(content, first)]
                yield of_records(records, self.layout.columns, self._form.columns)
            self._block = self._read_block()

    def _read_block(self) -> bytes:
        """Return lines of some megabytes, less if short ones would make too many records."""
        pieces: list[bytes] = []
        size = lines = 0
        while size < BLOCK_BYTES and lines < BLOCK_LINES:
            piece = self._file.read(min(PIECE_BYTES, BLOCK_BYTES - size))
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
            lines += piece.count(b"\n")
        content = b"".join(pieces)
        if not content.endswith(b"\n"):
            content += self._file.readline(MAX_LINE_BYTES + 1)
        return content

    def _one_by_one(self, content: bytes, first: int) -> Iterator[Record]:
        """Parse the records of a block; the last one may continue beyond its end."""
        lines = content.removesuffix(b"\n").split(b"\n")
        self._waiting.extend((line, line_text(one)) for line, one in enumerate(lines, first))
        while self._waiting:
            line, text = self._waiting.popleft()
            if not self.layout.is_blank(text):
                record = self.layout.read(line, text)
                yield self._over_lines(record) if record.problem == OPEN_QUOTE else record

    def _at_once(self, content: bytes, first: int) -> Batch:
        """Parse the lines of a plain block by Arrow, one record each."""
        import pandas as pd
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        lines = content.removesuffix(b"\n").split(b"\n")
        numbers = [number for number, line in enumerate(lines, first) if line not in (b"", b"\r")]
        odd: list[int] = []

        def skip(row: arrow_csv.InvalidRow) -> str:  # with another number of fields
            odd.append(numbers[row.number - 1])
            return "skip"

        def raw(number: int) -> str:
            return line_text(lines[number - first])

        columns = self.layout.columns
        places = {one: str(columns.index(one)) for one in self._form.columns if one in columns}
        names = [str(place) for place in range(len(columns))]
        # Arrow strips a mark of UTF-8 even here, unless it is not at the beginning.
        content = b"\n" + content if content.startswith(codecs.BOM_UTF8) else content
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(
                use_threads=False, block_size=len(content) + 1, column_names=names
            ),
            arrow_csv.ParseOptions(
                delimiter=self.layout.delimiter, double_quote=False, invalid_row_handler=skip
            ),
            arrow_csv.ConvertOptions(
                include_columns=[*places.values(), *names[-1:] * self.layout.is_padded],
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[],
            ),
        )
        sent = pd.DataFrame(
            {
                one: table[places[one]].to_pandas() if one in places else ""
                for one in self._form.columns
            },
            index=pd.RangeIndex(table.num_rows),
            dtype="str",
        )
        bad = {*odd}
        sent[RECORD] = [number for number in numbers if number not in bad] if bad else numbers
        last = [*places][-1]
        is_odd = sent[last].str.strip().str.casefold().isin(["", *self._spelled(last)])
        empty = sent[RECORD][is_odd]
        left_out = [row for row, number in empty.items() if self.layout.is_blank(raw(number))]
        if self.layout.is_padded:
            surplus = table[names[-1]].to_pandas().str.strip() != ""
            odd += sent[RECORD][surplus].tolist()
            left_out = sorted({*left_out, *sent.index[surplus]})
        sent = sent.drop(index=left_out).reset_index(drop=True) if left_out else sent
        kept = sent[RECORD].to_numpy()
        broken = [
            (number, text, problem)
            for number in sorted(odd)
            if not self.layout.is_blank(text := raw(number))
            and (problem := self.layout.read(number, text).problem)
        ]
        return Batch(sent, lambda row: raw(kept[row]), broken)

    def _over_lines(self, first: Record) -> Record:
        """Resolve a record whose first line has an unclosed quote: multi-line, or malformed."""
        taken: list[tuple[int, str]] = []

        def lines() -> Iterator[str]:
            yield f"{first.raw}\n"
            while len(taken) < MAX_RECORD_LINES and (following := self._next()) is not None:
                taken.append(following)
                yield f"{following[1]}\n"

        reader = csv.reader(lines(), delimiter=self.layout.delimiter, strict=True)
        with suppress(csv.Error):
            fields = next(reader)
            if self.layout.fits(fields):
                raw = "\n".join([first.raw, *(text for _, text in taken)])
                return Record(first.line, raw, fields, None)
        if first.line == self._line and not self._has_end:
            raise self._broken_off()
        self._waiting.extendleft(reversed(taken))  # they may be valid records themselves
        return first

    def _read_layout(self) -> Layout:
        promised, optional = self._form.columns, self._form.optional
        first = self._next()
        while first and (HINT.fullmatch(first[1]) or not first[1].strip("\ufeff \t,;")):
            first = self._next()
        if first is None:
            raise self._failure(
                "the file is empty: it has no header", "Send the complete file again."
            )
        header = first[1].removeprefix("\ufeff")
        layout = layout_of(header, promised, self._form.aliases)
        missing = [name for name in promised if name not in (*layout.columns, *optional)]
        twice = repeated(layout.columns)
        if "\r" in header:
            problem = "its lines end with CR, not with LF or CRLF"
        elif any(not c.isprintable() and c != "\t" for c in header):
            problem = "its first line is not a header: it has unprintable characters"
        elif not set(promised) & set(layout.columns):
            problem = "its first line is not a header: it has none of the expected columns"
        elif missing:
            names = ", ".join(shown(name) for name in layout.columns[:MAX_DRIFT])
            problem = f"the header lacks {', '.join(missing)}; it has {names}"
        elif twice:
            problem = f"the header has {', '.join(twice[:10])} more than once"
        elif len(layout.columns) > MAX_COLUMNS:
            problem = f"the header has {len(layout.columns):,} columns"
        else:
            return layout
        needed = ", ".join(name for name in promised if name not in optional)
        allowed = f" Optional: {', '.join(optional)}." if optional else ""
        raise self._failure(problem, f"Its columns must be {needed}, in any order.{allowed}")

    def _reject_other_header(self, content: bytes, first_line: int) -> None:
        """Raise `PermanentFailure` for a line that is a header with columns in another order."""
        mine = [one for one in self.layout.columns if one]
        spelled = [
            [one.encode() for one in self._spelled(name)]
            for name in sorted(mine, key=len, reverse=True)
        ]
        folded = content.lower()
        if len(mine) < 2 or not any(one in folded for one in spelled[0]):
            return
        lines = zip(content.split(b"\n"), folded.split(b"\n"), strict=True)
        for number, (line, lowered) in enumerate(lines, first_line):
            if not all(any(one in lowered for one in some) for some in spelled):
                continue
            text = line_text(line.removeprefix(codecs.BOM_UTF8))
            other = layout_of(text, (), self._form.aliases, self.layout.delimiter)
            names = [one for one in other.columns if one]
            if names != mine and {*names} >= {*mine}:
                raise self._failure(
                    f"line {number:,} is another header, with its columns in another order:"
                    f" {shown(text)}",
                    "Send what follows it as a file of its own.",
                )

    def _spelled(self, name: str) -> list[str]:
        """Return how a header may write a column."""
        return [name, *(other for other, one in self._form.aliases.items() if one == name)]

    def _next(self) -> tuple[int, str] | None:
        """Return the next line's number and text, without its line break; None after the last."""
        if self._waiting:
            return self._waiting.popleft()
        if not (read := self._file.readline(MAX_LINE_BYTES + 1)):
            return None
        self._count(read)
        text = self._text(read, self._line)
        self._reject_broken_off(read)
        return self._line, text

    def _count(self, content: bytes) -> None:
        """Count lines. Raises `PermanentFailure` for one that exceeds the maximum length."""
        if (start := long_line(content, MAX_LINE_BYTES)) is not None:
            line = self._line + content.count(b"\n", 0, start) + 1
            raise self._failure(
                f"line {line:,} is longer than {MAX_LINE_BYTES:,} bytes",
                "Check that it is a CSV file.",
            )
        self._line += content.count(b"\n") + (not content.endswith(b"\n"))

    def _reject_broken_off(self, content: bytes) -> None:
        """Raise `PermanentFailure` if the file ends within a line: it may be truncated."""
        self._has_end = content.endswith(b"\n")
        last = line_text(content[content.rfind(b"\n") + 1 :], self._encoding)
        if self._has_end or last.count('"') % 2 or self.layout.is_blank(last):
            return
        with suppress(csv.Error):
            if len(self.layout.fields(last)) < len(self.layout.columns):
                raise self._broken_off()

    def _broken_off(self) -> PermanentFailure:
        return self._failure(
            f"the file ends within line {self._line:,}",
            "Send the complete file again. If it is complete, end its last line with a line break.",
        )

    def _text(self, content: bytes, line: int) -> str:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and line == 1:
            raise self._failure("the file is UTF-16, which is not supported", "Save it as UTF-8.")
        if content.startswith(OTHER_FILES) and line == 1:
            problem = "it is a ZIP file, a workbook or compressed, whatever its name says"
            raise self._failure(problem, "Send CSV, or name a .csv.gz so.")
        if content.startswith(codecs.BOM_UTF8) and not self._reads_utf_8 and line == 1:
            raise self._other_encoding()
        return self._decoded(content, line).rstrip("\r\n")

    def _decoded(self, content: bytes, first: int) -> str:
        """Decode complete lines, numbered from `first`.

        Raises `PermanentFailure`, also for UTF-8 where another encoding is set: where each byte is
        a letter, it would be stored as wrong ones. Other content is hardly ever valid as UTF-8.
        """
        try:
            text = content.decode(self._encoding, self._errors)
        except UnicodeDecodeError as error:
            at = first + content.count(b"\n", 0, error.start)
            problem = f"byte 0x{content[error.start]:02x} in line {at:,} is not {self._encoding}"
            remedy = "Save it as UTF-8"
            if self._variable:
                problem += f"; {self._variable} sets another encoding"
                remedy += f", or set {self._variable} to its encoding, such as cp1252"
            raise self._failure(problem, f"{remedy}.") from error
        if len(text) == len(content) and not content.isascii() and not self._reads_utf_8:
            if self._is_utf_8(content):
                raise self._other_encoding()
            if OF_UTF_8.search(content):
                for line in filter(self._is_utf_8, content.split(b"\n")):
                    raise self._failure(
                        f"a line is UTF-8, and others are {self._encoding}:"
                        f" {shown(line_text(line))}",
                        "Save the whole file in one encoding.",
                    )
        return text

    def _is_utf_8(self, content: bytes) -> bool:
        with suppress(UnicodeDecodeError):
            return not content.decode().encode(self._encoding, "ignore").isascii()
        return False

    def _other_encoding(self) -> PermanentFailure:
        return self._failure(
            f"the file is UTF-8, not {self._encoding}",
            f"Save it as {self._encoding}, or set {self._variable} to utf-8.",
        )

    def _failure(self, problem: str, remedy: str) -> PermanentFailure:
        return PermanentFailure(
            self._source, f"{problem}. Nothing was written", place=self._name, remedy=remedy
        )


def line_text(content: bytes, encoding: str = "utf-8") -> str:
    """Decode a line without its line break; bytes invalid in the encoding become escapes."""
    return content.decode(encoding, "backslashreplace").rstrip("\r\n")
