"""`isobar sources new`: a package of a source, with models that a sample proposes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from pipelines.failures import PermanentFailure
from pipelines.source import PLATFORM_NAMES, own_names

if TYPE_CHECKING:
    from pipelines.ingest.paging import Pagination
    from pipelines.scaffold.inference import ProposedRecords
    from pipelines.scaffold.package import Sample


@click.command(name="new", short_help="Write the package of a new source.")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["files", "document", "api"]),
    help="Files in a folder, one JSON document at a URL, or an API with pages. By default what the"
    " sample is: a file, or a document.",
)
@click.option(
    "--from",
    "origin",
    metavar="FILE_OR_URL",
    help="A sample of its data, from which models, keys and types are proposed: CSV, JSON lines,"
    " JSON, Parquet or Excel, or a URL that answers with JSON.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="The folder to write.  [default: isobar-NAME in the working directory]",
)
def new_source(name: str, kind: Any, origin: str | None, into: Path | None) -> None:
    """Write the package of a new source: it installs, loads its sample and passes its tests.

    What a sample cannot decide, such as a unit, is marked with "Check" in the code.
    """
    from pipelines.scaffold.package import write_package

    if not name.isidentifier() or name != name.lower():
        raise click.BadParameter(
            "use lower-case letters, digits and underscores", param_hint="NAME"
        )
    if name in PLATFORM_NAMES or name in own_names():
        raise click.BadParameter(f"the name {name!r} is taken", param_hint="NAME")
    is_url = origin is not None and origin.startswith(("http://", "https://"))
    kind = kind or ("document" if is_url else "files")
    sample, pagination = _sample(name, kind, origin)
    folder = into or Path(f"isobar-{name.replace('_', '-')}")
    try:
        written = write_package(folder, name, kind, sample, pagination)
    except FileExistsError as error:
        raise PermanentFailure(
            "sources",
            "the folder is there already",
            place=str(folder.absolute()),
            remedy="Remove it, or choose another one with --into.",
        ) from error
    for records in sample.records:
        _show(name, records)
    click.echo(
        f"\nWritten to {folder}: {', '.join(str(one.relative_to(folder)) for one in written)}"
    )
    here = Path(sys.executable).parent
    click.echo(
        f"\nNext, after a look at {folder / f'isobar_{name}' / '__init__.py'}:\n"
        f"  {_short(here / 'uv')} pip install --no-deps --editable {folder}\n"
        f"  {_short(here / 'isobar')} sources check {name}\n"
        f"  {_short(here / 'isobar')} run {name}"
    )


def _short(path: Path) -> str:
    """Return a path relative to the working directory, if it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _sample(name: str, kind: str, origin: str | None) -> tuple[Sample, Pagination | None]:
    """Read the sample and propose its records. Raises `PermanentFailure` if it has none."""
    from pipelines.ingest.paging import NextLink
    from pipelines.scaffold.inference import propose
    from pipelines.scaffold.package import EXAMPLE, Sample, cut_sample

    if origin is None:
        text = EXAMPLE["files" if kind == "files" else "document"].encode()
        file = "sample.csv" if kind == "files" else "sample.json"
        content = _read_rows(text, file) if kind == "files" else json.loads(text)
    elif origin.startswith(("http://", "https://")):
        text, file = _requested(origin), "sample.json"
        content = json.loads(text)
    else:
        path = Path(origin)
        try:
            text = path.read_bytes()
        except OSError as error:
            raise _no_sample(origin, error.strerror or str(error)) from error
        file = (
            f"sample{''.join(path.suffixes[-2:] if path.suffix == '.gz' else path.suffixes[-1:])}"
        )
        content = _read_rows(text, file) if kind == "files" else None
    try:
        if content is None:
            content = json.loads(text)
        records = propose(content, name)
    except ValueError as error:
        raise _no_sample(str(origin), str(error)) from error
    if kind == "files":
        records = records[:1]
        return Sample(file, text, records), None
    pagination = _pagination(content) if kind == "api" else None
    shown = json.dumps(cut_sample(content, records), indent=1, ensure_ascii=False).encode()
    if isinstance(pagination, NextLink) and pagination.at:
        shown = json.dumps(_without(content, pagination.at), indent=1, ensure_ascii=False).encode()
    return Sample(file, shown, records), pagination


def _read_rows(text: bytes, file: str) -> Any:
    """Return the first rows of a file, as the parser of files would read them."""
    import csv
    import gzip
    import io

    from pipelines.ingest.row_files import READERS
    from pipelines.scaffold.inference import MAX_RECORDS

    if file.endswith(".gz"):
        text, file = gzip.decompress(text), file.removesuffix(".gz")
    suffix = Path(file).suffix.lower()
    if suffix == ".json":
        return json.loads(text)
    if suffix in READERS:
        rows, _ = READERS[suffix]
        return [one for one, _ in zip(rows(io.BytesIO(text), ""), range(MAX_RECORDS), strict=False)]
    lines = text.decode("utf-8-sig", "backslashreplace").splitlines(keepends=True)
    if not lines:
        raise ValueError("it is empty")
    delimiter = max(",;\t", key=lines[0].count)
    reader = csv.DictReader(lines[: MAX_RECORDS + 1], delimiter=delimiter)
    return [{key.strip(): value for key, value in row.items() if key} for row in reader]


def _requested(url: str) -> bytes:
    from pipelines.http.client import HttpClient

    return HttpClient("sources", "--from", attempts=2).get_json(url).body


def _pagination(content: Any) -> Pagination:
    """Return how pages of an API seem to be linked."""
    from pipelines.ingest.paging import Cursor, NextLink, PageNumber, value_at

    for at in ("next", "links.next", "paging.next", "meta.next", "_links.next.href", "next_page"):
        if isinstance(value := value_at(content, at), str) and ("/" in value or "?" in value):
            return NextLink(at=at)
    for at in ("next_cursor", "cursor", "meta.next_cursor", "nextPageToken", "paging.cursor"):
        if isinstance(value_at(content, at), str):
            return Cursor(at=at)
    return NextLink() if isinstance(content, dict) and "next" in content else PageNumber()


def _without(content: Any, at: str) -> Any:
    """Return a document without the link to the next page."""
    copied = json.loads(json.dumps(content))
    *path, last = at.split(".")
    inner = copied
    for part in path:
        inner = inner[part]
    inner[last] = None
    return copied


def _no_sample(origin: str, problem: str) -> PermanentFailure:
    return PermanentFailure(
        "sources",
        f"no records could be read from the sample: {problem}",
        place=origin,
        remedy="Give a file with rows (CSV, JSON lines, JSON, Parquet, Excel), or a document with a"
        " list of objects; or leave --from out and edit the example.",
    )


def _show(name: str, records: ProposedRecords) -> None:
    """Print the proposal for records of one kind."""
    table = Table("field", "type", "missing", "in the sample", "check", box=None, pad_edge=False)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for field in records.fields:
        label = f"{field.name} (key)" if field.name in records.key else field.name
        missing = "yes" if field.is_optional else ""
        table.add_row(label, field.kind, missing, field.example, "; ".join(field.doubts))
    found = f" at {records.at!r}" if records.at else ""
    click.echo(f"\n{name}.{records.name}: {records.count} records{found}")
    Console().print(table)
    for doubt in records.doubts:
        click.echo(f"  Check: {doubt}")
