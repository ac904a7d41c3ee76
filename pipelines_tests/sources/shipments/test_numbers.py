"""Every public number of parcels is that of the oracle, in whichever order files are loaded."""

from pathlib import Path

import psycopg
import pytest

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.shipments import numbers, oracle
from pipelines_tests.sources.shipments.histories import history


@pytest.mark.parametrize("seed", range(3))
def test_every_number_of_parcels_is_that_of_the_oracle(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, seed: int
) -> None:
    with owner.transaction():
        (now,) = owner.execute("SELECT now()").fetchone() or ()
        files = history(seed, now).files
        known = numbers.without_returns_of_unknown_time(files)
        assert len(oracle.parcels(known)) > 0.9 * len(oracle.parcels(files))
        numbers.deliver(warehouse, tmp_path, known)
        assert numbers.differences(owner, known, now) == []
