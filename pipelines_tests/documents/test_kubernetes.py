"""The values for Kubernetes say what the project says elsewhere."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from pipelines.config import PROJECT
from pipelines.runtime.logins import PASSWORDS
from pipelines_tests.command import SECRET_VARIABLES

FOLDER = PROJECT / "deploy" / "kubernetes"
VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text())
INSTANCE = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
DAEMON = VALUES["dagsterDaemon"]


def snake_case(values: dict[str, Any]) -> dict[str, Any]:
    """Return the same with keys in snake case, as in dagster.yaml."""
    return {
        re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): snake_case(value)
        if isinstance(value, dict)
        else value
        for key, value in values.items()
    }


def documents() -> list[dict[str, Any]]:
    files = sorted(FOLDER.glob("*.yaml"))
    return [one for file in files for one in yaml.safe_load_all(file.read_text())]


def found(node: Any, key: str) -> Iterator[Any]:
    """All values of a key, at any depth."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and key in node:
        yield node[key]
    for child in children:
        yield from found(child, key)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("run_queue", DAEMON["runCoordinator"]["config"]["queuedRunCoordinator"]),
        ("run_monitoring", DAEMON["runMonitoring"]),
        ("run_retries", DAEMON["runRetries"]),
        ("schedules", DAEMON["schedules"]),
        ("sensors", DAEMON["sensors"]),
        ("concurrency", VALUES["concurrency"]),
        ("python_logs", VALUES["pythonLogs"]),
        ("telemetry", VALUES["telemetry"]),
        ("nux", VALUES["additionalInstanceConfig"]["nux"]),
    ],
)
def test_the_instance_has_the_settings_of_dagster_yaml(ours: str, theirs: dict[str, Any]) -> None:
    switch = {"enabled": True} if ours == "concurrency" else {}  # the chart's own
    assert snake_case(theirs) == INSTANCE[ours] | switch


def test_tick_retention_matches_dagster_yaml() -> None:
    """The chart fills in what is not said: -1 keeps it, as not saying it does in dagster.yaml."""
    configured = snake_case(VALUES["retention"])
    assert configured.pop("enabled")
    assert set(configured.pop("auto_materialize")["purge_after_days"].values()) == {-1}
    assert configured["sensor"]["purge_after_days"].pop("started") == -1
    assert configured == INSTANCE["retention"]


def test_no_section_of_dagster_yaml_was_forgotten() -> None:
    covered = {"run_queue", "run_monitoring", "run_retries", "schedules", "sensors", "concurrency"}
    covered |= {"python_logs", "telemetry", "nux", "retention", "storage", "compute_logs"}
    assert set(INSTANCE) == covered


def test_every_variable_is_one_that_isobar_reads() -> None:
    listed = re.findall(r"^(?:# ?)?([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.M)
    known = {*listed, *SECRET_VARIABLES, *PASSWORDS.values()}
    named = {one["name"] for env in found(documents(), "env") for one in env}
    secret = {name for data in found(documents(), "stringData") for name in data}
    assert named | secret - {"postgresql-password"} <= known


def test_the_image_is_the_projects_and_the_same_everywhere() -> None:
    (deployment,) = VALUES["dagster-user-deployments"]["deployments"]
    image = deployment["image"]
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert image["repository"].rpartition("/")[2] == "isobar"
    assert image["tag"] == version
    job = yaml.safe_load((FOLDER / "migrate-job.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{image['repository']}:{image['tag']}"
    compose = (PROJECT / "docker-compose.yml").read_text()
    assert "image: ${ISOBAR_IMAGE:-isobar:" in compose


def test_the_chart_is_of_the_version_of_dagster() -> None:
    locks = sorted((PROJECT / "requirements").glob("*.lock"))
    pinned = {version for lock in locks for version in pins_of_dagster(lock)}
    versions = re.findall(r"--version (\S+)", (FOLDER / "README.md").read_text())
    assert {version.rstrip("`.") for version in versions} == pinned


def pins_of_dagster(lock: Path) -> list[str]:
    return re.findall(r"^dagster==(\S+)", lock.read_text(), re.M)


def test_containers_run_unprivileged_as_the_image_user() -> None:
    image = (PROJECT / "Dockerfile").read_text()
    user = re.findall(r"^USER (\d+)", image, re.M)[-1]
    assert {*map(str, found(documents(), "runAsUser"))} == {user}
    assert set(found(documents(), "runAsNonRoot")) == {True}
    assert set(found(documents(), "readOnlyRootFilesystem")) == {True}
