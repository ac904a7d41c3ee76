"""The fresh database of a test: runs fill it, and the test reads it."""

from dataclasses import dataclass
from typing import Any

import psycopg

from pipelines.warehouse.connection import Warehouse


@dataclass
class Stored:
    """A database as runs see it, and a connection to it that may do anything."""

    warehouse: Warehouse
    owner: psycopg.Connection

    def rows(self, query: str, *values: Any) -> list[Any]:
        return self.owner.execute(query.encode(), values or None).fetchall()

    def row(self, query: str, *values: Any) -> Any:
        (found,) = self.rows(query, *values)
        return found
