"""Deletion of what is old in batches, each a transaction, so that no load waits for long."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from pipelines.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Removed:
    """How much was removed, and how many bytes that were, where they count."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        """Both together."""
        return Removed(self.count + other.count, self.bytes + other.bytes)


def delete_in_batches(
    store: Warehouse, lock: str, statement: str, batch_size: int, **parameters: Any
) -> Removed:
    """Execute a statement that removes `:most` at most, under `lock`, until there is no more.

    It returns one row with `removed` and, where they count, `bytes`.
    """
    removed = Removed()
    while True:
        with store.transaction(lock) as connection:
            query = text(statement)
            batch = connection.execute(query, parameters | {"most": batch_size}).mappings().one()
        removed += Removed(batch["removed"], int(batch.get("bytes", 0)))
        if not batch["removed"]:  # fewer may be the work of others
            return removed
