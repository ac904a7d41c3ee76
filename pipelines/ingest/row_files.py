"""Parser of files with rows of one kind: CSV, JSON lines, JSON, Parquet and Excel, by suffix."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from itertools import count, islice, zip_longest
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, get_args
from warnings import catch_warnings

from pipelines.failures import PermanentFailure
from pipelines.ingest.feeds import Content, Context, Parsed
from pipelines.ingest.gzip_reader import unpacked
from pipelines.ingest.identifiers import IS_DAMAGED, MARKERS, NO_TEXT, NOTHING, visible
from pipelines.ingest.models import is_sent_as, may_be_text, sent_as, sent_keys
from pipelines.ingest.parsers import RECORDS_AT_ONCE, Csv, Records, validated, value_at
from pipelines.ingest.reasons import Reason

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pipelines.ingest.contract import RecordValidator
    from pipelines.ingest.csv_files import Batch

#: Ends of the names of files that can be read; each may be followed by `.gz`.
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx")
#: What stands where a line should be an object.
NOT_JSON = "not_json"
#: From here on, a workbook has lost digits of a whole number.
MAX_SHOWN = 10**15
#: Rows of a sheet in which the header is looked for, below titles.
HEADER_ROWS = 20
#: A line that only counts.
BLANK = object()


class Rows:
    """Parses files by suffix, each row validated by a model.

    Headers, keys or columns are the names of fields, or their aliases. An empty value of CSV and
    Excel is None, and so are `NULL`, `\\N`, `nan` and `#N/A`; where no text is expected, so is
    `None` or `n/a`. Fields that have a default may be missing.

    Args:
        model: What a row is; its fields are the columns (`Field`).
        table: The table, as schema.name.
        key: The fields that identify a row. With them, Isobar makes the table.
        at: Where the list is in a JSON file, such as `data.items`; by default the file is the list.
    """

    #: What files it reads.
    suffixes = tuple(f"{suffix}{packed}" for packed in ("", ".gz") for suffix in SUFFIXES)

    def __init__(
        self, model: type[BaseModel], *, table: str, key: str | tuple[str, ...] = (), at: str = ""
    ) -> None:
        self.model, self.at = model, at
        self.records = (Records(model=model, table=table, key=key),)
        keys = sent_keys(model)
        fields = {key: model.model_fields[name] for key, name in keys.items()}
        #: The keys of the model by the columns of a header, as `csv_files` folds them.
        self._names = {name.casefold(): name for name in fields}
        #: Keys of whole numbers and texts, which are no measurements.
        self._whole = [
            key
            for key, one in fields.items()
            if not {float, Decimal} & {one.annotation, *get_args(one.annotation)}
        ]
        self._texts = [key for key in fields if is_sent_as(model, keys[key], (str,))]
        #: What a missing value is written as, by key.
        self._nothing = {
            key: NO_TEXT if may_be_text(one.annotation) else NOTHING for key, one in fields.items()
        }
        self._csv = Csv(
            columns=tuple(self._names),
            read=self._read_texts,
            is_strict=True,
            optional=tuple(
                name.casefold() for name, one in fields.items() if not one.is_required()
            ),
        )

    def options(self, settings: Any) -> str:
        """Return what files are parsed by: rejected ones are read again when it changes."""
        del settings
        return self._options

    @cached_property
    def _options(self) -> str:
        """The digest of the model's schema, in which each process agrees with all others."""
        from pydantic.json_schema import GenerateJsonSchema

        class Generate(GenerateJsonSchema):
            """Takes no notice of types that JSON Schema does not know."""

            def handle_invalid_for_json_schema(self, *_: Any) -> dict[str, Any]:
                return {}

            def emit_warning(self, *_: Any) -> None:
                """Say nothing of defaults that it does not know."""

        schema: Any = None
        with suppress(Exception):  # code of the model may write its part of the schema
            schema = self.model.model_json_schema(schema_generator=Generate)
        places = {name: sent_as(info, name) for name, info in self.model.model_fields.items()}
        text = json.dumps([schema, places, self.at], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def __call__(self, content: Content, context: Context) -> Iterator[Parsed]:
        """Yield batches of rows. Raises `PermanentFailure` for a file that cannot be read."""
        if content.quarantined is not None and content.header is None:
            again = [(one.number, _parsed(one.raw)) for one in content.quarantined]
            yield self._read_records(again, "row {}".format, context)
            return
        name = content.delivery.name.lower().removesuffix(".gz")
        suffix = next((one for one in SUFFIXES if name.endswith(one)), ".csv")
        if content.quarantined is not None or suffix in (".csv", ".tsv", ".txt"):
            yield from self._csv(content, context)
            return
        read, position = READERS[suffix]
        notes: list[str] = []
        is_book = suffix == ".xlsx"
        sent = read(unpacked(content, context.source), self.at, self._names, notes)
        found = enumerate(sent, 2 if is_book else 1)
        numbered = ((n, self._exact(row, is_book=is_book)) for n, row in found if row is not BLANK)
        document: str | None = content.delivery.name
        while True:
            try:
                some = [*islice(numbered, RECORDS_AT_ONCE)]
            except (ValueError, KeyError) as error:
                kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
                raise PermanentFailure(
                    context.source,
                    f"it is no {suffix.removeprefix('.')} file with rows: {kind}{error}",
                    place=content.place or content.delivery.name,
                    remedy="Send it again. If it opens elsewhere, send it as CSV.",
                ) from error
            if not some:
                return
            parsed = self._read_records(some, position, context, document)
            yield replace(parsed, drift=[*parsed.drift, *notes])
            document = None
            notes.clear()

    def _exact(self, row: Any, *, is_book: bool) -> Any:
        """Return a row whose NaN is no value; `Unread` if digits of a whole number were lost."""
        from pipelines.ingest.contract import as_json

        if not isinstance(row, dict):
            return row
        row = {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in row.items()
        }
        for name, value in row.items() if is_book else ():
            # An error of a formula is no text, either.
            if isinstance(value, str) and (
                value in MARKERS or value in self._nothing.get(name, ())
            ):
                row[name] = None
        for name in self._whole if is_book else ():
            value = row.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if abs(value) >= MAX_SHOWN and (isinstance(value, float) or value % 10 == 0):
                words = f"{name} {IS_DAMAGED}: {value:.0f}"
                return Unread(as_json(row), Reason(f"{name}_invalid", words, is_final=True))
            if name in self._texts and value == int(value):
                row[name] = str(int(value))
        return row

    def _read_records(
        self,
        numbered: Sequence[tuple[int, Any]],
        position: Callable[[int], str],
        context: Context,
        document: str | None = None,
    ) -> Parsed:
        """Return good rows and rejects; `document` is named in what is reported as drift."""
        import pandas as pd

        from pipelines.ingest.contract import as_json
        from pipelines.ingest.csv_files import Batch
        from pipelines.warehouse.connection import RECORD

        broken = [(n, *record) for n, record in numbered if isinstance(record, Unread)]
        whole = [one for one in numbered if not isinstance(one[1], Unread)]
        sent = pd.DataFrame({RECORD: [number for number, _ in whole]}, dtype="int64")
        batch = Batch(sent, lambda row: as_json(whole[row][1]), broken, position)
        parsed, validator = self._validated(batch, [record for _, record in whole], context)
        if document and len(parsed.rows[self.records[0].table]):
            return replace(parsed, drift=validator.drift(document))
        return parsed

    def _read_texts(self, batch: Batch, context: Context) -> Parsed:
        """Validate the rows of a batch of a CSV file."""
        texts = batch.sent[[*self._names]].rename(columns=self._names).astype(object)
        nothing = {key: ["", *markers] for key, markers in self._nothing.items()}
        records = texts.where(~texts.isin(nothing), None).to_dict("records")
        return self._validated(batch, records, context)[0]

    def _validated(
        self, batch: Batch, records: Sequence[Any], context: Context
    ) -> tuple[Parsed, RecordValidator]:
        from pipelines.ingest.identifiers import storable
        from pipelines.warehouse.connection import RECORD

        raw = [storable(batch.raw(row)) for row in range(len(records))]
        good, validator, key = validated(self.records[0], records, raw, context, "rows")
        rows = {self.records[0].table: good.assign(**{RECORD: batch.sent.loc[good.index, RECORD]})}
        return batch.parsed(rows, validator.reasons(), lambda row: key(records[row])), validator


class Unread(NamedTuple):
    """A row that cannot be read: its text, and why."""

    text: str
    why: Reason


def _parsed(text: str) -> Any:
    from pipelines.http.json_documents import parse_json
    from pipelines.ingest.identifiers import storable

    try:
        return parse_json(text.encode())
    except ValueError as error:
        return Unread(storable(text), Reason(NOT_JSON, f"it is not JSON: {error}"))


def _json_lines(file: BinaryIO, *_: Any) -> Iterator[Any]:
    from pipelines.ingest.csv_layout import MAX_LINE_BYTES

    for number in count(1):
        line = file.readline(MAX_LINE_BYTES + 1)
        if not line:
            return
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"line {number} is longer than {MAX_LINE_BYTES:,} bytes")
        text = line.decode("utf-8", "backslashreplace").strip("\ufeff \t\r\n")
        yield _parsed(text) if text else BLANK


def _json_list(file: BinaryIO, at: str, *_: Any) -> Iterator[Any]:
    from pipelines.http.json_documents import parse_json

    found = value_at(parse_json(file.read()), at)
    if isinstance(found, list):
        yield from found
    else:
        raise ValueError(f"there is no list at {at!r}" if at else "it is not a list")  # noqa: TRY004


def _parquet(file: BinaryIO, *_: Any) -> Iterator[Any]:
    from pyarrow import ArrowException, parquet

    content = io.BytesIO(file.read())
    try:
        opened = parquet.ParquetFile(content)
        _reject_repeated(opened.schema_arrow.names)
        for batch in opened.iter_batches(batch_size=RECORDS_AT_ONCE):
            yield from batch.to_pylist(maps_as_pydicts="lossy")
    except MemoryError:  # Arrow's is an `ArrowException`, too
        raise
    except OverflowError as error:
        raise ValueError("a time is beyond the year 9999: write null") from error
    except (ArrowException, OSError) as error:  # the latter for damaged pages
        raise ValueError(str(error)) from error


def _excel(file: BinaryIO, _: str, names: Mapping[str, str], notes: list[str]) -> Iterator[Any]:
    """Yield the rows of the first sheet by the names in its header; note the other sheets."""
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    content = io.BytesIO(file.read())
    try:
        with catch_warnings(action="ignore"):  # of styles and extensions
            sheets = load_workbook(content, read_only=True, data_only=True).worksheets
        if not sheets:
            problem = "no sheet can be read; save it as Excel Workbook, not as Strict Open XML"
            raise ValueError(problem)  # noqa: TRY301 - as what openpyxl raises
        sheet, *others = sheets
        sheet.reset_dimensions()  # some programs write fewer than there are
        unread = ", ".join(repr(one.title) for one in others)
        notes += [f"sheets that were not read: {unread}"] if unread else []
        yield from _named(sheet, names, f"; not read: {unread}" if unread else "")
    except ValueError:
        raise
    except Exception as error:  # a damaged file raises what zlib, the XML or openpyxl stumble on
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _named(sheet: Any, names: Mapping[str, str], others: str) -> Iterator[Any]:
    """Yield each row behind the header by its names, and BLANK for one that is no record.

    Raises `ValueError` for another order of the header, or none.
    """
    from openpyxl.utils.escape import unescape  # type: ignore[import-untyped]

    header: list[str] = []
    for number, row in enumerate(sheet.iter_rows(values_only=True)):
        texts = ["" if title is None else visible(str(title)) for title in row]
        titles = [names.get(text.casefold(), text) for text in texts]
        if not any(texts):
            yield BLANK
        elif not header:
            if not names or {*titles} & {*names.values()}:
                _reject_repeated(titles)
                header = titles
            elif number < HEADER_ROWS:
                yield BLANK
            else:
                break
        elif len(header) > 1 and {*titles} >= {*filter(None, header)}:
            if titles != header:
                raise ValueError(f"row {number + 1} is another header")
            yield BLANK
        else:
            plain = (unescape(one) if isinstance(one, str) else one for one in row)
            cells = enumerate(zip_longest(header, plain), 1)
            named = ((name or f"column {place}", value) for place, (name, value) in cells)
            yield {name: value for name, value in named if name in header or value is not None}
    if names and not {*header} & {*names.values()}:
        raise ValueError(f"the sheet {sheet.title!r} has no header with expected columns{others}")


def _reject_repeated(names: Sequence[str]) -> None:
    """Raise `ValueError` for columns of one name: only the last one would be stored."""
    from pipelines.ingest.csv_layout import repeated

    if twice := repeated(names):
        raise ValueError(f"it has several columns named {', '.join(twice)}")


Reader = Callable[[BinaryIO, str, Mapping[str, str], list[str]], Iterator[Any]]
#: By suffix: what yields the rows of a file, by where the list is in it and the keys by the titles
#: of columns, and may add notes; and how a row is named.
READERS: Mapping[str, tuple[Reader, Callable[[int], str]]] = {
    ".jsonl": (_json_lines, "line {}".format),
    ".ndjson": (_json_lines, "line {}".format),
    ".json": (_json_list, "row {}".format),
    ".parquet": (_parquet, "row {}".format),
    ".xlsx": (_excel, "row {}".format),
}
