"""Read and execute `.sql` files, and extract what they declare about views."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection


def read_sql(package: str, name: str) -> str:
    """Return the text of `<package>/sql/<name>.sql`."""
    file = resources.files(package).joinpath("sql", *f"{name}.sql".split("/"))
    return file.read_text(encoding="utf-8")


def sql_files(package: str, folder: str) -> dict[str, str]:
    """Return the texts of the files in `<package>/sql/<folder>`, by name without the suffix."""
    place = resources.files(package).joinpath("sql", folder)
    files = sorted(place.iterdir(), key=lambda file: file.name) if place.is_dir() else []
    return {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in files
        if file.name.endswith(".sql")
    }


def execute_script(connection: Connection, script: str) -> None:
    """Execute one or more SQL statements literally: nothing in them is a parameter."""
    connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def relations_read(sql: str) -> set[str]:
    """Return the schema-qualified tables and views after FROM and JOIN."""
    return set(re.findall(r"\b(?:FROM|JOIN)\s+(?:ONLY\s+)?([a-z_]\w*\.[a-z_]\w*)", _code(sql)))


def relations_behind(view: str, files: Mapping[str, str], ends: Container[str]) -> set[str]:
    """Return those of `ends` that a view reads, directly or by other views, by their `files`."""
    found: set[str] = set()
    waiting, seen = [view], {view}
    while waiting:
        for name in relations_read(files[waiting.pop()]) - seen:
            seen.add(name)
            if name in ends:
                found.add(name)
            elif name in files:
                waiting.append(name)
    return found


def names_used(sql: str) -> set[str]:
    """Return what a file names, by schema and name: views, tables and functions."""
    return set(re.findall(r"\b[a-z_]\w*\.[a-z_]\w*", _code(sql)))


def _code(sql: str) -> str:
    """Return the SQL without comments and texts in quotation marks."""
    return re.sub(r"--.*|'(?:[^']|'')*'", "", sql)


def comment_on(sql: str) -> str | None:
    """Return the comment that a file sets on the view or function that it creates."""
    found = re.search(r"COMMENT ON (?:VIEW|FUNCTION) [^']*? IS\s*'((?:[^']|'')*)'", sql)
    return " ".join(found[1].replace("''", "'").split()) if found else None
