"""Each check of the shipments domain finds what it is for, and nothing in what is well."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.sources.shipments.made_up import deliver, line

NAMES = ("known_statuses", "readable_addresses")


def found(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """The offending rows of every check that has some."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with warehouse.engine.connect() as connection:
        for name in NAMES:
            query = text(read_sql("pipelines.sources.shipments", f"checks/{name}"))
            rows[name] = [dict(row) for row in connection.execute(query).mappings()]
    return {name: offending for name, offending in rows.items() if offending}


@pytest.mark.answers("H12")
def test_nothing_is_found_in_what_is_well(warehouse: Warehouse, tmp_path: Path) -> None:
    known = ("in-transit", "transit", "inbound-scan", "scanned", "delivery")
    lines = [line(n, status=status) for n, status in enumerate(known)]
    lines[0]["receiver_address"] = "Street 2, Mashhad, Iran"
    deliver(warehouse, tmp_path, lines)
    assert found(warehouse) == {}


@pytest.mark.answers("H12")
def test_other_words_and_addresses_that_cannot_be_read_are_shown(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    odd = "Street 1, 1234 Berlin, Germany"
    lines = [line(1, status="lost"), line(2, status="lost"), line(3, receiver_address=odd)]
    deliver(warehouse, tmp_path, lines)
    assert found(warehouse) == {
        "known_statuses": [{"status": "lost", "shipments": 2, "example": "TN00000001 DHL"}],
        "readable_addresses": [
            {
                "address": odd,
                "address_status": "odd_postcode",
                "postcode": None,
                "city": "Berlin",
                "country_code": "DE",
            }
        ],
    }
