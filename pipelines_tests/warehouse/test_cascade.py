"""CASCADE drops what nobody named: each place that has it says why nothing of others goes."""

import re

from pipelines_tests.command import PROJECT

#: How often a file has the word, and why.
ALLOWED = {
    "pipelines/sources/solar/tables.py": (3, "rows of a plant go and change with the plant"),
    "deploy/verify-compose.sh": (
        1,
        "destroys data in order to restore them, in a stack of its own",
    ),
}


def test_cascade_stands_in_no_other_place() -> None:
    """Incident: `isobar sources reset` dropped views of analysts, which its page said stop it."""
    kinds = {".py", ".sql", ".sh", ".yml", ".yaml", ".toml", ".txt"}
    files = [
        file
        for folder in ("pipelines", "examples", "deploy")
        for file in (PROJECT / folder).rglob("*")
        if file.suffix in kinds
    ]
    counts = {
        str(file.relative_to(PROJECT)): len(re.findall(r"(?i)\bcascade\b", file.read_text("utf-8")))
        for file in files
    }
    found = {name: count for name, count in counts.items() if count}
    assert found == {name: count for name, (count, _) in ALLOWED.items()}
