"""Isobar installed as a package, away from its clone."""

import os
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from pipelines_tests.command import PROJECT, environment, executed
from pipelines_tests.packages import UV

pytestmark = pytest.mark.skipif(not UV.exists(), reason="there is no uv beside Python (make setup)")


def test_the_package_contains_all_code_files_and_one_dagster_yaml(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        instance = packed.read("pipelines/dagster.yaml")
    ours = [file for file in (PROJECT / "pipelines").rglob("*.*") if file.suffix != ".pyc"]
    assert names >= {str(file.relative_to(PROJECT)) for file in ours}
    assert yaml.safe_load(instance) == yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    assert (PROJECT / "pipelines" / "dagster.yaml").samefile(PROJECT / "dagster.yaml")


def test_the_installed_package_runs_anywhere_and_keeps_state_there(
    installed: Path, state: Path
) -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]

    variables = environment(state)
    del variables["ISOBAR_HOME"], variables["BOOKINGS_TIME_ZONE"]  # as .env says

    def isobar(*words: str) -> "subprocess.CompletedProcess[str]":
        return executed(installed, *words, cwd=state, env=variables)

    assert isobar("--version").stdout.strip() == f"isobar, version {version}"
    (state / ".env").write_text(f"ISOBAR_HOME={state}\nBOOKINGS_TIME_ZONE=Nowhere\n")
    rejected = isobar("run", "bookings")
    assert "BOOKINGS_TIME_ZONE is not a time zone" in rejected.stderr
    (state / ".env").write_text(f"ISOBAR_HOME={state}\n")
    done = isobar("run", "flights")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "flights.itineraries" in done.stdout
    assert "Queries: isobar database psql" in done.stdout
    link = (state / "dagster" / "dagster.yaml").resolve()
    assert link.is_relative_to(installed.parent.parent)
    assert os.listdir(installed.parent.parent.parent) == ["venv"]  # noqa: PTH208 - names alone
