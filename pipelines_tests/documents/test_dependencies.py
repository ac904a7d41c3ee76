"""The page of dependencies lists what `pyproject.toml` requires."""

import re
import tomllib

from pipelines_tests.command import PROJECT


def test_each_dependency_has_a_line_explaining_its_purpose() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[=<>;]", one)[0] for one in project["dependencies"]}
    page = (PROJECT / "docs/adr/0018-what-each-dependency-does.md").read_text()
    assert set(re.findall(r"^\| ([a-z0-9-]+) \| \w", page, re.MULTILINE)) == declared | {"package"}
