"""The tutorial does what it says: each block of commands is run, and shows what the page shows."""

import re
import sys
from pathlib import Path

from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import PROJECT, environment, executed

PAGE = PROJECT / "docs" / "tutorial.md"
STEP = re.compile(r"^```sh\n(.*?)^```\n\n^```text\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_the_tutorial_output_matches_a_real_run(state: Path) -> None:
    steps = STEP.findall(PAGE.read_text())
    assert len(steps) == PAGE.read_text().count("```sh") == 5
    (state / ".venv").symlink_to(Path(sys.executable).parents[1])
    for commands, shown in steps:
        done = executed("sh", "-ec", commands, cwd=state, env=environment(state / ".isobar"))
        assert done.returncode == 0, done.stdout + done.stderr
        missing = [line for line in shown.splitlines() if line not in done.stdout]
        assert missing == [], done.stdout
    EmbeddedPostgres(state / ".isobar").stop()
