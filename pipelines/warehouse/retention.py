"""Delete old rows in batches, each in its own transaction, so that no load waits for long."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from pipelines.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Removed:
    """The number of deleted items and, if known, their bytes."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        """Add both counts."""
        return Removed(self.count + other.count, self.bytes + other.bytes)


def delete_in_batches(
    store: Warehouse, lock: str, statement: str, batch_size: int, **parameters: Any
) -> Removed:
    """Execute a statement that deletes at most `:most` rows, under `lock`, until none are left.

    The statement returns one row with `removed` and, if applicable, `bytes`.
    """
    removed = Removed()
    while True:
        with store.transaction(lock) as connection:
            query = text(statement)
            batch = connection.execute(query, parameters | {"most": batch_size}).mappings().one()
        removed += Removed(batch["removed"], int(batch.get("bytes", 0)))
        if not batch["removed"]:  # fewer can mean that others delete, too
            return removed
