"""Read CSV in large batches, with Arrow for simple lines.

Arrow reads lines whose quotation marks, if any, enclose whole fields. All other lines are parsed
one by one with `csv_records`, and so are blocks in which a quoted field continues on the next line.
The parsed values are the same either way.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.ingest.contract import Reject
from pipelines.ingest.csv_records import (
    OPEN_QUOTE,
    Block,
    CsvFile,
    Layout,
    Record,
    line_text,
    storable,
)
from pipelines.ingest.feeds import Parsed
from pipelines.ingest.reasons import Reason
from pipelines.warehouse.connection import RECORD

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


QUOTE, NEWLINE, CARRIAGE_RETURN = b'"\n\r'


@dataclass(frozen=True)
class Batch:
    """A batch of records of a delivery.

    `sent` has the expected columns as text, and `record`, a number that is unique in the delivery.
    A column that was not sent is empty. `raw` returns the text of a row's record by the row's
    position. `broken` are records that could not be split into columns, each with its number, text
    and problem. `position` formats the position of a record.
    """

    sent: pd.DataFrame
    raw: Callable[[int], str]
    broken: Sequence[tuple[int, str, Reason]]
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
        rejects = [self._reject(number, raw, [why]) for number, raw, why in self.broken]
        rejects += [
            self._reject(int(numbers[row]), self.raw(row), why, key(row))
            for row, why in reasons.items()
        ]
        return Parsed(
            read=len(self.sent) + len(self.broken),
            rows=rows,
            rejects=sorted(rejects, key=lambda one: one.record),
            position=self.position,
            raw=lambda number: self.raw(int(numbers.searchsorted(number))),
        )

    def _reject(
        self,
        number: int,
        raw: str,
        reasons: Iterable[Reason],
        key: tuple[str, ...] | None = None,
    ) -> Reject:
        return Reject(number, self.position(number), storable(raw), tuple(reasons), key)


def batches_of(file: CsvFile, promised: Sequence[str]) -> Iterator[Batch]:
    """Yield all records of a file, numbered by their lines, in batches of some megabytes."""
    for block in file.blocks():
        lines = _Lines(block, file.layout.delimiter)
        batch = _of_lines(lines, file.layout, promised) if lines.is_simple else None
        if batch is None or any(problem == OPEN_QUOTE for *_, problem in batch.broken):
            records = list(file.records_of(block))  # records may span several lines
            batch = of_records(records, file.layout.columns, promised)
        yield batch


def of_records(records: Sequence[Record], columns: Sequence[str], promised: Sequence[str]) -> Batch:
    """Return a batch of records that were parsed one by one."""
    import pandas as pd

    whole = [record for record in records if record.fields is not None]
    broken = [(one.line, one.raw, one.problem) for one in records if one.problem is not None]
    places = {name: columns.index(name) for name in promised if name in columns}
    sent = pd.DataFrame(
        {
            name: [record.fields[places[name]] for record in whole if record.fields]
            if name in places
            else ""
            for name in promised
        },
        index=pd.RangeIndex(len(whole)),
        dtype="str",
    )
    sent[RECORD] = np.array([record.line for record in whole], np.int64)
    return Batch(sent, lambda row: whole[row].raw, broken)


class _Lines:
    """Positions of the lines of a block, and which of them Arrow might parse differently."""

    def __init__(self, block: Block, delimiter: str) -> None:
        self.first = block.first_line
        self.content = block.content
        content = np.frombuffer(self.content, np.uint8)
        self.ends = np.flatnonzero(content == NEWLINE)
        if not self.content.endswith(b"\n"):
            self.ends = np.append(self.ends, len(content))
        self.starts = np.concatenate(([0], self.ends[:-1] + 1))
        lengths = self.ends - self.starts
        is_cr = content[np.maximum(self.ends - 1, 0)] == CARRIAGE_RETURN
        self.empty = lengths - (is_cr & (lengths > 0)) == 0
        marks = np.flatnonzero(content == QUOTE) if b'"' in self.content else self.ends[:0]
        of_line = np.searchsorted(self.ends, marks)
        counts = np.bincount(of_line, minlength=len(self.ends))
        edges = (ord(delimiter), NEWLINE, CARRIAGE_RETURN)
        bounded = np.concatenate(([NEWLINE], content, [NEWLINE]))
        around = np.where(np.arange(len(marks)) % 2, bounded[marks + 2], bounded[marks])
        too_long = (counts > 0) & (lengths > csv.field_size_limit())
        self.unclear = np.union1d(of_line[~np.isin(around, edges)], np.flatnonzero(too_long))
        has_stray_cr = self.content.count(b"\r") != self.content.count(b"\r\n")
        self.is_simple = not (counts % 2).any() and not has_stray_cr

    def text(self, line: int) -> str:
        """Return a line's text, by its position in the block."""
        return line_text(self.content[self.starts[line] : self.ends[line]], "utf-8")

    def plain(self) -> tuple[NDArray[np.intp], bytes]:
        """Return the non-empty lines that Arrow can parse: their positions and bytes."""
        kept = np.ones(len(self.ends), bool)
        kept[self.unclear] = False
        edges = np.flatnonzero(np.diff(kept, prepend=False, append=False))
        runs = zip(edges[::2], edges[1::2], strict=True)
        content = b"".join(
            self.content[self.starts[first] : self.ends[behind - 1] + 1] for first, behind in runs
        )
        return np.flatnonzero(kept & ~self.empty), content


def _of_lines(lines: _Lines, layout: Layout, promised: Sequence[str]) -> Batch:
    """Return a batch of lines with one record each."""
    import pandas as pd

    places, content = lines.plain()
    sent, odd = (
        _columns(content, layout, promised)
        if len(places)
        else (of_records([], layout.columns, promised).sent, [])
    )
    kept = np.delete(places, odd)
    if layout.is_padded and len(kept):
        is_over = (sent.pop("").str.strip() != "").to_numpy(bool)
        odd = [*odd, *np.searchsorted(places, kept[is_over]).tolist()]
        sent, kept = sent[~is_over].reset_index(drop=True), kept[~is_over]
    sent[RECORD] = lines.first + kept
    last = sent[[name for name in promised if name in layout.columns][-1]]
    empty = np.flatnonzero(last.str.strip() == "")
    blank = [row for row in empty if layout.is_blank(lines.text(kept[row]))]
    singles = [
        layout.read(lines.first + line, text)
        for line in sorted({*lines.unclear.tolist(), *places[odd].tolist()})
        if not layout.is_blank(text := lines.text(line))
    ]
    several = of_records(singles, layout.columns, promised)
    sent = pd.concat([sent.drop(index=blank), several.sent]).sort_values(RECORD, ignore_index=True)
    numbers = sent[RECORD].to_numpy()
    return Batch(sent, lambda row: lines.text(numbers[row] - lines.first), several.broken)


def _columns(
    content: bytes, layout: Layout, promised: Sequence[str]
) -> tuple[pd.DataFrame, list[int]]:
    """Parse the expected columns of lines for Arrow; return them and the positions of bad lines.

    Bad lines have another number of fields than the header. They are left out.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    odd: list[int] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        odd.append(row.number - 1)
        return "skip"

    if content.startswith(codecs.BOM_UTF8):  # Arrow strips it even here
        content = b"\n" + content
    names = [str(number) for number in range(len(layout.columns))]
    wanted = {name: str(layout.columns.index(name)) for name in promised if name in layout.columns}
    if layout.is_padded:
        promised = [*promised, ""]
        wanted[""] = str(len(layout.columns) - 1)
    table = arrow_csv.read_csv(
        pa.BufferReader(content),
        read_options=arrow_csv.ReadOptions(
            use_threads=False, block_size=len(content) + 1, column_names=names
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=layout.delimiter, double_quote=False, invalid_row_handler=skip
        ),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=list(wanted.values()),
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[],
        ),
    )
    sent = pd.DataFrame(
        {name: table[wanted[name]].to_pandas() if name in wanted else "" for name in promised},
        index=pd.RangeIndex(table.num_rows),
        dtype="str",
    )
    return sent, odd
