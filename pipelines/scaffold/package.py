"""Write the package of a new source: complete, so that it installs, loads and passes its tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from pipelines.scaffold.inference import MAX_RECORDS, ProposedField, ProposedRecords

if TYPE_CHECKING:
    from pipelines.ingest.feeds import Pagination

#: What packages are made of; with examples, of what the source of a package without a sample sends.
TEMPLATES = resources.files("pipelines.scaffold").joinpath("template")


@dataclass(frozen=True)
class Sample:
    """A sample: its file name in the package, its content, and the records proposed for it."""

    file: str
    content: bytes
    records: Sequence[ProposedRecords]
    #: Of a file that is not UTF-8.
    encoding: str = ""


def write_package(
    folder: Path, name: str, kind: str, sample: Sample, pagination: Pagination | None = None
) -> None:
    """Write the package `isobar_<name>` into a folder, which it makes. Raises `FileExistsError`."""
    folder.mkdir(parents=True)
    package = f"isobar_{name}"
    values = {
        "name": name,
        "NAME": name.upper(),
        "Title": name.replace("_", " ").capitalize(),
        "package": package,
        "project": package.replace("_", "-"),
        "sample": sample.file,
        "imports": _imports(sample.records),
        "models": "\n\n".join(_model(one) for one in sample.records),
        "encoding": sample.encoding,
        "feed": _feed(name, kind, sample.records, pagination),
        "schedules": "" if kind == "files" else TEMPLATES.joinpath("schedules.txt").read_text(),
    }
    settings = ["inbox.txt" if kind == "files" else "url.txt"]
    settings += ["token.txt"] if kind == "api" else []
    settings += ["encoding.txt"] if sample.encoding else []
    values["settings"] = "".join(_filled(one, values) for one in settings).rstrip("\n")
    targets = {
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        f"{package}/__init__.py": "declaration.txt",
        "tests/test_contract.py": "test_contract.txt",
    }
    for target, template in targets.items():
        file = folder / target
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_filled(template, values), encoding="utf-8")
    (folder / package / sample.file).write_bytes(sample.content)


def _filled(template: str, values: Mapping[str, str]) -> str:
    return Template(TEMPLATES.joinpath(template).read_text("utf-8")).substitute(values)


def _imports(records: Sequence[ProposedRecords]) -> str:
    kinds = {field.kind for one in records for field in one.fields}
    lines = ["import datetime as dt"] if "dt.date" in kinds else []
    lines += ["from decimal import Decimal"] if "Decimal" in kinds else []
    lines += ["from typing import Any"] if any("Any" in kind for kind in kinds) else []
    lines += [""] if lines else []
    times = sorted(kinds & {"AwareDatetime", "NaiveDatetime"})
    lines.append(f"from pydantic import {', '.join([*times, 'BaseModel'])}")
    return "\n".join(lines)


def model_name(records: ProposedRecords) -> str:
    """Return the name of the model of records, which is that of nothing else."""
    return "".join(part.capitalize() for part in records.name.split("_")) + "Record"


def _model(records: ProposedRecords) -> str:
    title = records.name.replace("_", " ").capitalize()
    lines = [f"class {model_name(records)}(BaseModel):", f'    """{title}, one row each."""', ""]
    lines += [f"    # Check: {doubt}" for doubt in records.doubts]
    for field in records.fields:
        lines += [f"    # Check: {doubt}" for doubt in field.doubts]
        lines.append(_field(field))
    return "\n".join(lines) + "\n"


def _field(field: ProposedField) -> str:
    kind = {"str": "isobar.Name", "Text": "str"}.get(field.kind, field.kind)
    kind = f"{kind} | None" if field.is_optional else kind
    words = {"description": f"{field.name.replace('_', ' ').capitalize()}."}
    if field.sent != field.name:
        words = {"alias": field.sent, **words}
    options = [f"{name}={_quoted(value)}" for name, value in words.items()]
    options += [f"missing={field.missing!r}"] if field.missing else []
    options = ["default=None", *options] if field.is_optional else options
    return f"    {field.name}: {kind} = isobar.Field({', '.join(options)})"


def _quoted(text: str) -> str:
    """Return a literal of foreign text: printable, so that it ends where it seems to end."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _feed(
    name: str, kind: str, records: Sequence[ProposedRecords], pagination: Pagination | None
) -> str:
    each = [
        {
            "at": _quoted(one.at),
            "model": model_name(one),
            "table": _quoted(f"{name}.{one.name}"),
            "key": f"({json.dumps(one.key)[1:-1]})" if len(one.key) != 1 else _quoted(*one.key),
        }
        for one in records
    ]
    if kind == "files":
        (one,) = each
        at = f", at={one['at']}" if records[0].at else ""
        return _filled("files.txt", one | {"at": at})
    lists = "".join(_filled("records.txt", one) for one in each)
    return _filled(f"{kind}.txt", {"lists": lists, "pagination": repr(pagination)})


def cut_sample(content: Any) -> Any:
    """Return a document with at most `MAX_RECORDS` of each list."""
    if isinstance(content, dict):
        return {key: cut_sample(value) for key, value in content.items()}
    return content[:MAX_RECORDS] if isinstance(content, list) else content
