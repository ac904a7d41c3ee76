"""Alembic's entry: which tables are ours, and where the database is."""

from alembic import context
from sqlalchemy import Connection

from pipelines.config import Settings
from pipelines.warehouse.migrations.apply import VERSION_TABLE, prepare, schemas, target_metadata


def run(connection: Connection) -> None:
    """Run the migrations on a connection that is inside a transaction."""
    context.configure(
        connection=connection,
        target_metadata=target_metadata(),
        version_table=VERSION_TABLE,
        version_table_schema="ops",
        include_schemas=True,
        include_name=lambda name, kind, _: kind != "schema" or name in schemas(),
        include_object=lambda _object, name, _kind, _reflected, _other: name != VERSION_TABLE,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:  # called as `alembic …` by a developer
    from pipelines.warehouse.connection import engine_for

    engine = engine_for(Settings.current().warehouse_url(), role=None)
    with engine.begin() as own:
        prepare(own)
        run(own)
