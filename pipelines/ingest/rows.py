"""Rows by table: what the policies `First` and `Latest` share.

Rows are staged by the table to which they belong. Records that contradict others are removed, and
the rest is stored by primary key, with one statement for each table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.ingest.contract import Reject
from pipelines.ingest.feeds import First, Latest, Parsed
from pipelines.ingest.load import Load, Writer
from pipelines.ingest.merge import rejected
from pipelines.ingest.record_keys import sql_of_key, with_stored_keys
from pipelines.ingest.stages import Formatted, Stages, formatted
from pipelines.warehouse.connection import OF_RECORD, RAW, RECORD, count_statement
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    from sqlalchemy import Table


class RowsWriter(Writer, ABC):
    """Stages the rows of one load by table, and stores them by primary key."""

    #: The queries that remove staged rows, in order; the first one with a record gives its reason.
    resolving: ClassVar[tuple[str, ...]]

    def __init__(self, load: Load, policy: First | Latest) -> None:
        del policy  # they have no options
        self.load = load
        #: The source's tables by the names of their stages.
        self._tables = {_stage(name): one for name, one in load.owner.metadata.tables.items()}
        self._stages = Stages(load, self._tables)
        self._position: Callable[[int], str] = str
        load.create_change_log()

    @abstractmethod
    def statement(self, table: Table, columns: Sequence[str]) -> str:
        """Return the statement that stores the staged rows of a table."""

    def prepare(self, parsed: Parsed) -> Formatted:
        """Format the rows of a batch, by stage."""
        return formatted(_staged(parsed))

    def put(self, parsed: Parsed, prepared: Formatted) -> list[Reject]:
        """Stage a batch."""
        self._position = parsed.position
        self._stages.put(_staged(parsed), prepared)
        return []

    def keyed(self, rejects: Sequence[Reject]) -> Sequence[Reject]:
        """Return rejects with their keys as `keys` has them."""
        return with_stored_keys(self.load, rejects)

    @property
    def keys(self) -> Mapping[str, str]:
        """The expressions of the keys of staged records, by stage."""
        return {name: sql_of_key(self._tables[name], name) for name in self._stages.columns}

    def resolve(self) -> list[Reject]:
        """Remove records that contradict others, as the policy says."""
        self._stages.analyze()
        found: list[Any] = []
        for stage, columns in self._stages.columns.items():
            values = self._values(stage)
            for query in self.resolving if values and RAW in columns else ():
                statement = read_sql("pipelines.ingest", query).format(
                    stage=stage,
                    table=self._tables[stage].fullname,
                    keys=", ".join(self._keys(stage)),
                    is_key=self._is_key(stage),
                    values=", ".join(values),
                    first_values=", ".join(f"first_value({one}) OVER same_key" for one in values),
                    staged_values=", ".join(f"staged.{one}" for one in values),
                    stored_values=", ".join(f"stored.{one}" for one in values),
                    record_key=sql_of_key(self._tables[stage], "staged"),
                )
                found += self.load.run(statement, {}).all()
        rejects = {row.record: rejected(row, self._position) for row in reversed(found)}
        if rejects:  # a record is rejected as a whole, with its rows of other tables
            for stage in self._stages.columns:
                self.load.run(
                    f"DELETE FROM {stage} WHERE {RECORD} = ANY(:records)",
                    {"records": [*rejects]},
                )
        return [*rejects.values()]

    def write(self) -> tuple[int, int]:
        """Store the staged rows table by table, and count."""
        staged = [(self._tables[name], all_) for name, all_ in self._stages.columns.items()]
        for table, columns in staged:
            self.load.run(self.statement(table, columns), {"delivery_id": self.load.delivery_id})
        if not staged:
            return 0, 0
        stored = self.load.run(count_statement(staged), {}).scalar_one()
        return self.load.changed_records(), int(stored)

    def _keys(self, stage: str) -> list[str]:
        return [column.name for column in self._tables[stage].primary_key]

    def _is_key(self, stage: str) -> str:
        return " AND ".join(f"staged.{key} = stored.{key}" for key in self._keys(stage))

    def _values(self, stage: str) -> list[str]:
        """Return the staged columns that are not of the primary key."""
        apart = (*self._keys(stage), *OF_RECORD)
        return [name for name in self._stages.columns.get(stage, ()) if name not in apart]


def _staged(parsed: Parsed) -> Parsed:
    """Return a batch with its rows by stage instead of table."""
    return replace(parsed, rows={_stage(name): frame for name, frame in parsed.rows.items()})


def _stage(table: str) -> str:
    return f"stage_{table.rpartition('.')[2]}"
