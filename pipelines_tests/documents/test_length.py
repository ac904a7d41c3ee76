"""Pages stay short enough to be read; those that are generated say so at their top."""

from pathlib import Path

import pytest

from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import PAGES, README, name_of

MAX_LINES, MAX_README_LINES, TOP = 300, 120, 10
#: One entry for each change.
CHANGELOG = PROJECT / "CHANGELOG.md"


@pytest.mark.parametrize("page", [one for one in PAGES if one != CHANGELOG], ids=name_of)
def test_a_long_page_is_a_generated_one(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert len(lines) <= MAX_LINES or "generated" in " ".join(lines[:TOP])


def test_the_readme_is_read_in_two_minutes() -> None:
    assert len(README.read_text().splitlines()) <= MAX_README_LINES
