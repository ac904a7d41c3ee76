"""Tolerant CSV parsing: columns in any order, comma, semicolon or tab, records with raw text.

A malformed record affects only itself: its text is returned with the reason. Errors that make the
whole file unreadable (encoding, header, a line that is too long, a file that ends within a line)
raise `PermanentFailure`.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import BinaryIO, NamedTuple

from pipelines.failures import PermanentFailure
from pipelines.ingest.contract import MAX_DRIFT, drift_of, shown
from pipelines.ingest.reasons import Reason

DELIMITERS = (",", ";", "\t")
MAX_LINE_BYTES = 1_048_576
MAX_RECORD_LINES = 50
MAX_COLUMNS = 1_000
BLOCK_BYTES, BLOCK_LINES = 4_194_304, 100_000
PIECE_BYTES = 262_144
OPEN_QUOTE = Reason("unclosed_quote", "a quotation mark is not closed")
#: Reasons by words of what `csv` says.
PROBLEMS = {
    "unexpected end of data": OPEN_QUOTE,
    "new-line character": Reason(
        "not_csv", "it is not CSV: a value has a carriage return (CR) and no quotation marks"
    ),
}
#: The stored form of a NUL character.
NUL = "\\x00"
#: The first line with which some programs name the delimiter to Excel.
HINT = re.compile(r'\ufeff?"?sep=.?"?', re.IGNORECASE)
#: How many lines have to end with a surplus delimiter.
PADDED_LINES = 2
#: Letters beyond ASCII as UTF-8 has them.
OF_UTF_8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}")
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Block(NamedTuple):
    """Complete lines of the file, in UTF-8, and the number of the first one."""

    first_line: int
    content: bytes


class Record(NamedTuple):
    """One record: the number of its first line, its text, and its fields or the problem."""

    line: int
    raw: str
    fields: list[str] | None
    problem: Reason | None


@dataclass(frozen=True)
class Layout:
    """The format of a file's records; `columns` are the header's names in lower case."""

    header: str
    delimiter: str
    columns: tuple[str, ...]
    #: Whether lines end with a delimiter, and so with a field that has to be empty.
    is_padded: bool = False

    def read(self, line: int, raw: str) -> Record:
        """Parse one record from its text."""
        try:
            fields = self.fields(raw)
        except csv.Error as error:
            other = Reason("not_csv", f"it is not CSV: {error}")
            known = (reason for words, reason in PROBLEMS.items() if words in str(error))
            return Record(line, raw, None, next(known, other))
        if len(fields) != len(self.columns):
            words = f"it has {len(fields)} fields, but the header has {len(self.columns)}"
            return Record(line, raw, None, Reason("wrong_field_count", words))
        if self.has_more(fields):
            words = "it has a value behind the last column that the header names"
            return Record(line, raw, None, Reason("wrong_field_count", words))
        return Record(line, raw, fields, None)

    def has_more(self, fields: Sequence[str]) -> bool:
        """Return whether a record has a value in the field that has to be empty."""
        return self.is_padded and bool(fields[-1].strip())

    def is_blank(self, raw: str) -> bool:
        """Return whether a line has no values, like those that spreadsheets leave below a table."""
        return not raw.replace(self.delimiter, "").strip()

    def fields(self, raw: str) -> list[str]:
        """Split a record's text into fields. Raises `csv.Error`, such as for an unclosed quote."""
        if '"' not in raw:
            return raw.split(self.delimiter)
        return next(csv.reader([raw], delimiter=self.delimiter, strict=True))

    def drift(self, document: str, promised: Sequence[str]) -> list[str]:
        """Return a message for each unexpected column."""
        unknown = [name for name in self.columns if name and name not in promised]
        lines = [f"unknown column {shown(name)}" for name in unknown]
        return drift_of(document, lines, "unknown columns")


class CsvFile:
    """The records of an open CSV file, one after the other. The header is read at once.

    Raises `PermanentFailure` if the file cannot be read; `source` and `name` identify it in the
    message. `variable` is the setting that selects another encoding than `encoding`. Without one,
    bytes that are invalid in the encoding are kept as escapes, unless `is_strict`. Of the
    `promised` columns, the header may lack the `optional` ones, and it may use other names as given
    by `aliases`.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        source: str,
        name: str,
        promised: Sequence[str],
        encoding: str,
        variable: str | None = None,
        optional: Sequence[str] = (),
        aliases: Mapping[str, str] | None = None,
        is_strict: bool = False,
    ) -> None:
        self._file = file
        self._errors = "strict" if variable or is_strict else "backslashreplace"
        self._source, self._name, self._variable = source, name, variable
        self._encoding = encoding
        self._reads_utf_8 = codecs.lookup(encoding).name.startswith("utf-8")
        self._line = 0
        self._position = 0
        self._has_end = True
        self._waiting: deque[tuple[int, str]] = deque()
        #: Lines behind the header that were looked at.
        self._ahead: deque[bytes] = deque()
        self.layout = Layout("", ",", ())
        self.layout = self._read_layout(promised, optional, aliases or {})
        self._ahead.extend(
            line for _ in range(PADDED_LINES) if (line := self._file.readline(MAX_LINE_BYTES + 1))
        )
        if self._is_padded():
            header = f"{self.layout.header}{self.layout.delimiter}"
            columns = (*self.layout.columns, "")
            self.layout = replace(self.layout, header=header, columns=columns, is_padded=True)

    def records(self) -> Iterator[Record]:
        """Yield every record that is not a blank line."""
        while (first := self._next()) is not None:
            yield from self._record(*first)

    def blocks(self) -> Iterator[Block]:
        """Yield the rest of the file in blocks of complete lines, for bulk readers."""
        while content := self._read_block():
            if not content.endswith(b"\n"):
                content += self._file.readline(MAX_LINE_BYTES + 1)
            first = self._line + 1
            self._count(content)
            self._reject_broken_off(content)
            content = content if content.isascii() else self._in_utf_8(content, first)
            self._reject_other_header(content, first)
            yield Block(first, content)

    def _in_utf_8(self, content: bytes, first_line: int) -> bytes:
        try:
            return self._decoded(content).encode()
        except UnicodeDecodeError as error:
            line = first_line + content.count(b"\n", 0, error.start)
            raise self._undecodable(error, content, line) from error

    def _read_block(self) -> bytes:
        """Return some megabytes, less if short lines would make too many records."""
        pieces = [*self._ahead]
        self._ahead.clear()
        size, lines = sum(map(len, pieces)), len(pieces)
        while size < BLOCK_BYTES and lines < BLOCK_LINES:
            piece = self._file.read(min(PIECE_BYTES, BLOCK_BYTES - size))
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
            lines += piece.count(b"\n")
        return b"".join(pieces)

    def records_of(self, block: Block) -> Iterator[Record]:
        """Yield every record of a block; the last one may continue beyond its end."""
        lines = block.content.removesuffix(b"\n").split(b"\n")
        self._waiting.extend(
            (line, line_text(content, "utf-8"))
            for line, content in enumerate(lines, block.first_line)
        )
        while self._waiting:
            yield from self._record(*self._waiting.popleft())

    def _record(self, line: int, text: str) -> Iterator[Record]:
        if not self.layout.is_blank(text):
            record = self.layout.read(line, text)
            yield self._over_lines(record) if record.problem == OPEN_QUOTE else record

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
            if len(fields) == len(self.layout.columns) and not self.layout.has_more(fields):
                raw = "\n".join([first.raw, *(text for _, text in taken)])
                return Record(first.line, raw, fields, None)
        if first.line == self._line and not self._has_end:
            raise self._broken_off()
        self._waiting.extendleft(reversed(taken))  # they may be valid records themselves
        return first

    def _read_layout(
        self, promised: Sequence[str], optional: Sequence[str], aliases: Mapping[str, str]
    ) -> Layout:
        first = self._next()
        if first and HINT.fullmatch(first[1]):
            first = self._next()
        if first is None:
            raise self._failure(
                "the file is empty: it has no header", "Send the complete file again."
            )
        header = first[1].removeprefix("\ufeff")
        layout = layout_of(header, promised, aliases)
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

    def _is_padded(self) -> bool:
        """Return whether the first lines have a field more than the header, which is empty."""
        try:
            lines = [self.layout.fields(line_text(one, self._encoding)) for one in self._ahead]
        except csv.Error:
            return False
        count = len(self.layout.columns) + 1
        return bool(lines) and all(len(one) == count and not one[-1].strip() for one in lines)

    def _reject_other_header(self, content: bytes, first_line: int) -> None:
        """Raise `PermanentFailure` for a line that is a header with columns in another order."""
        with suppress(csv.Error):
            names = self.layout.fields(self.layout.header)
            sought = sorted((name.encode() for name in names if name), key=len)
            mine = _named(_layout(self.layout.header, self.layout.delimiter, {}))
            begin = end = 0
            while len(sought) > 1 and (begin := content.find(sought[-1], end)) >= 0:
                first, end = content.rfind(b"\n", 0, begin) + 1, content.find(b"\n", begin)
                end = end if end >= 0 else len(content)
                line = content[first:end].removeprefix(codecs.BOM_UTF8)
                if not all(name in line for name in sought):
                    continue
                columns = _named(_layout(line_text(line, "utf-8"), self.layout.delimiter, {}))
                if columns != mine and {*columns} >= {*mine}:
                    number = first_line + content.count(b"\n", 0, begin)
                    raise self._failure(
                        f"line {number:,} is another header, with its columns in another order:"
                        f" {shown(line_text(line, 'utf-8'))}",
                        "Send what follows it as a file of its own.",
                    )

    def _next(self) -> tuple[int, str] | None:
        """Return the next line's number and text, without its line break; None after the last."""
        if self._waiting:
            return self._waiting.popleft()
        read = self._ahead.popleft() if self._ahead else self._file.readline(MAX_LINE_BYTES + 1)
        if not read:
            return None
        self._count(read)
        text = self._text(read, self._line)
        if self._line > 1:
            self._reject_broken_off(read)
        return self._line, text

    def _count(self, content: bytes) -> None:
        """Count lines. Raises `PermanentFailure` for one that exceeds the maximum length."""
        if (start := _long_line(content)) is not None:
            line = self._line + content.count(b"\n", 0, start) + 1
            raise self._failure(
                f"line {line:,} is longer than {MAX_LINE_BYTES:,} bytes",
                "Check that it is a CSV file.",
            )
        self._line += content.count(b"\n") + (not content.endswith(b"\n"))
        self._position += len(content)

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
        if line == 1:
            self._reject_other_marks(content)
        try:
            return self._decoded(content).rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise self._undecodable(error, content, line) from error

    def _decoded(self, content: bytes) -> str:
        """Decode complete lines. Raises `PermanentFailure` for UTF-8 where another encoding is set.

        Where each byte is a letter, UTF-8 would be stored as wrong ones. Content is taken for UTF-8
        if it is valid as such, with a letter that the encoding has: other content hardly ever is.
        """
        text = content.decode(self._encoding, self._errors)
        if len(text) == len(content) and not content.isascii() and not self._reads_utf_8:
            if self._is_utf_8(content):
                raise self._other_encoding()
            if OF_UTF_8.search(content):
                for line in content.split(b"\n"):
                    if not line.isascii() and self._is_utf_8(line):
                        raise self._mixed(line)
        return text

    def _is_utf_8(self, content: bytes) -> bool:
        with suppress(UnicodeDecodeError):
            return not content.decode().encode(self._encoding, "ignore").isascii()
        return False

    def _mixed(self, line: bytes) -> PermanentFailure:
        return self._failure(
            f"a line is UTF-8, and others are {self._encoding}: {shown(line_text(line, 'utf-8'))}",
            "Save the whole file in one encoding.",
        )

    def _reject_other_marks(self, content: bytes) -> None:
        """Raise `PermanentFailure` if the file begins with the mark of another encoding."""
        if content.startswith(UTF_16_MARKS):
            raise self._failure("the file is UTF-16, which is not supported", "Save it as UTF-8.")
        if content.startswith(codecs.BOM_UTF8) and not self._reads_utf_8:
            raise self._other_encoding()

    def _other_encoding(self) -> PermanentFailure:
        return self._failure(
            f"the file is UTF-8, not {self._encoding}",
            f"Save it as {self._encoding}, or set {self._variable} to utf-8.",
        )

    def _undecodable(
        self, error: UnicodeDecodeError, content: bytes, line: int
    ) -> PermanentFailure:
        position = self._position - len(content) + error.start
        problem = (
            f"byte 0x{content[error.start]:02x} at position {position:,} (line {line:,}) is not"
            f" {self._encoding}"
        )
        if self._variable is None:
            return self._failure(problem, "Save it as UTF-8.")
        return self._failure(
            f"{problem}; {self._variable} sets another encoding",
            f"Save it as UTF-8, or set {self._variable} to its encoding, such as cp1252.",
        )

    def _failure(self, problem: str, remedy: str) -> PermanentFailure:
        return PermanentFailure(
            self._source, f"{problem}. Nothing was written", place=self._name, remedy=remedy
        )


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once; columns without a name do not count."""
    return sorted(name for name, count in Counter(names).items() if name and count > 1)


def line_text(content: bytes, encoding: str) -> str:
    """Decode a line without its line break; bytes invalid in the encoding become escapes."""
    return content.decode(encoding, "backslashreplace").rstrip("\r\n")


def _long_line(content: bytes) -> int | None:
    """Return where a line longer than the limit begins, or None."""
    start = 0
    while len(content) - start > MAX_LINE_BYTES:
        end = content.rfind(b"\n", start, start + MAX_LINE_BYTES)
        if end < 0:
            return start
        start = end + 1
    return None


def _layout(header: str, delimiter: str, aliases: Mapping[str, str]) -> Layout:
    layout = Layout(header, delimiter, ())
    try:
        names = layout.fields(header)
    except csv.Error:
        names = header.split(delimiter)
    columns = (name.strip().casefold() for name in names)
    return replace(layout, columns=tuple(aliases.get(name, name) for name in columns))


def _named(layout: Layout) -> list[str]:
    return [name for name in layout.columns if name]


def layout_of(
    header: str, promised: Sequence[str], aliases: Mapping[str, str] | None = None
) -> Layout:
    """Parse a header with the delimiter that yields the most expected columns."""
    layouts = [_layout(header, delimiter, aliases or {}) for delimiter in DELIMITERS]
    return max(layouts, key=lambda one: len(set(promised) & set(one.columns)))


def storable(raw: str) -> str:
    """Replace NUL characters, which PostgreSQL cannot store."""
    return raw.replace("\x00", NUL)


def as_sent(raw: str) -> str:
    """Restore the original text from its stored form."""
    return raw.replace(NUL, "\x00")
