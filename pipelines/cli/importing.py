"""`isobar import`: load one file by hand, of each source that has an inbox."""

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


def _import_command(name: str, inbox: FileInbox) -> click.Command:
    def load(file: Path) -> None:
        run_one_job(name, {f"load_{name}": {"file": str(file.absolute())}}, may_migrate=True)

    path = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
    return click.Command(
        name,
        callback=load,
        params=[click.Argument(["file"], type=path)],
        help=inbox.import_help,
        short_help=inbox.import_help.split(",")[0].split(";")[0].rstrip(".") + ".",
    )


for _source in sources().values():
    if _inbox := inbox_of(_source):
        import_.add_command(_import_command(_source.name, _inbox))
