"""Runs of jobs and ticks of sensors in a test: what they show, and why they failed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.definitions import definitions
from pipelines.orchestration.orphaned_runs import TAG
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.testing.drivers import failures
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import sensors


@dataclass
class Runner:
    """Runs jobs and evaluates sensors on a Dagster instance, with these resources."""

    resources: dict[str, Any]
    instance: dg.DagsterInstance

    def run(
        self,
        job: str,
        operation: str | None = None,
        tags: dict[str, str] | None = None,
        **config: Any,
    ) -> dg.ExecuteInProcessResult:
        """Run a job as a person does, with the configuration of one operation."""
        return sensors.job(job).execute_in_process(
            resources=self.resources,
            instance=self.instance,
            run_config={"ops": {operation: {"config": config}}} if config else {},
            raise_on_error=False,
            tags={TAG: "a test"} | (tags or {}),
        )

    def tick(self, name: str) -> dg.RunRequest | str:
        """Evaluate a sensor as the daemon does; return the run requested, or why there is none."""
        one = sensors.sensor(name)
        context = dg.build_sensor_context(
            instance=self.instance,
            resources={key: self.resources[key] for key in one.required_resource_keys},
            repository_def=definitions.get_repository_def(),
        )
        answer = one.evaluate_tick(context)
        return answer.run_requests[0] if answer.run_requests else str(answer.skip_message)


def parcels_and_weather(warehouse: Warehouse, inbox: Path, sandbox_url: str) -> dict[str, Any]:
    """Return the resources of shipments from an inbox, with the weather of the sandbox."""
    url = warehouse.engine.url.render_as_string(hide_password=False)
    weather = {"weather_base_url": sandbox_url, "geocoding_base_url": sandbox_url}
    return {
        "warehouse": WarehouseResource(url=url),
        "shipments": source_resource("shipments", inbox=str(inbox)),
        "weather": source_resource("weather", **weather),
    }


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """Return the metadata of an asset, schema.table; empty if the run made nothing of it."""
    return {
        name: value.value
        for event in result.get_asset_materialization_events()
        if event.asset_key and ".".join(event.asset_key.path) == asset
        for name, value in event.materialization.metadata.items()
    }


def failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    """The names of the checks that did not pass."""
    return {one.check_name for one in result.get_asset_check_evaluations() if not one.passed}


def failure(result: dg.ExecuteInProcessResult) -> str:
    """Return the message of the only failed step."""
    assert sum(event.is_step_failure for event in result.all_events) == 1
    (message,) = failures(result)
    return message
