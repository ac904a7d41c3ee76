"""Shared fixtures of the shipments' tests."""

from pathlib import Path

import psycopg
import pytest

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.shipments.made_up import Inbox


@pytest.fixture
def inbox(warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path) -> Inbox:
    return Inbox(warehouse, owner, tmp_path)
