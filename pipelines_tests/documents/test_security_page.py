"""Every threat on the page on security names tests, and each of them is there."""

import re

from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import rows

PAGE = PROJECT / "docs" / "security.md"
HOSTILE = (
    "A hostile web page",
    "Another account",
    "A hostile file",
    "A hostile service",
    "A viewer",
    "An analyst",
)
TEST = re.compile(r"`(pipelines_tests/[\w/]+\.py)::(test_\w+)`")


def threats() -> list[list[str]]:
    """The cells of each row that has three, under a heading of somebody hostile."""
    parts = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    wanted = [part for part in parts if part.startswith(HOSTILE)]
    assert len(wanted) == len(HOSTILE)
    lines = {
        line.split("|")[1].strip() for part in wanted for line in part.splitlines() if "|" in line
    }
    return [row for row in rows(PAGE) if row[0] in lines]


def test_every_threat_names_a_test() -> None:
    found = threats()
    assert len(found) > 30
    assert [row for row in found if len(row) != 3 or not TEST.search(row[2])] == []


def test_the_tests_of_the_page_are_there() -> None:
    named = TEST.findall(PAGE.read_text())
    assert PAGE.read_text().count("::") == len(named)
    missing = [
        f"{path}::{test}"
        for path, test in named
        if not (PROJECT / path).exists() or f"def {test}(" not in (PROJECT / path).read_text()
    ]
    assert missing == []


def test_every_test_of_the_folder_is_on_the_page() -> None:
    written = {
        test
        for file in (PROJECT / "pipelines_tests" / "security").glob("test_*.py")
        for test in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert written - {test for _, test in TEST.findall(PAGE.read_text())} == set()
