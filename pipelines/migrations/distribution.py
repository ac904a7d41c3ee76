"""Distribute tables over the nodes of a Citus cluster; a server without Citus notices nothing.

A table of millions of rows declares its distribution column in its `info`. Tables of one source are
co-located: the rows of one value are on one node. All other tables are local to the coordinator.
Every migration distributes what is not distributed yet.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Table, text

from pipelines.ingest.statements import Owner
from pipelines.warehouse.sql_files import execute_script
from pipelines.warehouse.tables import DISTRIBUTED_BY


def is_cluster(connection: Connection) -> bool:
    """Return whether the database has the extension Citus."""
    query = text("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")
    return bool(connection.execute(query).scalar_one())


@contextmanager
def on_coordinator(connection: Connection) -> Iterator[None]:
    """Create functions and views on the coordinator alone.

    Nodes need none of them, and a node that is added later could not create functions in the place
    of roles that may create nothing.
    """
    if not is_cluster(connection):
        yield
        return
    execute_script(connection, "SET LOCAL citus.enable_ddl_propagation = off")
    yield
    execute_script(connection, "SET LOCAL citus.enable_ddl_propagation = on")


def undistributed(connection: Connection, tables: Iterable[Table]) -> list[Table]:
    """Return those tables that exist, should be distributed in this database and are not."""
    if not is_cluster(connection):
        return []
    query = text(
        "SELECT to_regclass(:name) IS NOT NULL AND NOT EXISTS"
        " (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(:name))"
    )
    return [
        table
        for table in tables
        if DISTRIBUTED_BY in table.info
        and connection.execute(query, {"name": table.fullname}).scalar_one()
    ]


def distribute(connection: Connection, source: Owner) -> None:
    """Distribute the tables of a source.

    As a key that spans nodes must contain the distribution column, that becomes the last column of
    each primary key: statements still look rows up by the first ones.
    """
    declared = [table for table in source.metadata.sorted_tables if DISTRIBUTED_BY in table.info]
    if not declared or not is_cluster(connection):
        return
    missing = undistributed(connection, declared)
    beside = next((table.fullname for table in declared if table not in missing), "none")
    for table in missing:
        column, key = table.info[DISTRIBUTED_BY], [one.name for one in table.primary_key]
        if column not in key:
            name = f"{table.name}_pkey"
            execute_script(
                connection,
                f"ALTER TABLE {table.fullname} DROP CONSTRAINT {name},"
                f" ADD CONSTRAINT {name} PRIMARY KEY ({', '.join([*key, column])})",
            )
        connection.execute(
            text("SELECT create_distributed_table(:name, :column, colocate_with => :beside)"),
            {"name": table.fullname, "column": column, "beside": beside},
        )
        beside = table.fullname if beside == "none" else beside
    schemas = ", ".join(sorted({str(table.schema) for table in declared}))
    execute_script(
        connection,
        f"GRANT USAGE ON SCHEMA {schemas} TO isobar_loader, isobar_analyst, isobar_operator",
    )
