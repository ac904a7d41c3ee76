"""The policy `Latest`: a row replaces the stored one with the same primary key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import text

from pipelines.ingest.rows import RowsWriter
from pipelines.warehouse.connection import upsert_statement
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    from sqlalchemy import Table


class LatestWriter(RowsWriter):
    """Upserts the rows of one load; a retry inserts only missing ones after a later delivery."""

    resolving = ("reject_repeated",)

    def statement(self, table: Table, columns: Sequence[str]) -> str:
        """Return the upsert."""
        is_old = self.load.is_retry and self._is_followed
        return upsert_statement(table, columns, only_missing=is_old, is_retry=self.load.is_retry)

    @cached_property
    def _is_followed(self) -> bool:
        """Whether a later delivery of the feed was loaded, which a retry must not undo."""
        query = text(read_sql("pipelines.ingest", "is_followed"))
        mine = {"delivery_id": self.load.delivery_id}
        return bool(self.load.connection.execute(query, mine).scalar_one())
