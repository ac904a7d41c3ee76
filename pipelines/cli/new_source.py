"""`isobar sources new`: a package of a source, with models that a sample proposes."""

from __future__ import annotations

import csv
import io
import json
import sys
from contextlib import suppress
from functools import reduce
from itertools import islice
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.failures import PermanentFailure, in_one_line
from pipelines.ingest.feeds import Cursor, NextLink, PageNumber, Pagination
from pipelines.ingest.parsers import value_at
from pipelines.ingest.row_files import READERS, SUFFIXES
from pipelines.source import PLATFORM_NAMES, is_source_name, own_names

if TYPE_CHECKING:
    from pipelines.scaffold.package import Sample


#: What is shown of an error.
MAX_CHARACTERS = 200
#: What reading foreign bytes may raise.
UNREADABLE = (ValueError, LookupError, OSError, RecursionError, csv.Error)


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
def new_source(name: str, kind: Any, origin: str | None) -> None:
    """Write the package of a new source to isobar-NAME: it installs, loads its sample, is tested.

    What a sample cannot decide, such as a currency, is marked with "Check" in the code.
    """
    from pipelines.scaffold.package import write_package

    if not is_source_name(name):
        words = "use lower-case letters, digits and underscores, and no word of SQL or Python"
        raise click.BadParameter(words, param_hint="NAME")
    if name in PLATFORM_NAMES or name in own_names():
        raise click.BadParameter(f"the name {name!r} is taken", param_hint="NAME")
    is_url = origin is not None and origin.startswith(("http://", "https://"))
    kind = kind or ("document" if is_url else "files")
    sample, pagination = _sample(name, kind, origin)
    folder = Path(f"isobar-{name.replace('_', '-')}")
    try:
        write_package(folder, name, kind, sample, pagination)
    except FileExistsError as error:
        raise PermanentFailure(
            "sources",
            "the folder is there already",
            place=str(folder.absolute()),
            remedy="Remove it, or run this in another folder.",
        ) from error
    for records in sample.records:
        click.echo(f"{name}.{records.name}: {records.count} records")
        doubts = [f"{one.name}: {doubt}" for one in records.fields for doubt in one.doubts]
        click.echo("".join(f"  Check: {doubt}\n" for doubt in [*records.doubts, *doubts]))
    here = Path(sys.executable).parent
    click.echo(
        f"Written to {folder}. Next, after a look at {folder / f'isobar_{name}' / '__init__.py'}:\n"
        f"  {here / 'uv'} pip install --no-deps --editable {folder}\n"
        f"  {here / 'isobar'} sources check {name}\n"
        f"  {here / 'isobar'} run {name}\n"
        "Then start isobar ui and isobar dashboard again, if they run."
    )


def _sample(name: str, kind: str, origin: str | None) -> tuple[Sample, Pagination | None]:
    """Read the sample and propose its records. Raises `PermanentFailure` if it has none."""
    from pipelines.http.client import HttpClient
    from pipelines.ingest.inbox import LINE_SUFFIXES
    from pipelines.scaffold.inference import propose
    from pipelines.scaffold.package import TEMPLATES, Sample, cut_sample

    suffix = ".csv" if kind == "files" else ".json"
    try:
        if origin is None:
            text = TEMPLATES.joinpath(f"example{suffix}").read_bytes()
        elif origin.startswith(("http://", "https://")):
            answer = HttpClient("sources", "--from", attempts=2).get_json(origin)
            text, suffix = answer.body, ".json"
        else:
            text = Path(origin).read_bytes()
            suffix = next((one for one in SUFFIXES if origin.lower().endswith(one)), ".csv")
        notes: list[str] = []
        content = _read_rows(text, suffix, notes) if kind == "files" else json.loads(text)
        records = propose(content, name)
        records[0].doubts += notes
        if kind == "files":
            is_of_lines = suffix in LINE_SUFFIXES
            if is_of_lines and not text.endswith(b"\n"):
                text += b"\n"  # or it would count as a file that is still being written
            encoding = _encoding(text) if is_of_lines else ""
            return Sample(f"sample{suffix}", text, records[:1], encoding), None
        pagination = _pagination(content)
        if kind == "document" and isinstance(pagination, NextLink | Cursor):
            records[0].doubts.append(f"has it more pages ({pagination.at})? --kind api reads all")
        document = cut_sample(content)
        if kind == "api" and isinstance(pagination, NextLink | Cursor) and pagination.at:
            *path, last = pagination.at.split(".")
            reduce(getitem, path, document)[last] = None
        text = json.dumps(document, indent=1).encode()
        return Sample("sample.json", text, records), pagination if kind == "api" else None
    except UNREADABLE as error:
        raise PermanentFailure(
            "sources",
            f"no records could be read from the sample: {in_one_line(str(error))[:MAX_CHARACTERS]}",
            place=str(origin),
            remedy="Give a file with rows (CSV, JSON lines, JSON, Parquet, Excel), or a document"
            " with a list of objects, also an answer of an API with a token that you have saved; or"
            " leave --from out and edit the example.",
        ) from error


def _read_rows(text: bytes, suffix: str, notes: list[str]) -> Any:
    """Return the first rows of a file, as the parser of files would read them, with its notes."""
    from pipelines.ingest.csv_files import HINT
    from pipelines.scaffold.inference import MAX_RECORDS

    if suffix == ".json":
        return json.loads(text)
    if suffix in READERS:
        read, _ = READERS[suffix]
        return [*islice(read(io.BytesIO(text), "", {}, notes), MAX_RECORDS)]
    encoding = _encoding(text) or "utf-8-sig"
    lines = text.decode(encoding, "backslashreplace").splitlines(keepends=True)
    if lines and HINT.fullmatch(lines[0].rstrip()):
        del lines[0]
    if not lines:
        raise ValueError("it is empty")
    delimiter = max(",;\t", key=lines[0].count)
    reader = csv.DictReader(lines[: MAX_RECORDS + 1], delimiter=delimiter)
    names = [name.strip().casefold() for name in reader.fieldnames or ()]
    if any(not name.isprintable() for name in names) or len({*names}) < len(names):
        raise ValueError("its header has a name twice, or one that cannot be printed")
    whole = (row for row in reader if None not in row.values())  # others are rejected, too
    return [{key.strip(): value for key, value in row.items() if key} for row in whole]


def _encoding(text: bytes) -> str:
    """Return the encoding of text that is not UTF-8 and may be Western European; else nothing."""
    for encoding, found in (("utf-8-sig", ""), ("cp1252", "cp1252")):
        with suppress(UnicodeDecodeError):
            text.decode(encoding)
            return found
    return "latin-1"


def _pagination(content: Any) -> Pagination:
    for at in ("next", "links.next", "paging.next", "meta.next", "_links.next.href", "next_page"):
        if isinstance(value := value_at(content, at), str) and ("/" in value or "?" in value):
            return NextLink(at=at)
    for at in ("next_cursor", "cursor", "meta.next_cursor", "nextPageToken", "paging.cursor"):
        if isinstance(value_at(content, at), str):
            return Cursor(at=at)
    return NextLink() if isinstance(content, dict) and "next" in content else PageNumber()
