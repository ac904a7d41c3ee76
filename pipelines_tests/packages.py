"""Isobar built as a wheel and installed away from its clone."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from pipelines_tests.command import PROJECT, environment, executed

UV = Path(sys.executable).parent / "uv"


def uv(*words: str | Path) -> None:
    subprocess.run([UV, "--quiet", "--offline", "--no-cache", *words], cwd=PROJECT, check=True)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed") / "venv"
    uv("venv", "--python", sys.executable, folder)
    uv("pip", "install", "--python", folder, "--no-deps", wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib"))  # it has no .pth of its own
    return folder / "bin" / "isobar"


def run(
    installed: Path, state: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the installed program on a state folder, in that folder."""
    return executed(installed, *words, cwd=state, env=environment(state, **variables))
