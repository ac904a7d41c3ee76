"""The simulated plants: the demonstration has a gap."""

import psycopg

from pipelines.sources.solar.demo import seed_sandbox
from pipelines.warehouse.connection import Warehouse


def test_the_demo_has_a_gap_and_a_day_to_correct(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    seed_sandbox(warehouse)
    gaps = owner.execute(
        "SELECT plant_id, hours_missing, retry_at > now() FROM solar.gaps"
        " WHERE status = 'partial' ORDER BY plant_id"
    ).fetchall()
    assert gaps == [(1, 4, False), (3, 4, True)]
    dark = "SELECT count(*) FROM solar.readings WHERE plant_id = 1 AND observed_energy_kwh = 0"
    assert (owner.execute(f"{dark} AND expected_energy_kwh > 0").fetchone() or (0,))[0] >= 3
