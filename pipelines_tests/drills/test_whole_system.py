"""The complete system, of which one process after the other is killed while files and plants come.

ISOBAR_DRILL_SEED=7 plays the plot of that seed alone.
"""

import os
from pathlib import Path

import pytest
import requests

from pipelines.postgres.roles import DAGSTER
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.plot import UNSYNCED, Plot, check_plants
from pipelines_tests.drills.system import System

ONE = os.environ.get("ISOBAR_DRILL_SEED")
SEEDS = [int(ONE)] if ONE else range(1, 11)
BLOCK = 5
#: Each with a system of its own.
BLOCKS = [SEEDS[first : first + BLOCK] for first in range(0, len(SEEDS), BLOCK)]
#: But those of flights, which arrive at five in the morning and have faults on purpose.
CHECKS_FAILED = """
SELECT asset_key, check_name FROM (
    SELECT DISTINCT ON (asset_key, check_name) asset_key, check_name, execution_status
    FROM asset_check_executions ORDER BY asset_key, check_name, id DESC
) AS last_executions
WHERE execution_status <> 'SUCCEEDED' AND asset_key NOT LIKE '["flights"%'
ORDER BY 1, 2
"""


@pytest.mark.skipif(not LONG, reason="it takes many minutes: make drills")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seeds", BLOCKS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_the_system_recovers_from_any_killed_process_without_data_loss(
    state: Path, seeds: list[int]
) -> None:
    system = System(state)
    plots: list[Plot] = []
    try:
        system.wait_until(lambda: system.query("SELECT 1 FROM solar.plants"), "the system is up")
        system.wait_until(lambda: not system.query(UNSYNCED), "the first plants are synced")
        system.wait_until(system.is_at_rest, "the first runs ended well")
        before = system.query(CHECKS_FAILED, database=DAGSTER)
        for seed in seeds:
            plots.append(Plot(seed, system))
            plots[-1].play()
            plots[-1].wait()
            for plot in plots:
                plot.check()
        check_plants(system, sum(plot.plants for plot in plots))
        failed = system.query(CHECKS_FAILED, database=DAGSTER)
        assert [check for check in failed if check not in before] == []
        assert requests.get(f"{system.url()}/server_info", timeout=60).ok
    finally:
        said = system.stop()
        for plot in plots:
            print(f"seed {plot.seed}", *plot.story, sep="\n")  # noqa: T201 - see it with -s
        print(said)  # noqa: T201
    assert "Traceback" not in said
    assert system.processes() == []
