"""The registry of plants, as the launchpad runs it."""

from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.orchestration.asset_metadata import REJECTED_INPUT
from pipelines.orchestration.resources import WarehouseResource
from pipelines.sources.solar.registry_jobs import JOBS
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.jobs import failure

PLANTS = "SELECT plant_id, name, time_zone, retired_at IS NOT NULL FROM solar.plants"


@pytest.fixture
def definitions(warehouse: Warehouse) -> dg.Definitions:
    url = warehouse.engine.url.render_as_string(hide_password=False)
    return dg.Definitions(jobs=JOBS, resources={"warehouse": WarehouseResource(url=url)})


def run(definitions: dg.Definitions, job: str, **config: Any) -> dg.ExecuteInProcessResult:
    """Run a job with the configuration of its one operation."""
    operation = job.removesuffix("_plant")
    return definitions.resolve_job_def(job).execute_in_process(
        run_config={"ops": {operation: {"config": config}}}, raise_on_error=False
    )


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Return the metadata that the run's page shows."""
    assert result.success
    (output,) = [event for event in result.all_node_events if event.is_successful_output]
    metadata = output.step_output_data.metadata
    return {name: value.value for name, value in metadata.items()}


def test_the_launchpad_registers_renames_retires_and_deletes_a_plant(
    definitions: dg.Definitions, owner: psycopg.Connection
) -> None:
    result = run(definitions, "register_plant", name="Alta", time_zone="Europe/Madrid")
    assert metadata_of(result) == {"plant_id": 1}
    assert owner.execute(PLANTS).fetchall() == [(1, "Alta", "Europe/Madrid", False)]
    result = run(definitions, "rename_plant", plant_id=1, name="Sierra Alta")
    assert metadata_of(result) == {"plant_id": 1, "name": "Sierra Alta"}
    assert metadata_of(run(definitions, "retire_plant", plant_id=1))["plant_id"] == 1
    assert owner.execute(PLANTS).fetchall() == [(1, "Sierra Alta", "Europe/Madrid", True)]
    assert metadata_of(run(definitions, "delete_plant", plant_id=1)) == {
        "plant_id": 1,
        "readings": 0,
    }
    assert owner.execute(PLANTS).fetchall() == []


def test_a_rejection_fails_the_run_once_with_instructions(definitions: dg.Definitions) -> None:
    rejected: list[tuple[str, dict[str, Any], str]] = [
        ("register_plant", {"name": "\0"}, "control characters"),
        ("register_plant", {}, "a name has 50 characters at most and is not empty"),
        ("rename_plant", {"plant_id": 2, "name": "Bassa"}, "there is no plant 2"),
        ("retire_plant", {"plant_id": -1}, "there is no plant -1"),
        ("delete_plant", {}, "there is no plant 0"),
    ]
    for job, config, words in rejected:
        result = run(definitions, job, **config)
        assert not result.success
        description = failure(result)
        assert words in description
        assert "what to do:" in description
        assert result.dagster_run.tags[REJECTED_INPUT] == "true", "alerts and the status go by it"
