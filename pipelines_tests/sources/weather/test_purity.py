"""Parsing of responses is pure: the time is an argument, and there is no database and no file."""

import ast
from importlib import resources
from pathlib import Path

import pytest

import pipelines.sources.weather

WEATHER = Path(str(resources.files(pipelines.sources.weather)))
#: Modules that parse responses or interpret errors. The data files of the package, which
#: `read_json` caches, are constants.
PURE = [WEATHER / "geocoding.py", WEATHER / "observation.py", WEATHER / "place_names.py"]
PURE += sorted((WEATHER / "providers").glob("*.py"))
#: Calls of a clock, a file or a database.
IMPURE_CALLS = {
    *("now", "utcnow", "utc_now", "today", "time", "monotonic", "perf_counter", "sleep"),
    *("open", "read_text", "read_bytes", "read_sql", "execute", "connect", "getenv"),
}
IMPURE_MODULES = {"time", "os", "pathlib", "random", "sqlalchemy", "psycopg", "dagster"}


@pytest.mark.parametrize("file", PURE, ids=lambda file: file.name)
def test_modules_that_parse_call_no_clock_no_file_and_no_database(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    called, imported = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called.add(node.func.attr)
        elif isinstance(node, ast.Import):
            imported |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
            assert "warehouse" not in (node.module or "")
    assert not called & IMPURE_CALLS
    assert not imported & IMPURE_MODULES
