"""Fail for words that the vocabulary replaces: `make lint` prints each with its file and line.

Checked are the names, docstrings, comments, messages and SQL of `pipelines/`, `pipelines_tests/`,
`benchmarks/` and `examples/`, the pages in `docs/` and the first section of the changelog.
Migrations and their tests are not, as they name columns of earlier versions; nor are decision
records, which are history.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Each word, a part of a name too, with what to write instead.
FORBIDDEN = {
    "tell|tells|told|telling": "report, log, notify, return, distinguish",
    "heard|hears": "received",
    "believed": "accepted",
    "asked": "requested, queried, due",
    "held": "stored, complete",
    "refuse|refuses|refused|refusing|refusal|refusals": "reject, rejected, fail",
    "take off|takes off|bring up|brings up|brought up": "revert, bootstrap",
    "imitate|imitates|imitated|imitation": "simulate, simulated",
}

#: Where the word is right: terms of the field, and the paths of tests.
ALLOWED = (
    "onnection refused",
    "ConnectionRefusedError",
    'match="refused"',  # libpq's message, in tests
    "held the lock",
    "lease is held",
    "lock of PostgreSQL, held",
    r"`pipelines_tests/[^`]*`",
)

PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "docs/sources/*.md")

_ALLOWED = re.compile("|".join(ALLOWED), re.IGNORECASE)
_UNCHECKED = re.compile(
    r"/\.venv/|/migrations/versions/|/sources/\w+/migrations/|/solar/test_migrations\.py$"
)
_CODE = re.compile("`[^`]*`")
_FORBIDDEN = re.compile(rf"(?<![a-z])({'|'.join(FORBIDDEN)})(?![a-z])", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def main() -> None:
    """Print every forbidden word as `file:line: word`, and exit with 1 when there is any."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word!r}; write {instead_of(word)}"
        for path, number, line in lines()
        for word in forbidden_words(line)
    ]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.exit(1 if found else 0)


def forbidden_words(line: str) -> list[str]:
    """Return the forbidden words of a line in their order; names are split into their words."""
    words = _HUMP.sub(" ", _ALLOWED.sub("", line))
    return [match[1] for match in _FORBIDDEN.finditer(words)]


def instead_of(word: str) -> str:
    """Return what the vocabulary has for a forbidden word."""
    return next(new for old, new in FORBIDDEN.items() if word.lower() in old.split("|"))


def lines() -> Iterator[tuple[Path, int, str]]:
    """Yield each line to check with its file and number."""
    sources = (
        path
        for folder in ("benchmarks", "pipelines", "pipelines_tests", "examples")
        for kind in ("*.py", "*.sql")
        for path in ROOT.glob(f"{folder}/**/{kind}")
        if not _UNCHECKED.search(path.as_posix())
    )
    pages = (path for pattern in PAGES for path in ROOT.glob(pattern))
    for path in sorted({*sources, *pages}):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            yield path, number, line
    changelog = ROOT / "CHANGELOG.md"
    releases = 0
    for number, line in enumerate(changelog.read_text("utf-8").splitlines(), 1):
        releases += line.startswith("## ")
        if releases == 1:
            yield changelog, number, _CODE.sub("", line)  # former names


if __name__ == "__main__":
    main()
