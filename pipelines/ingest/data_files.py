"""Data files of a package: what is a table of values, and no code."""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def read_json(package: str, name: str) -> dict[str, Any]:
    """The document `<package>/<name>.json`, read once; it is not to be changed."""
    file = resources.files(package).joinpath(f"{name}.json")
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document
