"""The jobs, sensors and checks that there are, by name."""

from typing import Any

import dagster as dg

from pipelines.definitions import definitions


def job(name: str) -> dg.JobDefinition:
    """A job by its name, which runs on the resources that it is executed with."""
    return definitions.resolve_job_def(name)


def sensor(name: str) -> Any:
    """A sensor by its name; `evaluate_tick` on it is what the daemon does."""
    return definitions.get_repository_def().get_sensor_def(name)


def check(asset: str, name: str) -> dg.AssetChecksDefinition:
    """A check by its asset, schema.table, and its name."""
    wanted = dg.AssetCheckKey(dg.AssetKey(asset.split(".")), name)
    found = [one for one in definitions.asset_checks or () if wanted in one.check_keys]
    (one,) = found
    assert isinstance(one, dg.AssetChecksDefinition)
    return one
