"""One load: where the statements of a source run, and what a policy does for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, CursorResult, Table, text

from pipelines.ingest.feeds import Parsed, Sql, is_own
from pipelines.ingest.statements import OF_POLICY, Owner, execute, execute_file, other_tables
from pipelines.warehouse.connection import (
    RECORD,
    analyze_stage,
    copy_text,
    csv_text,
    stage_columns,
)
from pipelines.warehouse.sql_files import execute_script, read_sql

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.ingest.contract import Reject


@dataclass(frozen=True, kw_only=True)
class Load:
    """A delivery that is being loaded, or read again: where its statements run, and with what."""

    connection: Connection
    owner: Owner
    delivery_id: int
    #: When the source sent it.
    seen_at: datetime
    #: When the tables change.
    changed_at: datetime
    is_retry: bool
    parameters: dict[str, Any] = field(default_factory=dict)
    _stages: set[str] = field(default_factory=set)

    def execute(
        self, sql: Sql, names: Mapping[str, str] | None = None, **more: Any
    ) -> CursorResult[Any]:
        """Execute the statements of a file of the source; return the last one's result.

        `names` replace `{name}` in a file for several tables.
        """
        values = {
            "delivery_id": self.delivery_id,
            "seen_at": self.seen_at,
            "changed_at": self.changed_at,
            **self.parameters,
            **more,
        }
        return execute_file(self.connection, self.owner, sql, values, names)

    def run(self, statement: str, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute a statement on the source's tables that a policy has made."""
        return execute(self.connection, self.owner, statement, values, OF_POLICY)

    def create_stage(self, name: str, columns: Mapping[str, str]) -> None:
        """Create a temporary table for rows, which is dropped at the end of the transaction.

        `columns` are names and types.
        """
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        execute_script(self.connection, f"CREATE TEMP TABLE {name} ({typed}) ON COMMIT DROP")

    def create_stage_of(self, table: Table, name: str, columns: Iterable[str]) -> None:
        """Create a stage for columns of a table, with the types that they have in its model.

        Raises `DatabaseError` if the table of a plug-in has others in the database, as after a
        change of the model: PostgreSQL would round or cut values to fit.
        """
        self.create_stage(name, stage_columns(columns, table))
        if is_own(self.owner.package):
            return
        query = text(read_sql("pipelines.ingest", "differing_types"))
        names = {"stage": f"pg_temp.{name}", "table": table.fullname}
        for one in self.connection.execute(query, names):
            raise other_tables(
                self.owner.name,
                f"{table.fullname}.{one.name} is {one.stored_type}, not {one.staged_type}",
            )

    def create_change_log(self) -> None:
        """Create the temporary table in which statements collect records that changed a row."""
        self.create_stage("changed", {RECORD: "integer"})

    def changed_records(self) -> int:
        """Return how many source records changed at least one row so far."""
        return int(self.run(f"SELECT count(DISTINCT {RECORD}) FROM changed", {}).scalar_one())

    def copy(self, name: str, columns: Iterable[str], rows: Iterable[bytes]) -> None:
        """Copy formatted rows into a stage that `create_stage` has created."""
        copy_text(self.connection, f"{name} ({', '.join(columns)})", rows)

    def stage(self, frame: pd.DataFrame, table: Table) -> None:
        """Copy rows into the empty stage `stage_<table>`, with the column types of the table."""
        name = f"stage_{table.name}"
        if name in self._stages:  # of an earlier batch
            self.run(f"TRUNCATE {name}", {})
        else:
            self.create_stage_of(table, name, frame.columns)
            self._stages.add(name)
        self.copy(name, frame.columns, csv_text(frame))
        analyze_stage(self.connection, name, frame.columns, table)


class Writer(Protocol):
    """How a policy stores the rows of one load."""

    def prepare(self, parsed: Parsed) -> Any:
        """Format a batch in the thread that parses it, without the connection."""

    def put(self, parsed: Parsed, prepared: Any) -> list[Reject]:
        """Stage or write a batch; return records that contradict stored ones."""

    def keyed(self, rejects: Sequence[Reject]) -> Sequence[Reject]:
        """Return rejects of the parser with their keys as `keys` has them; here as they are."""
        return rejects

    @property
    def keys(self) -> Mapping[str, str]:
        """The expressions of the keys of staged records, by stage; none where they are not kept."""
        return {}

    def resolve(self) -> list[Reject]:
        """Remove staged rows that contradict each other, and return them."""

    def write(self) -> tuple[int, int]:
        """Store what is staged; return how many records changed a row, and how many are stored."""
