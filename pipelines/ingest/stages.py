"""Stages: temporary tables into which the rows of a load are copied, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Table

from pipelines.ingest.feeds import Parsed
from pipelines.warehouse.connection import analyze_stage, csv_text

if TYPE_CHECKING:
    from pipelines.ingest.load import Load

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

    A stage without one exists already.
    """

    def __init__(self, load: Load, tables: Mapping[str, Table]) -> None:
        self._load, self._tables = load, tables
        #: The columns of each stage that was created here.
        self.columns: dict[str, Sequence[str]] = {}

    def put(self, parsed: Parsed, rows: Formatted) -> None:
        """Copy a batch into its stages."""
        for name, chunks in rows.items():
            columns = [str(column) for column in parsed.rows[name].columns]
            if name in self._tables and name not in self.columns:
                self._load.create_stage_of(self._tables[name], name, columns)
                self.columns[name] = columns
            if len(parsed.rows[name]):
                self._load.copy(name, columns, chunks)

    def analyze(self) -> None:
        """Let the planner know the stages that were created here, by the columns that join them."""
        for name, columns in self.columns.items():
            analyze_stage(self._load.connection, name, columns, self._tables[name])
