"""The tutorial of a source, run as it is written: in an empty folder, with Isobar elsewhere."""

import re
from pathlib import Path

import pytest

from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import PROJECT, environment, executed
from pipelines_tests.documents.pages import FENCED
from pipelines_tests.others import others
from pipelines_tests.packages import UV, uv

PAGE = PROJECT / "docs" / "adding-a-source.md"
#: The part that is done from top to bottom.
TUTORIAL = PAGE.read_text().partition("## Other origins")[0]
ACTIVATE = "source ~/isobar/.venv/bin/activate"


@pytest.mark.system
@pytest.mark.skipif(not UV.exists(), reason="there is no uv beside Python (make setup)")
def test_the_tutorial_works_as_written(installed: Path, tmp_path: Path, state_folder: Path) -> None:
    """Each block of commands succeeds; what the page shows of their output is in it."""
    folder = state_folder / "tutorial"
    folder.mkdir()
    variables = environment(
        folder / "state",
        PYTHONDONTWRITEBYTECODE="1",
        UV_OFFLINE="1",
        ISOBAR_DISABLE_SOURCES=others("parking"),
    )
    del variables["ISOBAR_HOME"]
    first = (
        f"source {installed.parent / 'activate'}\nPATH=$PATH:{UV.parent}\n"
        "export ISOBAR_HOME=$PWD/state\nset -e\n"
    )
    assert TUTORIAL.count(ACTIVATE) == 1
    declaration = folder / "isobar-parking" / "isobar_parking" / "__init__.py"
    output = ""
    try:
        for kind, block in FENCED.findall(TUTORIAL):
            if kind == "sh" and ACTIVATE not in block:
                done = executed("bash", "-c", first + block, cwd=folder, env=variables)
                output = done.stdout + done.stderr
                assert done.returncode == 0, f"{block}\n{output}"
            elif kind == "text":
                for line in block.strip().splitlines():
                    assert _words(line) in _words(output), f"{line}\nis not in\n{output}"
            elif kind == "diff":
                _edit(declaration, block)
        assert "No rejected record" in output or "passed" in output or "whl" in output
    finally:
        EmbeddedPostgres(folder / "state").stop()
        uv("pip", "uninstall", "--python", installed.parent / "python", "isobar-parking")


def _edit(file: Path, block: str) -> None:
    """Replace the lines that begin with - by those that begin with +."""
    lines = block.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line.startswith("-"))
    after = "".join(line[1:] for line in lines if line.startswith("+"))
    text = file.read_text()
    assert text.count(before) == 1, f"{before}\nis not in\n{text}"
    file.write_text(text.replace(before, after))


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
