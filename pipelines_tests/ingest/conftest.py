"""Water levels, for tests of what loads them."""

from pathlib import Path

import psycopg
import pytest

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.ingest.levels import Levels


@pytest.fixture
def stored_levels(warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path) -> Levels:
    owner.execute(
        "CREATE TABLE bookings.levels (station text, read_at timestamptz, level float8 NOT NULL,"
        " delivery_id bigint NOT NULL, PRIMARY KEY (station, read_at))"
    )
    owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON bookings.levels TO isobar_loader")
    owner.execute("ALTER TABLE bookings.levels OWNER TO isobar_owner")
    return Levels(warehouse, owner, tmp_path)
