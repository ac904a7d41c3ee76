"""Stages: temporary tables into which the rows of a load are copied, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Table, text

from pipelines.ingest.feeds import Parsed
from pipelines.warehouse.connection import copy_text, create_stage, csv_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Longer frames are formatted while they are copied, which takes less memory.
AHEAD_ROWS = 100_000
Formatted = Mapping[str, Iterable[bytes]]


def formatted(parsed: Parsed) -> Formatted:
    """Format the rows of a batch for COPY, without the connection."""
    return {
        name: [*csv_text(frame)] if len(frame) < AHEAD_ROWS else csv_text(frame)
        for name, frame in parsed.rows.items()
    }


class Stages:
    """The stages of one load; `tables` are the tables whose column types they have, by name.

    A stage without one is created by a statement of the source.
    """

    def __init__(self, connection: Connection, tables: Mapping[str, Table]) -> None:
        self._connection, self._tables = connection, tables
        #: The columns of each stage that was created here.
        self.columns: dict[str, Sequence[str]] = {}

    def put(self, parsed: Parsed, rows: Formatted) -> None:
        """Copy a batch into its stages."""
        for name, chunks in rows.items():
            columns = [str(column) for column in parsed.rows[name].columns]
            if name in self._tables and name not in self.columns:
                create_stage(self._connection, name, columns, self._tables[name])
                self.columns[name] = columns
            if len(parsed.rows[name]):
                copy_text(self._connection, f"{name} ({', '.join(columns)})", chunks)

    def analyze(self) -> None:
        """Let the planner know the stages that were created here, by the columns that join them."""
        for name, columns in self.columns.items():
            keys = [one.name for one in self._tables[name].primary_key if one.name in columns]
            of_keys = f" ({', '.join(keys)})" if keys else ""
            self._connection.execute(text(f"ANALYZE {name}{of_keys}"))
