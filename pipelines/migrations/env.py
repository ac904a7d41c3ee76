"""Alembic's environment: `isobar migrate` passes a connection, a developer's command has none."""

from alembic import context
from sqlalchemy import Connection

from pipelines.config import Settings
from pipelines.migrations.apply import prepare
from pipelines.migrations.history import comparison, own_metadata


def run(connection: Connection) -> None:
    """Run the revisions on a connection that is inside a transaction."""
    own = [*own_metadata().values()]
    context.configure(
        connection=connection, target_metadata=own, transactional_ddl=True, **comparison(own)
    )
    with context.begin_transaction():
        context.run_migrations()


if given := context.config.attributes.get("connection"):
    run(given)
else:
    from pipelines.warehouse.connection import engine_for

    engine = engine_for(Settings.current().warehouse_url(), role=None)
    with engine.begin() as own_connection:
        prepare(own_connection)
        run(own_connection)
