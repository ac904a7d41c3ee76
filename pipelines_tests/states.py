"""State folders for commands: empty, migrated, or loaded by one `isobar run`.

Migrating lasts seconds and loading half a minute, so each is done once in a session, by the worker
that needs it first; the others wait for it, and every test has a copy of its own.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from pipelines.postgres.server import EmbeddedPostgres
from pipelines.testing.databases import new_folder
from pipelines_tests.command import isobar

#: The variable that names the folder of the session, for all of its workers.
SHARED = "ISOBAR_TEST_STATES"


def migrate(state: Path) -> None:
    """Make the database and Dagster's storage, with one run that loads nothing."""
    inbox = state / "inbox" / "shipments"
    inbox.mkdir(parents=True)
    variables = {"ISOBAR_SOURCES": "live", "SHIPMENTS_INBOX": str(inbox)}
    done = isobar(state, "run", "shipments", **variables)
    assert done.returncode == 0, done.stdout + done.stderr


def load(state: Path) -> None:
    """Load everything of the sandbox, as a newcomer's first command does."""
    done = isobar(state, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    (state / "said.txt").write_text(done.stdout + done.stderr)


@contextmanager
def copied(build: Callable[[Path], None]) -> Iterator[Path]:
    """A state folder as `build` left its own; its server is stopped at the end."""
    built, folder = _built(build), new_folder()
    try:
        subprocess.run(["cp", "-a", f"{built}/.", folder], check=True)
        for port in ("sandbox.port", "postgres/port"):  # else all copies begin at the same one
            (folder / port).unlink(missing_ok=True)
        yield folder
    finally:
        EmbeddedPostgres(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def _built(build: Callable[[Path], None]) -> Path:
    """The folder that all copies are made of."""
    folder = Path(os.environ[SHARED]) / build.__name__
    failed = folder.with_suffix(".failed")
    with filelock.FileLock(f"{folder}.lock"):
        assert not failed.exists(), f"{build.__name__} failed in another test, see there"
        if not folder.exists():
            failed.touch()
            fresh = new_folder(folder.parent)
            try:
                build(fresh)
            finally:
                EmbeddedPostgres(fresh).stop()
            fresh.rename(folder)
            failed.unlink()
    return folder
