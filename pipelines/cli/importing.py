"""`isobar import`: load one file by hand, of each source that has an inbox."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pipelines.cli.running import run_one_job
from pipelines.source import FileInbox, Source, sources


@click.group(name="import")
def import_() -> None:
    """Load one file by hand, from any folder."""


def inbox_of(source: Source) -> FileInbox | None:
    """Return the inbox of a source that has one."""
    return next((one for one in source.fetchers if isinstance(one, FileInbox)), None)


@contextmanager
def _as_regular_file(file: str) -> Iterator[str]:
    """Yield the path of a file; a pipe and standard input (-) are copied to one first."""
    path = Path(file)
    if file != "-" and not path.is_fifo():
        yield str(path.absolute())
        return
    with tempfile.TemporaryDirectory(prefix="isobar-") as folder:
        copy = Path(folder) / ("standard input" if file == "-" else "pipe")
        with click.open_file(file, "rb") as opened, copy.open("wb") as target:
            shutil.copyfileobj(opened, target)
        yield str(copy)


def _import_command(name: str, inbox: FileInbox) -> click.Command:
    def load(file: str) -> None:
        with _as_regular_file(file) as path:
            run_one_job(name, {f"load_{name}": {"file": path}}, may_migrate=True)

    path = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
    return click.Command(
        name,
        callback=load,
        params=[click.Argument(["file"], type=path)],
        help=f"{inbox.import_help}\n\nA pipe is read to its end; - is standard input.",
        short_help=inbox.import_help.split(",")[0].split(";")[0].rstrip(".") + ".",
    )


for _source in sources().values():
    if _inbox := inbox_of(_source):
        import_.add_command(_import_command(_source.name, _inbox))
