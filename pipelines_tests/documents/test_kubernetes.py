"""The values for Kubernetes say what the project says elsewhere."""

import re
import tomllib
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from pipelines.config import PROJECT

VALUES = yaml.safe_load((PROJECT / "deploy" / "kubernetes" / "values.yaml").read_text())
INSTANCE = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
DAEMON = VALUES["dagsterDaemon"]
(DEPLOYMENT,) = VALUES["dagster-user-deployments"]["deployments"]


def snake_case(values: dict[str, Any]) -> dict[str, Any]:
    """Return the same with keys in snake case, as in dagster.yaml."""
    return {
        re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): snake_case(value)
        if isinstance(value, dict)
        else value
        for key, value in values.items()
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("run_queue", DAEMON["runCoordinator"]["config"]["queuedRunCoordinator"]),
        ("run_monitoring", DAEMON["runMonitoring"]),
        ("run_retries", DAEMON["runRetries"]),
        ("sensors", DAEMON["sensors"]),
        ("concurrency", VALUES["concurrency"]),
        ("telemetry", VALUES["telemetry"]),
    ],
)
def test_the_instance_has_the_settings_of_dagster_yaml(ours: str, theirs: dict[str, Any]) -> None:
    switch = {"enabled": True} if ours == "concurrency" else {}  # the chart's own
    assert snake_case(theirs).items() <= (INSTANCE[ours] | switch).items()


def test_every_variable_is_one_that_isobar_reads() -> None:
    listed = re.findall(r"^(?:# ?)?([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.M)
    assert {one["name"] for one in DEPLOYMENT["env"]} <= {*listed}


def test_image_chart_and_user_are_those_of_the_project() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert DEPLOYMENT["image"]["tag"] == version
    user = re.findall(r"^USER (\d+)", (PROJECT / "Dockerfile").read_text(), re.M)[-1]
    assert str(DEPLOYMENT["podSecurityContext"]["runAsUser"]) == user
    assert DEPLOYMENT["securityContext"]["readOnlyRootFilesystem"] is True
    (chart,) = re.findall(r"--version (\S+)", (PROJECT / "docs/more-machines.md").read_text())
    lock = (PROJECT / "requirements" / "runtime.lock").read_text()
    assert re.findall(r"^dagster==(\S+)", lock, re.M) == [chart]
