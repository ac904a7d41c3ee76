"""The tables are the same whether they are created or added to an older database."""

import psycopg

from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.warehouse.schemas import differences

HOTELS = """
SELECT conname, pg_get_constraintdef(oid), obj_description('bookings.hotels'::regclass),
    (
        SELECT array_agg((attname, attnotnull, col_description(attrelid, attnum))::text
            ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = 'bookings.hotels'::regclass AND attnum > 0
    )
FROM pg_constraint WHERE conrelid = 'bookings.hotels'::regclass ORDER BY conname
"""


def test_migrated_hotels_are_those_of_a_new_database(
    server: Connections, database: str, owner: psycopg.Connection
) -> None:
    created = owner.execute(HOTELS.encode()).fetchall()
    owner.execute("DROP TABLE bookings.hotels, bookings.audits, bookings.findings CASCADE")
    owner.execute("UPDATE ops.alembic_version_bookings SET version_num = '2b8e64d1c0fa'")
    migrate(server.url(SUPERUSER, database))
    assert owner.execute(HOTELS.encode()).fetchall() == created
    assert differences(server.url(SUPERUSER, database)) == []
