"""A view that PostgreSQL can parse and cannot write."""

import psycopg


def create_too_deep(connection: psycopg.Connection, name: str, read: str) -> None:
    """Create a view on `read`, with a column `x`, whose SQL exceeds the depth of the stack."""
    for depth in range(1_000, 8_000, 250):
        nested = f"x{'::bigint::integer' * depth}"
        view = f"CREATE OR REPLACE VIEW {name} AS SELECT {nested} AS y FROM {read}"
        connection.execute(view.encode())
        try:
            connection.execute("SELECT pg_get_viewdef(%s::regclass)", [name])
        except psycopg.errors.StatementTooComplex:
            return
    raise AssertionError("every view can be written")
