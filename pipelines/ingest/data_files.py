"""Data files in a package: tables of values, not code."""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def read_json(package: str, name: str) -> dict[str, Any]:
    """Load the document `<package>/<name>.json`. It is cached and must not be modified."""
    file = resources.files(package).joinpath(f"{name}.json")
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document
