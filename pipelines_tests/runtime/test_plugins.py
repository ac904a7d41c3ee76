"""Plug-ins that outlive the `.venv` that they are installed in: `make` installs them again."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from pipelines.runtime.plugins import install, note, plugins
from pipelines_tests.command import PROJECT
from pipelines_tests.packages import UV, uv

EXAMPLES = PROJECT / "examples"
needs_uv = pytest.mark.skipif(not UV.exists(), reason="there is no uv beside Python (make setup)")


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """The Python of an environment with uv and the plug-ins tides, in its folder, and parking."""
    for name in ("isobar-tides", "isobar-parking"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
    python = _made_anew(tmp_path)
    without = ("pip", "install", "--python", python, "--no-deps")
    uv(*without, "--editable", tmp_path / "isobar-tides")
    uv(*without, tmp_path / "isobar-parking")
    return python


def _made_anew(folder: Path) -> Path:
    """Make the environment, which has nothing but uv."""
    uv("venv", "--clear", "--python", sys.executable, folder / ".venv")
    python = folder / ".venv" / "bin" / "python"
    (python.parent / "uv").symlink_to(UV)
    return python


def _names(python: Path) -> set[str]:
    places = map(str, python.parent.parent.glob("lib/python*/site-packages"))
    return {one.name for one in distributions(path=[*places])}


@needs_uv
def test_a_new_environment_has_the_plugins_of_the_old_one(venv: Path, tmp_path: Path) -> None:
    """Incident: an update cleared .venv, and the sources of plug-ins were no longer loaded."""
    noted = tmp_path / "noted"
    note(tmp_path / ".venv", noted)
    before = plugins(tmp_path / ".venv")
    assert {*before} == {"isobar-tides", "isobar-parking"}
    _made_anew(tmp_path)
    note(tmp_path / ".venv", noted)  # an interrupted make is run again: it knows them still
    assert _names(venv) == set()
    assert install(noted, venv, ["--offline"]) == []
    assert plugins(tmp_path / ".venv") == before
    assert not noted.exists()
    _made_anew(tmp_path)
    note(tmp_path / ".venv", noted)
    assert install(noted, venv, ["--offline"]) == [], "what was uninstalled stays so"
    assert _names(venv) == set()


@needs_uv
def test_a_plugin_that_cannot_be_installed_again_is_named(venv: Path, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    note(tmp_path / ".venv", noted)
    (tmp_path / "isobar-parking").rename(tmp_path / "elsewhere")
    _made_anew(tmp_path)
    (message,) = install(noted, venv, ["--offline"])
    assert "The plug-in isobar-parking is not installed any more" in message
    assert f"uv pip install 'isobar-parking @ file://{tmp_path}/isobar-parking'" in message
    assert _names(venv) == {"isobar-tides"}, "the others are"


def test_where_a_package_came_from_is_read_of_each_kind(tmp_path: Path) -> None:
    """Also if its Python is gone: what is read are files."""
    git = {"vcs": "git", "commit_id": "abc123"}
    origins: dict[str, dict[str, object] | None] = {
        "of-index": None,
        "of-wheel": {"url": "file:///dist/x.whl", "archive_info": {}},
        "of-git": {"url": "https://host/x", "vcs_info": git, "subdirectory": "buses"},
        "of-folder": {"url": "file:///my%20buses", "dir_info": {"editable": True}},
        "not-a-plugin": None,
    }
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name, origin in origins.items():
        about = packages / f"{name.replace('-', '_')}-1.2.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        group = "console_scripts" if name.startswith("not") else "isobar.sources"
        (about / "entry_points.txt").write_text(f"[{group}]\nbuses = isobar_buses\n")
        if origin:
            (about / "direct_url.json").write_text(json.dumps(origin))
    assert plugins(tmp_path) == {
        "of-index": ["of-index==1.2"],
        "of-wheel": ["of-wheel @ file:///dist/x.whl"],
        "of-git": ["of-git @ git+https://host/x@abc123#subdirectory=buses"],
        "of-folder": ["--editable", "/my buses"],
    }


def test_without_an_environment_nothing_is_noted(tmp_path: Path) -> None:
    note(tmp_path / ".venv", tmp_path / "noted")
    assert install(tmp_path / "noted", Path(sys.executable)) == []
    assert not (tmp_path / "noted").exists()


@pytest.mark.system
@needs_uv
def test_make_keeps_the_plugins_of_a_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", PROJECT, clone], check=True)
    variables = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    python = f"PYTHON={Path(sys.executable).resolve()}"

    def make() -> "subprocess.CompletedProcess[str]":
        words = ["make", "setup", python]
        return subprocess.run(words, cwd=clone, env=variables, capture_output=True, text=True)

    made = make()
    if made.returncode:
        pytest.skip(f"the requirements cannot be had: {made.stderr[-500:]}")
    shutil.copytree(EXAMPLES / "isobar-tides", tmp_path / "isobar-tides")
    own_python = clone / ".venv" / "bin" / "python"
    uv(
        "pip",
        "install",
        "--python",
        own_python,
        "--no-deps",
        "--editable",
        tmp_path / "isobar-tides",
    )
    lock = clone / "requirements" / "setup.lock"
    good = lock.read_text()
    lock.write_text("not a requirement\n")  # it breaks off behind the clearing
    assert make().returncode != 0
    assert "isobar-tides" not in _names(own_python)
    lock.write_text(good)
    made = make()
    assert made.returncode == 0, made.stderr
    assert "isobar-tides" in _names(own_python)
    assert not (clone / ".venv.plugins").exists()
