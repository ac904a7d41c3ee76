"""Alembic's environment: selects the schema and the database.

`isobar migrate` passes a connection and a schema. Developers name the source: `alembic -x
source=NAME revision --autogenerate -m "…"`. Without it, the platform's own tables are used.
"""

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from pipelines.config import Settings
from pipelines.migrations.apply import prepare
from pipelines.migrations.history import (
    PLATFORM,
    Schema,
    all_schemas,
    applied_revisions,
    comparison,
)


def run(connection: Connection, schema: Schema) -> None:
    """Run the revisions of a schema on a connection that is inside a transaction."""
    context.configure(
        connection=connection,
        target_metadata=schema.metadata,
        transactional_ddl=True,
        **comparison(schema),
    )
    with context.begin_transaction():
        context.run_migrations()


def chosen() -> Schema:
    """Return the schema that a developer names with `-x source=…`."""
    name = context.get_x_argument(as_dictionary=True).get("source", PLATFORM)
    schemas = all_schemas()
    if name not in schemas:
        raise CommandError(f"-x source={name}: no such source; there are {', '.join(schemas)}")
    return schemas[name]


given = context.config.attributes
schema = given["schema"] if "schema" in given else chosen()
# Set before Alembic reads any revision: each schema has its own folder.
context.script.version_locations = [str(schema.revisions)]
if "connection" in given:
    run(given["connection"], schema)
else:
    from pipelines.warehouse.connection import engine_for

    engine = engine_for(Settings.current().warehouse_url(), role=None)
    with engine.begin() as own:
        prepare(own)
        if schema.name not in applied_revisions(own):
            raise CommandError(f"the database has no tables of {schema.name}: run isobar migrate")
        run(own, schema)
