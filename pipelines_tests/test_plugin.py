"""A source of somebody else's: built, installed beside Isobar and run; and its tutorial."""

import json
import re
import sys
from functools import partial
from pathlib import Path

import pytest

from pipelines import testing
from pipelines_tests.command import PROJECT, environment, executed
from pipelines_tests.documents.pages import FENCED
from pipelines_tests.others import others
from pipelines_tests.packages import UV, run, uv
from pipelines_tests.plugins import install

EXAMPLE = PROJECT / "examples" / "isobar-tides"
PAGE = PROJECT / "docs" / "parts-of-a-source.md"

needs_uv = pytest.mark.skipif(not UV.exists(), reason="there is no uv beside Python (make setup)")


def test_every_snippet_of_the_reference_is_in_the_example() -> None:
    files = [one.read_text() for one in EXAMPLE.rglob("*.*") if one.suffix in (".py", ".sql")]
    snippets = [
        code for kind, code in FENCED.findall(PAGE.read_text()) if kind in ("python", "sql")
    ]
    assert len(snippets) > 4
    flat = [_lines(file) for file in files]
    assert [one for one in snippets if not any(_lines(one) in file for file in flat)] == []


def _lines(text: str) -> str:
    """Its lines without their indentation, which the formatter changes in pages."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def test_the_example_uses_nothing_but_the_public_surface() -> None:
    for file in EXAMPLE.rglob("*.py"):
        imported = set(re.findall(r"^(?:from|import) (pipelines\S*)(.*)$", file.read_text(), re.M))
        of_pages = ("pipelines.dashboard.page", " import Page, Questions, show_chart")
        of_kit = {one for one in imported if one[0] == "pipelines.testing"}
        names = {
            name.strip() for _, words in of_kit for name in words[len(" import ") :].split(",")
        }
        assert names <= {*testing.__all__}, file
        assert imported - of_kit <= {("pipelines", " import source as isobar"), of_pages}, file


@needs_uv
def test_a_plug_in_works_fully_in_a_fresh_environment(
    installed: Path, state: Path, tmp_path: Path
) -> None:
    uv("build", "--wheel", "--out-dir", tmp_path, EXAMPLE)
    (wheel,) = tmp_path.glob("*.whl")
    uv("pip", "install", "--python", installed.parent / "python", "--no-deps", wheel)

    isobar = partial(run, installed, state, ISOBAR_DISABLE_SOURCES=others("tides"))
    done = isobar("run", "tides", "weather")
    assert done.returncode == 0, done.stdout + done.stderr
    for asset in ("tides.readings", "tides.stations", "enriched.tide_levels"):
        assert asset in done.stdout
    assert "tides.readings: the check no_rejects found 1" in done.stdout
    assert "level_cm is not a water level" in isobar("quarantine", "show", "tides").stdout
    again = isobar("quarantine", "retry", "tides")
    assert again.returncode == 0, again.stdout + again.stderr
    query = "SELECT count(*), count(wind_kmh) FROM enriched.tide_levels"
    rows = isobar("database", "psql", "--role", "analyst", "-Atc", query).stdout.strip()
    assert rows == "98|98", "every level has its weather"
    facts = json.loads(isobar("status", "--json").stdout)
    (line,) = [one for one in facts["sources"] if one["name"] == "tides"]
    assert line["is_on"]
    assert line["last_success_at"]
    assert line["in_quarantine"] == 1
    uv("pip", "uninstall", "--python", installed.parent / "python", "isobar-tides")
    without = isobar("migrate")
    assert without.returncode == 0, without.stderr
    count = "SELECT count(*) FROM tides.readings"
    assert isobar("database", "psql", "-Atc", count).stdout.strip() == "98", "its rows stay"


@pytest.mark.system
def test_the_example_s_own_tests_pass(tmp_path: Path) -> None:
    """In an environment that has the plug-in and Isobar, and none of Isobar's own tests."""
    install(tmp_path, "tides")
    (tmp_path / "pipelines").symlink_to(PROJECT / "pipelines")
    where = {"PYTHONPATH": f"{EXAMPLE}:{tmp_path}", "ISOBAR_DISABLE_SOURCES": others("tides")}
    pytest_quietly = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    done = executed(*pytest_quietly, "tests", cwd=EXAMPLE, env=environment(EXAMPLE, **where))
    assert done.returncode == 0, done.stdout
