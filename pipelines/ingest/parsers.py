"""Parsers of feeds: CSV files batch by batch, and JSON documents with lists of records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.failures import PermanentFailure
from pipelines.ingest.feeds import Content, Context, Parsed

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pipelines.ingest.csv_batches import Batch

#: Quarantined records that are parsed at once.
RECORDS_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True)
class Csv:
    """Parses a CSV file with a header, with or without gzip compression.

    Of the `columns`, the header may lack the `optional` ones, and it may use other names as given
    by `aliases`.
    """

    columns: tuple[str, ...]
    #: Turns a batch of texts into rows and rejects. Pure.
    read: Callable[[Batch, Context], Parsed]
    optional: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    #: The settings field with the encoding, and its variable; without one, it is UTF-8.
    encoding: tuple[str, str] | None = None
    #: The model of a record and its table, if `csv_records` made the parser.
    model: type[BaseModel] | None = None
    table: str = ""

    def __call__(self, content: Content, context: Context) -> Iterator[Parsed]:
        """Yield the file's header and cut line, and then its records batch by batch."""
        if content.quarantined is not None:
            yield from self._again(content, context)
            return
        from pipelines.ingest.csv_batches import of_cut_line, portions
        from pipelines.ingest.csv_records import CsvFile
        from pipelines.ingest.gzip_reader import unpacked

        delivery = content.delivery
        setting, variable = self.encoding or (None, None)
        encoding = getattr(context.settings, setting) if setting else "utf-8"
        assert content.file is not None
        file = CsvFile(
            unpacked(
                content.file,
                source=context.source,
                name=delivery.name,
                byte_count=delivery.byte_count,
            ),
            source=context.source,
            name=delivery.name,
            promised=self.columns,
            encoding=encoding,
            variable=variable,
            optional=self.optional,
            aliases=self.aliases,
        )
        layout, cut = file.layout, Parsed()
        if delivery.cut is not None:
            cut = self.read(of_cut_line(delivery.cut, layout, encoding, self.columns), context)
        drift = layout.drift(delivery.name, self.columns)
        yield Parsed(header=layout.header, drift=drift, cut=cut.rows)
        for batch in portions(file, self.columns):
            yield self.read(batch, context)

    def _again(self, content: Content, context: Context) -> Iterator[Parsed]:
        """Yield quarantined records, which are parsed one by one."""
        from pipelines.ingest.csv_batches import of_records
        from pipelines.ingest.csv_records import as_sent, layout_of

        layout = layout_of(content.header or "", self.columns, self.aliases)
        numbered = content.quarantined or ()
        for start in range(0, len(numbered), RECORDS_AT_ONCE):
            some = numbered[start : start + RECORDS_AT_ONCE]
            records = [layout.read(one.number, as_sent(one.raw)) for one in some]
            yield self.read(of_records(records, layout.columns, self.columns), context)


def csv_records(model: type[BaseModel], *, table: str) -> Csv:
    """Return a parser of CSV files whose records a model validates.

    The header has the names of the fields, or their aliases. An empty value is None. Fields that
    have a default may be missing.
    """
    names = {one.alias or name: one for name, one in model.model_fields.items()}

    def read(batch: Batch, _: Context) -> Parsed:
        from pipelines.ingest.contract import RecordValidator
        from pipelines.ingest.csv_records import storable
        from pipelines.warehouse.connection import RAW, RECORD

        texts = batch.sent[[*names]].astype(object)
        records = texts.where(texts != "", None).to_dict("records")
        validator = RecordValidator(records, name="records", model=model)
        good = validator.good()
        raw = [storable(batch.raw(row)) for row in good.index]
        good = good.assign(**{RECORD: batch.sent.loc[good.index, RECORD], RAW: raw})
        return batch.parsed({table: good}, validator.reasons())

    optional = tuple(name for name, one in names.items() if not one.is_required())
    return Csv(columns=tuple(names), read=read, optional=optional, model=model, table=table)


@dataclass(frozen=True, kw_only=True)
class Records:
    """A list of records in a JSON document: where it is, what a record is, and its table."""

    at: str
    #: The description of a field completes the reason of a reject, as in "is not a time: 7".
    model: type[BaseModel]
    #: The table whose columns the fields are, as schema.name.
    table: str


class Json:
    """Parses a JSON object with lists of records, each validated by a model."""

    def __init__(self, *lists: Records) -> None:
        self.lists = lists

    def __call__(self, content: Content, context: Context) -> Iterator[Parsed]:
        """Yield all lists at once. Raises `PermanentFailure` if one is missing."""
        from pipelines.ingest.contract import RecordValidator, as_json

        document = content.document if isinstance(content.document, dict) else {}
        names = [one.at for one in self.lists]
        if missing := [name for name in names if not isinstance(document.get(name), list)]:
            raise PermanentFailure(
                context.source,
                f"the document has no list of {' and '.join(missing)}",
                place=content.place,
                remedy="See whether the address is that of the right document.",
            )
        validators: list[RecordValidator] = []
        rows, counts, first = {}, {}, 0
        for one in self.lists:
            records = document[one.at]
            validator = RecordValidator(records, name=one.at, model=one.model, first_record=first)
            good = validator.good()
            rows[one.table] = good.assign(raw=[as_json(records[index]) for index in good.index])
            counts[one.at], first = len(records), first + len(records)
            validators.append(validator)
        yield Parsed(
            read=first,
            rows=rows,
            rejects=[reject for one in validators for reject in one.rejects()],
            lists=counts,
            drift=[line for one in validators for line in one.drift(content.delivery.name)],
            position=_positions(counts),
        )


def _positions(counts: Mapping[str, int]) -> Callable[[int], str]:
    """Return a function that names the list and place of a record that is numbered through."""

    def position(record: int) -> str:
        first = 0
        for name, count in counts.items():
            if record < first + count:
                return f"{name}[{record - first}]"
            first += count
        raise LookupError(record)

    return position
