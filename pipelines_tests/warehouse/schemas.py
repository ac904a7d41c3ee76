"""How the database at an address stands to the code."""

from pipelines.migrations import apply
from pipelines.warehouse.connection import engine_for


def condition(url: str) -> apply.Condition:
    """Return whether the schema is current, or what else."""
    engine = engine_for(url, role=None)
    with engine.connect() as connection:
        found = apply.condition(connection)
    engine.dispose()
    return found


def differences(url: str) -> list[str]:
    """Return how its tables differ from the declared ones."""
    engine = engine_for(url, role=None)
    with engine.connect() as connection:
        found = apply.differences(connection)
    engine.dispose()
    return found
