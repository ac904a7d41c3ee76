"""The documents as their tests read them: pages, headings, links, code, rows of tables."""

import re
from functools import cache
from pathlib import Path

from pipelines_tests.command import PROJECT

README = PROJECT / "README.md"
PAGES = sorted(
    [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob(".github/**/*.md")]
)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def blocks(page: Path, language: str) -> list[str]:
    return [code for kind, code in FENCED.findall(page.read_text()) if kind == language]


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def code_spans(page: Path) -> list[str]:
    """Return the inline code of the prose."""
    return re.findall(r"`([^`\n]+)`", prose(page))


@cache
def anchors(page: Path) -> set[str]:
    """Return the forge's anchors of the headings: a repeated one gets a number."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        words = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", title).lower()
        anchor = re.sub(r"[^\w -]", "", words).replace(" ", "-")
        count = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", one) is not None for one in found)
        found.add(f"{anchor}-{count}" if count else anchor)
    return found


def links(page: Path) -> list[tuple[Path, str]]:
    """Each link of the page to a file of ours: the file, and the anchor or nothing."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    local = [one.partition("#") for one in targets if not re.match(r"[a-z]+:", one)]
    return [((page.parent / path).resolve() if path else page, at) for path, _, at in local]


def rows(page: Path) -> list[list[str]]:
    """The cells of each row of each table, without titles."""
    lines = re.findall(r"^\|(.*)\|$", prose(page), re.MULTILINE)
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]
    rules = [number for number, row in enumerate(cells) if set("".join(row)) <= set("-")]
    return [row for number, row in enumerate(cells) if not {number, number + 1} & set(rules)]
