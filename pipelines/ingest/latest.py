"""The policy `Latest`: rows are staged by table and upserted by primary key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, text

from pipelines.ingest.contract import Reject
from pipelines.ingest.deliveries import withdraw_record
from pipelines.ingest.feeds import Latest, Parsed
from pipelines.ingest.merge import rejected
from pipelines.warehouse.connection import (
    changed_records,
    copy_text,
    count_records,
    create_stage,
    csv_text,
    prepare_change_log,
    upsert,
)
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.ingest.runner import Load


class LatestWriter:
    """Stages the rows of one load by table, and upserts them."""

    def __init__(self, load: Load, policy: Latest) -> None:
        del policy  # it has no options
        self.load = load
        self._staged: dict[str, Sequence[str]] = {}
        self._position: Callable[[int], str] = str
        self._cut: tuple[Mapping[str, pd.DataFrame], Sequence[int]] = {}, ()
        prepare_change_log(load.connection)

    def begin(self, cut: Mapping[str, pd.DataFrame], delivery_ids: Sequence[int]) -> None:
        """Keep the line that was cut until rows are written."""
        self._cut = cut, delivery_ids

    def prepare(self, parsed: Parsed) -> dict[str, list[bytes]]:
        """Format the rows of a batch for COPY, by table."""
        return {name: [*csv_text(frame)] for name, frame in parsed.rows.items()}

    def put(self, parsed: Parsed, prepared: Mapping[str, list[bytes]]) -> list[Reject]:
        """Stage a batch."""
        self._position = parsed.position
        for name, frame in parsed.rows.items():
            table, stage = self._table(name), f"stage_{self._table(name).name}"
            if name not in self._staged:
                create_stage(self.load.connection, stage, frame.columns, table)
                self._staged[name] = [column for column in frame.columns if column in table.c]
            columns = ", ".join(frame.columns)
            copy_text(self.load.connection, f"{stage} ({columns})", prepared[name])
        return []

    def resolve(self) -> list[Reject]:
        """Remove rows whose key came before with other values."""
        found: list[Any] = []
        for name, columns in self._staged.items():
            table = self._table(name)
            keys = [column.name for column in table.primary_key]
            values = [column for column in columns if column not in keys]
            connection = self.load.connection
            connection.execute(text(f"ANALYZE stage_{table.name} ({', '.join(keys)})"))
            if not values:
                continue
            statement = read_sql("pipelines.ingest", "reject_repeated").format(
                stage=f"stage_{table.name}",
                keys=", ".join(keys),
                values=", ".join(values),
                first_values=", ".join(f"first_value({name}) OVER same_key" for name in values),
                key_texts=", ".join(f"staged.{name}::text" for name in keys),
            )
            found += connection.execute(text(statement)).all()
        return [rejected(row, self._position) for row in found]

    def write(self) -> tuple[int, int]:
        """Upsert the staged rows table by table, and count."""
        connection = self.load.connection
        is_old = self.load.is_retry and self._is_followed()
        self._withdraw(*self._cut)
        stored = 0
        for name in self._staged:
            upsert(connection, self._table(name), self.load.delivery_id, only_missing=is_old)
            stored += count_records(connection, self._table(name))
        return changed_records(connection), stored

    def _withdraw(self, cut: Mapping[str, pd.DataFrame], delivery_ids: Sequence[int]) -> None:
        """Delete the row that a cut line stored, unless it is staged."""
        for name in self._staged.keys() & cut.keys():
            table = self._table(name)
            keys = [column.name for column in table.primary_key]
            statement = read_sql("pipelines.ingest", "withdraw_row").format(
                table=table.fullname,
                stage=f"stage_{table.name}",
                is_key=" AND ".join(f"stored.{key} = :{key}" for key in keys),
                is_same=" AND ".join(f"staged.{key} = stored.{key}" for key in keys),
            )
            for row in cut[name][keys].to_dict("records"):
                values = {"delivery_ids": list(delivery_ids), **{str(k): v for k, v in row.items()}}
                for gone in self.load.connection.execute(text(statement), values):
                    withdraw_record(self.load.connection, gone.delivery_id)

    def _is_followed(self) -> bool:
        """Return whether a later delivery of the feed was loaded, which a retry must not undo."""
        query = text(read_sql("pipelines.ingest", "is_followed"))
        return bool(
            self.load.connection.execute(query, {"delivery_id": self.load.delivery_id}).scalar_one()
        )

    def _table(self, name: str) -> Table:
        return self.load.owner.metadata.tables[name]
