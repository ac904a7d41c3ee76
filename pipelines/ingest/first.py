"""The policy `First`: the first row with a primary key stays, and others are compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.ingest.feeds import Parsed
from pipelines.ingest.rows import RowsWriter
from pipelines.warehouse.connection import RAW, upsert_statement

if TYPE_CHECKING:
    from sqlalchemy import Table

    from pipelines.ingest.contract import Reject
    from pipelines.ingest.stages import Formatted


class FirstWriter(RowsWriter):
    """Inserts the rows of one load whose key is not stored; a retry does the same."""

    # What is stored came before all that is staged.
    resolving = ("reject_contradicting", "reject_repeated")

    def put(self, parsed: Parsed, prepared: Formatted) -> list[Reject]:
        """Stage a batch, whose rows need their text: any of them may be rejected later."""
        if lacking := [name for name, frame in parsed.rows.items() if RAW not in frame]:
            raise LookupError(f"rows of {lacking[0]} have no column {RAW}")
        return super().put(parsed, prepared)

    def statement(self, table: Table, columns: Sequence[str]) -> str:
        """Return the insert."""
        return upsert_statement(table, columns, only_missing=True)
