"""Water levels, for tests of what loads them."""

from pathlib import Path

import psycopg
import pytest

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.ingest.levels import Levels, levels, make_table


@pytest.fixture
def stored_levels(warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path) -> Levels:
    make_table(owner, levels)
    return Levels(warehouse, owner, tmp_path)
