"""What a backup says of itself, and whether it may be believed."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from pipelines.failures import PermanentFailure
from pipelines.migrations.history import all_schemas, known_revisions
from pipelines.source import is_plugin, sources

WAREHOUSE, DAGSTER = "warehouse", "dagster"
"""What the dumps are called."""
FILE = "manifest.json"
UNFINISHED = "unfinished-"
"""What a backup is written into begins so, and is gone when it is whole."""
FORMAT = 2


@dataclass(frozen=True)
class Manifest:
    """Written last: without it a backup is not whole."""

    format: int
    isobar: str
    revisions: dict[str, str]
    """By schema of the warehouse that has tables of Isobar's; empty at the baseline."""
    server_version: int
    """In PostgreSQL's numbers, such as 180006."""
    client_major: int
    """Of the pg_dump that wrote it: an older pg_restore cannot read it."""
    shows: str
    """The instant."""
    rows: dict[str, int]
    """By table of the warehouse."""
    sha256: dict[str, str]
    """By file of the dumps."""

    def as_text(self) -> str:
        """As it is written."""
        return json.dumps(asdict(self), indent=1)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup that is whole and none of a later version. `PermanentFailure`."""
    if not (folder / FILE).is_file():
        interrupted = "it is not whole: its backup was interrupted"
        raise _refused(
            folder,
            interrupted if is_unfinished(folder) else f"there is no backup: it has no {FILE}",
            "Give the folder of another backup.",
        )
    try:
        told = json.loads((folder / FILE).read_text())
        is_other = told["format"] != FORMAT or _numbers(told["isobar"]) > _numbers(
            version("isobar")
        )
        unknown = [] if is_other else _unknown_revisions(told["revisions"])
        if is_other or unknown:
            raise _refused(
                folder,
                f"it was made by another version of Isobar, {told['isobar']}"
                + (f" with the schema {', '.join(unknown)}" if unknown else ""),
                "Update this clone, then run again.",
            )
        manifest = Manifest(**told)
        _check_types(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        problem = f"its {FILE} cannot be read ({type(error).__name__})"
        raise _refused(folder, problem, "Give the folder of another backup.") from error
    changed = sorted({name for name, _ in digests(folder).items() ^ manifest.sha256.items()})
    if changed:
        raise _refused(
            folder,
            f"files are missing or not as they were written: {', '.join(changed[:5])}",
            "Copy it again from where it was made, or give the folder of another backup.",
        )
    return manifest


def _check_types(manifest: Manifest) -> None:
    """Each field is of its type, those within too. Raises `TypeError`."""
    texts = (manifest.isobar, manifest.shows, *manifest.revisions, *manifest.revisions.values())
    numbers = (manifest.format, manifest.server_version, manifest.client_major)
    is_well = all(isinstance(one, str) for one in (*texts, *manifest.sha256.values()))
    is_well &= all(type(one) is int for one in (*numbers, *manifest.rows.values()))
    if not is_well or not manifest.shows.isprintable():
        raise TypeError


def _unknown_revisions(revisions: dict[str, str]) -> list[str]:
    """Schemas of ours whose tables are of later code; a plug-in's do not matter."""
    of_plugins = {name for name, source in sources().items() if is_plugin(source)}
    return [
        f"{name} {revisions[name]}"
        for name, schema in all_schemas().items()
        if name not in of_plugins
        and revisions.get(name) not in ("", None, *known_revisions(schema))
    ]


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file of the dumps in a folder, by its path within."""
    found = {}
    for name in (WAREHOUSE, DAGSTER):
        for file in sorted((folder / name).glob("*")):
            if not file.is_file():
                found[f"{name}/{file.name}"] = "no file"
                continue
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            found[f"{name}/{file.name}"] = digest
    return found


def is_unfinished(folder: Path) -> bool:
    """Whether a backup into it was interrupted."""
    has_begun = any(one.name.startswith(UNFINISHED) for one in folder.iterdir())
    return has_begun and not (folder / FILE).exists()


def _refused(folder: Path, problem: str, remedy: str) -> PermanentFailure:
    return PermanentFailure("restore", problem, place=str(folder), remedy=remedy)


def _numbers(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", release)[:3]]
