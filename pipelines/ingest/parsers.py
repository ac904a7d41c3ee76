"""Parsers of feeds: CSV files batch by batch, and JSON documents with lists of records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.failures import PermanentFailure
from pipelines.ingest.feeds import Content, Context, Parsed

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import BaseModel

    from pipelines.ingest.contract import RecordValidator, Reject
    from pipelines.ingest.csv_files import Batch

#: Records of a file that is no CSV, or of the quarantine, that are parsed at once.
RECORDS_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True)
class Csv:
    """Parses a CSV file with a header, in UTF-8 or the encoding of the settings field `encoding`.

    Of the `columns`, the header may lack the `optional` ones, and have others by `aliases`.
    """

    columns: tuple[str, ...]
    #: Turns a batch of texts into rows and rejects. Pure.
    read: Callable[[Batch, Context], Parsed]
    optional: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    #: Whether a file that is not in its encoding is rejected, because values may be any text. By
    #: default, invalid bytes become escapes, which make the value of a column invalid.
    is_strict: bool = False

    def __call__(self, content: Content, context: Context) -> Iterator[Parsed]:
        """Yield the file's header, and then its records batch by batch."""
        if content.quarantined is not None:
            yield self._again(content, context)
            return
        from pipelines.ingest.csv_files import CsvFile
        from pipelines.ingest.gzip_reader import unpacked

        settings, name = context.settings, content.delivery.name
        is_set = "encoding" in getattr(type(settings), "model_fields", ())
        file = CsvFile(
            unpacked(content, context.source),
            self,
            source=context.source,
            name=name,
            encoding=settings.encoding if is_set else "utf-8",
            variable=settings.variable("encoding") if is_set else None,
        )
        yield Parsed(header=file.layout.stored_header, drift=file.layout.drift(name, self.columns))
        for batch in file.batches():
            yield self.read(batch, context)

    def _again(self, content: Content, context: Context) -> Parsed:
        """Parse quarantined records, one by one."""
        from pipelines.ingest.csv_files import of_records
        from pipelines.ingest.csv_layout import layout_of_stored
        from pipelines.ingest.identifiers import as_sent

        layout = layout_of_stored(content.header or "", self.columns, self.aliases)
        again = content.quarantined or ()
        records = [layout.read(one.number, as_sent(one.raw)) for one in again]
        return self.read(of_records(records, layout.columns, self.columns), context)


@dataclass(frozen=True, kw_only=True)
class Records:
    """Records of one kind: what a record is, and its table.

    With a `key`, Isobar makes the table (`table_of`); without one, it is declared in `tables.py`.
    """

    #: Where their list is in a JSON document, such as `data.items`; empty: the document itself.
    at: str = ""
    #: What a record is; its fields are the columns (`Field`).
    model: type[BaseModel]
    #: The table, as schema.name.
    table: str
    #: The fields that identify a row.
    key: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` for a name that staged rows have."""
        from pipelines.warehouse.connection import OF_RECORD

        if taken := sorted(OF_RECORD.keys() & self.model.model_fields.keys()):
            raise ValueError(
                f"{self.model.__name__} has a field {taken[0]!r}, which Isobar uses: name it"
                f" {taken[0]}_, and say alias={taken[0]!r}"
            )


def validated(
    kind: Records,
    records: Sequence[Any],
    raw: Sequence[str],
    context: Context,
    name: str,
    first_record: int = 0,
) -> tuple[pd.DataFrame, RecordValidator, Callable[[Any], tuple[str, ...] | None]]:
    """Validate records of a kind, which have these texts.

    Returns the valid ones as rows of its table, the validator, and what reads the key of a record.
    """
    from pipelines.ingest.column_rows import column_rows, key_reader
    from pipelines.ingest.contract import RecordValidator
    from pipelines.warehouse.connection import RAW

    keys = context.keys.get(kind.table, ())
    validator = RecordValidator(records, name=name, model=kind.model, first_record=first_record)
    good = column_rows(validator, keys)
    good = good.assign(**{RAW: [raw[index] for index in good.index]})
    return good, validator, key_reader(kind.model, kind.table, keys)


class Json:
    """Parses a JSON document with lists of records, each validated by a model."""

    def __init__(self, *records: Records) -> None:
        self.records = records

    def __call__(self, content: Content, context: Context) -> Iterator[Parsed]:
        """Yield all lists at once. Raises `PermanentFailure` if one is missing."""
        from pipelines.ingest.contract import as_json, shown

        lists = {one.at: value_at(content.document, one.at) for one in self.records}
        if missing := [at for at, found in lists.items() if not isinstance(found, list)]:
            names = " and ".join(missing)
            raise PermanentFailure(
                context.source,
                (f"the document has no list of {names}" if names else "the document is no list")
                + f"; it begins {shown(content.document)}",
                place=content.place,
                remedy="See whether the address is that of the right document.",
            )
        drift: list[str] = []
        rejects: list[Reject] = []
        positions: list[str] = []
        rows, counts = {}, {}
        for one in self.records:
            records, name = lists[one.at], one.at or "records"
            raw = [as_json(record) for record in records]
            good, validator, key = validated(one, records, raw, context, name, len(positions))
            rows[one.table] = good
            counts[name] = len(records)
            positions += [f"{name}[{place}]" for place in range(len(records))]
            drift += validator.drift(content.delivery.name)
            rejects += validator.rejects(key)
        yield Parsed(
            read=len(positions),
            rows=rows,
            rejects=rejects,
            lists=counts,
            drift=drift,
            position=positions.__getitem__,
        )


def value_at(document: Any, at: str) -> Any:
    """Return what is at a place of a document, such as `data.items`; None if nothing is.

    The empty place is the document itself.
    """
    for name in at.split(".") if at else ():
        document = document.get(name) if isinstance(document, dict) else None
    return document
