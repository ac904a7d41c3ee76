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


def test_a_heading_is_known_by_the_forges_name_of_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Times, and `a_b` of [yours](x.md)\n## Again\n```\n# no heading\n```\n## Again\n"
    )
    assert anchors(page) == {"times-and-a_b-of-yours", "again", "again-1"}


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = {README}, [README]
    while waiting:
        fresh = {target for target, _ in links(waiting.pop()) if target.suffix == ".md"} - reached
        reached |= fresh
        waiting += fresh
    forges = {page for page in PAGES if ".github" in page.parts}  # shown where they are needed
    assert [name_of(page) for page in PAGES if page not in reached | forges] == []


def test_every_decision_is_in_their_list() -> None:
    folder = PROJECT / "docs" / "adr"
    listed = [target for target, _ in links(folder / "README.md")]
    assert listed == sorted(folder.glob("0*.md"))


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


def test_every_picture_is_shown_on_a_page() -> None:
    shown = {target for page in PAGES for target, _ in links(page)}
    assert [one.name for one in PROJECT.glob("docs/pictures/*") if one not in shown] == []
