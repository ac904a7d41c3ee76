"""How the database at an address stands to the code."""

from pipelines.migrations import apply, history
from pipelines.warehouse.connection import Warehouse


def condition(url: str) -> apply.Condition:
    with Warehouse(url, role=None) as store, store.engine.connect() as connection:
        return apply.condition(connection)


def differences(url: str) -> list[str]:
    with Warehouse(url, role=None) as store, store.engine.connect() as connection:
        return [
            one for part in apply.parts() for one in history.differences(connection, part.metadata)
        ]
