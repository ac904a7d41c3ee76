"""Plug-ins that tests write and install: packages beside Isobar, found by their entry points.

`write` makes a package and its metadata in a folder, as an installer would. `installed` puts such
folders on the path of this process; a command of its own finds them by `PYTHONPATH`.

    write(tmp_path, "buses")
    with installed(tmp_path):
        assert "buses" in sources()
"""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from pipelines import isolation, source
from pipelines.orchestration import schedule_config

DECLARATION = '''
"""Buses, and where they stop."""

from pipelines.source import Source, SourceSettings, url


class Settings(SourceSettings, env_prefix="{NAME}_"):
    """Where buses are listed."""

    url: str | None = url("The list of buses.")


source = Source(
    name="{name}",
    package=__name__,
    about="Buses, and where they stop.",
    settings=Settings,
    job="Load the list of buses.",
)
'''
TABLES = '''
"""The tables of buses."""

from sqlalchemy import Column, Integer, Table, Text

from pipelines.source import source_metadata

metadata = source_metadata()
stops = Table(
    "stops",
    metadata,
    Column("stop_id", Integer, primary_key=True, comment="Number of the stop."),
    Column("name", Text, nullable=False, comment="What it is called."),
    schema="{name}",
    comment="Where buses stop, one row a stop.",
)
'''
VIEW = """
CREATE OR REPLACE VIEW enriched.{name}_stops AS
SELECT stop_id, name FROM {name}.stops;

COMMENT ON VIEW enriched.{name}_stops IS 'Where buses stop.';
"""
#: A source that is complete: one table and a view of it. `{name}` is what it is called.
FILES: Mapping[str, str] = {
    "__init__.py": DECLARATION,
    "tables.py": TABLES,
    "sql/views/enriched.{name}_stops.sql": VIEW,
}


def package_of(name: str) -> str:
    return f"isobar_{name}"


def write(folder: Path, name: str = "buses", files: Mapping[str, str | None] | None = None) -> Path:
    """Write the plug-in `name` into a folder; returns the folder of its package.

    It has `FILES`, and `files` besides or instead; None leaves one out.
    """
    package = folder / package_of(name)
    for path, words in {**FILES, **(files or {})}.items():
        file = package / _filled(path, name)
        if words is None:
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_filled(dedent(words).lstrip("\n"), name))
    install(folder, name)
    return package


def install(folder: Path, name: str) -> None:
    """Write the metadata of the plug-in `name` into a folder, as an installer would."""
    about = folder / f"{package_of(name)}-1.0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package_of(name)}\nVersion: 1.0\n"
    )
    entry = f"[isobar.sources]\n{name} = {package_of(name)}\n"
    (about / "entry_points.txt").write_text(entry)


@contextmanager
def installed(*folders: Path) -> Iterator[None]:
    """Have this process find the plug-ins of some folders, as they are at this moment."""
    sys.path[:0] = map(str, folders)
    _forget(folders)
    try:
        yield
    finally:
        for folder in folders:
            sys.path.remove(str(folder))
        _forget(folders)


def _forget(folders: tuple[Path, ...]) -> None:
    """Have Python read packages of these folders anew, and Isobar look for sources."""
    packages = {path.name for folder in folders for path in folder.iterdir()}
    for module in [one for one in sys.modules if one.split(".")[0] in packages]:
        del sys.modules[module]
    importlib.invalidate_caches()
    source._discovered.cache_clear()
    schedule_config.timetable.cache_clear()
    isolation._BROKEN.clear()


def _filled(words: str, name: str) -> str:
    return words.replace("{name}", name).replace("{NAME}", name.upper())
