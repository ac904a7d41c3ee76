"""The jobs and sensors that there are, by name."""

from typing import Any

import dagster as dg

from pipelines.definitions import definitions


def job(name: str) -> dg.JobDefinition:
    """A job by its name, which runs on the resources that it is executed with."""
    return definitions.resolve_job_def(name)


def sensor(name: str) -> Any:
    """A sensor by its name; `evaluate_tick` on it is what the daemon does."""
    return definitions.get_repository_def().get_sensor_def(name)
