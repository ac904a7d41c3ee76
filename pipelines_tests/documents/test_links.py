"""Links lead somewhere, and every page can be found."""

import re
from pathlib import Path

import pytest

from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import PAGES, README, anchors, links, name_of


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings_that_there_are(page: Path) -> None:
    dead = [
        f"{target.name}#{at}"
        for target, at in links(page)
        if not target.exists() or (at and at not in anchors(target))
    ]
    assert dead == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = {README}, [README]
    while waiting:
        fresh = {target for target, _ in links(waiting.pop()) if target.suffix == ".md"} - reached
        reached |= fresh
        waiting += fresh
    forges = {page for page in PAGES if ".github" in page.parts}  # shown where they are needed
    assert [name_of(page) for page in PAGES if page not in reached | forges] == []


def test_pages_and_headings_that_the_code_names_are_there() -> None:
    """As 'docs/operations.md, Alerts', in messages and comments."""
    named = re.compile(r"(docs/[\w/-]+\.md)(?:, '?([A-Z]\w+))?")
    files = [*PROJECT.glob("pipelines/**/*.py"), *PROJECT.glob("pipelines/**/*.toml")]
    files += [PROJECT / "dagster.yaml", PROJECT / "pyproject.toml", PROJECT / "Makefile"]
    missing = [
        f"{name_of(file)}: {page}, {heading}"
        for file in files
        for page, heading in named.findall(file.read_text())
        if not (PROJECT / page).exists()
        or (heading and heading.lower() not in anchors(PROJECT / page))
    ]
    assert missing == []
