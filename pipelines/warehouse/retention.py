"""Delete old rows in batches, each in its own transaction, so that no load waits for long."""

from typing import Any

from sqlalchemy import text

from pipelines.warehouse.connection import Warehouse


def delete_in_batches(
    store: Warehouse, lock: str, statement: str, batch_size: int, **parameters: Any
) -> int:
    """Execute a statement that deletes at most `:most` rows, under `lock`, until none are left.

    The statement returns how many it deleted. Returns how many all did.
    """
    removed = 0
    while True:
        with store.transaction(lock) as connection:
            query = text(statement)
            batch = connection.execute(query, parameters | {"most": batch_size}).scalar_one()
        removed += int(batch)
        if not batch:  # fewer can mean that others delete, too
            return removed
