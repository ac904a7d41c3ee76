"""The policy `Latest`: rows are staged by table and upserted by primary key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pipelines.ingest.contract import Reject
from pipelines.ingest.deliveries import withdraw_record
from pipelines.ingest.feeds import Latest, Parsed
from pipelines.ingest.merge import rejected
from pipelines.ingest.stages import Formatted, Stages, formatted
from pipelines.warehouse.connection import (
    OF_RECORD,
    RAW,
    RECORD,
    count_statement,
    upsert_statement,
)
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.ingest.load import Load


class LatestWriter:
    """Stages the rows of one load by table, and upserts them."""

    def __init__(self, load: Load, policy: Latest) -> None:
        del policy  # it has no options
        self.load = load
        #: The source's tables by the names of their stages.
        self._tables = {_stage(name): one for name, one in load.owner.metadata.tables.items()}
        self._stages = Stages(load, self._tables)
        self._position: Callable[[int], str] = str
        self._cut: tuple[Mapping[str, pd.DataFrame], Sequence[int]] = {}, ()
        load.create_change_log()

    def begin(self, cut: Mapping[str, pd.DataFrame], delivery_ids: Sequence[int]) -> None:
        """Keep the line that was cut until rows are written."""
        self._cut = cut, delivery_ids

    def prepare(self, parsed: Parsed) -> Formatted:
        """Format the rows of a batch, by stage."""
        return formatted(_staged(parsed))

    def put(self, parsed: Parsed, prepared: Formatted) -> list[Reject]:
        """Stage a batch."""
        self._position = parsed.position
        self._stages.put(_staged(parsed), prepared)
        return []

    def resolve(self) -> list[Reject]:
        """Remove rows whose key came before with other values."""
        self._stages.analyze()
        found: list[Any] = []
        for stage, columns in self._stages.columns.items():
            keys = [column.name for column in self._tables[stage].primary_key]
            values = [name for name in columns if name not in (*keys, *OF_RECORD)]
            if values and RAW in columns:
                statement = read_sql("pipelines.ingest", "reject_repeated").format(
                    stage=stage,
                    keys=", ".join(keys),
                    values=", ".join(values),
                    first_values=", ".join(f"first_value({one}) OVER same_key" for one in values),
                    key_texts=", ".join(f"CAST(staged.{one} AS text)" for one in keys),
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
        """Upsert the staged rows table by table, and count."""
        is_old = self.load.is_retry and self._is_followed()
        self._withdraw(*self._cut)
        staged = [(self._tables[name], all_) for name, all_ in self._stages.columns.items()]
        for table, columns in staged:
            statement = upsert_statement(
                table, columns, only_missing=is_old, is_retry=self.load.is_retry
            )
            self.load.run(statement, {"delivery_id": self.load.delivery_id})
        if not staged:
            return 0, 0
        stored = self.load.run(count_statement(staged), {}).scalar_one()
        return self.load.changed_records(), int(stored)

    def _withdraw(self, cut: Mapping[str, pd.DataFrame], delivery_ids: Sequence[int]) -> None:
        """Delete the row that a cut line stored, unless it is staged."""
        for name in cut:
            table = self.load.owner.metadata.tables[name]
            keys = [column.name for column in table.primary_key]
            statement = read_sql("pipelines.ingest", "withdraw_row").format(
                table=table.fullname,
                stage=_stage(name),
                is_key=" AND ".join(f"stored.{key} = :{key}" for key in keys),
                is_same=" AND ".join(f"staged.{key} = stored.{key}" for key in keys),
            )
            for row in cut[name][keys].to_dict("records"):
                values = {"delivery_ids": list(delivery_ids), **{str(k): v for k, v in row.items()}}
                for gone in self.load.run(statement, values):
                    withdraw_record(self.load.connection, gone.delivery_id)

    def _is_followed(self) -> bool:
        """Return whether a later delivery of the feed was loaded, which a retry must not undo."""
        query = text(read_sql("pipelines.ingest", "is_followed"))
        return bool(
            self.load.connection.execute(query, {"delivery_id": self.load.delivery_id}).scalar_one()
        )


def _staged(parsed: Parsed) -> Parsed:
    """Return a batch with its rows by stage instead of table."""
    return replace(parsed, rows={_stage(name): frame for name, frame in parsed.rows.items()})


def _stage(table: str) -> str:
    return f"stage_{table.rpartition('.')[2]}"
