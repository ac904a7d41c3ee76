"""The layout of a CSV file: its header with the delimiter, and how a record is split by it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pipelines.ingest.contract import drift_of, shown
from pipelines.ingest.identifiers import visible
from pipelines.ingest.reasons import Reason

DELIMITERS = (",", ";", "\t")
MAX_LINE_BYTES = 1_048_576
QUOTE, NEWLINE, RETURN = b'"\n\r'
OPEN_QUOTE = Reason("unclosed_quote", "a quotation mark is not closed")
#: Reasons by words of what `csv` says.
PROBLEMS = {
    "unexpected end of data": OPEN_QUOTE,
    "new-line character": Reason(
        "not_csv", "it is not CSV: a value has a carriage return (CR) and no quotation marks"
    ),
}


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

    @property
    def stored_header(self) -> str:
        """The header as `layout_of_stored` reads it, which knows whether lines are padded."""
        if self.columns[-1]:
            return self.header
        named = self.header.rpartition(self.delimiter)[0]
        return f"{named}{self.delimiter}" if self.is_padded else f'{named}{self.delimiter}""'

    def padded_by(self, lines: Sequence[str]) -> Layout:
        """Return the layout of a file with these first lines.

        They may end with a delimiter that the header has not, and so with an empty field.
        """
        try:
            fields = [self.fields(line) for line in lines]
        except csv.Error:
            return self
        count = len(self.columns) + 1
        if any(len(some) != count or some[-1].strip() for some in fields):
            return self
        header, columns = f"{self.header}{self.delimiter}", (*self.columns, "")
        return replace(self, header=header, columns=columns, is_padded=True)

    def read(self, line: int, raw: str) -> Record:
        """Parse one record from its text."""
        try:
            fields = self.fields(raw)
        except csv.Error as error:
            other = Reason("not_csv", f"it is not CSV: {error}")
            known = (reason for words, reason in PROBLEMS.items() if words in str(error))
            return Record(line, raw, None, next(known, other))
        if self.fits(fields):
            return Record(line, raw, fields, None)
        words = f"it has {len(fields)} fields, but the header has {len(self.columns)}"
        if len(fields) == len(self.columns):
            words = "it has a value behind the last column that the header names"
        return Record(line, raw, None, Reason("wrong_field_count", words))

    def fits(self, fields: Sequence[str]) -> bool:
        """Return whether a record has as many fields as the header, and nothing behind them."""
        is_over = self.is_padded and bool(fields[-1].strip())
        return len(fields) == len(self.columns) and not is_over

    def is_blank(self, raw: str) -> bool:
        """Return whether a line has no values, or is the header again, as in joined files."""
        is_header = raw.removeprefix("\ufeff") == self.header and len(self.columns) > 1
        return is_header or not raw.replace(self.delimiter, "").strip()

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


def layout_of(
    header: str,
    promised: Sequence[str],
    aliases: Mapping[str, str] | None = None,
    delimiters: Sequence[str] = DELIMITERS,
) -> Layout:
    """Parse a header with the delimiter that yields the most expected columns."""
    layouts, others = [Layout(header, one, ()) for one in delimiters], aliases or {}
    for place, layout in enumerate(layouts):
        try:
            names = layout.fields(header)
        except csv.Error:
            names = header.split(layout.delimiter)
        columns = (visible(name).casefold() for name in names)
        layouts[place] = replace(layout, columns=tuple(others.get(one, one) for one in columns))
    return max(layouts, key=lambda one: len(set(promised) & set(one.columns)))


def layout_of_stored(
    header: str, promised: Sequence[str], aliases: Mapping[str, str] | None = None
) -> Layout:
    """Return the layout of the file whose `stored_header` this is."""
    layout = layout_of(header, promised, aliases)
    is_padded = not layout.columns[-1] and header.endswith(layout.delimiter)
    return replace(layout, is_padded=is_padded)


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once; columns without a name do not count."""
    return sorted(name for name, count in Counter(names).items() if name and count > 1)


def is_plain(content: bytes, delimiter: str) -> bool:
    """Return whether Arrow parses a block as `csv` does: each quotation mark is beside an edge."""
    if content.count(b"\r") != content.count(b"\r\n") or not content.strip():
        return False
    if b'"' not in content:
        return True
    block = np.frombuffer(b"\n" + content + b"\n", np.uint8)
    marks, ends = np.flatnonzero(block == QUOTE), np.flatnonzero(block == NEWLINE)
    if len(marks) % 2 or np.diff(np.searchsorted(ends, marks).reshape(-1, 2)).any():
        return False
    opening, closing = marks[::2], marks[1::2]
    around = np.concatenate((block[opening - 1], block[closing + 1]))
    is_short = (closing - opening).max() < csv.field_size_limit()
    return bool(is_short and np.isin(around, (ord(delimiter), NEWLINE, RETURN)).all())


def long_line(content: bytes, limit: int) -> int | None:
    """Return where a line longer than the limit begins, or None."""
    start = 0
    while len(content) - start > limit:
        end = content.rfind(b"\n", start, start + limit)
        if end < 0:
            return start
        start = end + 1
    return None
