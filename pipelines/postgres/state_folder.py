"""Rights of the state folder: what is in it is for its owner alone.

Logs, alerts and Dagster's storage have samples of rows and rejected records.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from pipelines.postgres import software

#: Others may do nothing; or only pass through, where PostgreSQL runs as another user.
OWNER_ONLY, PASSABLE = 0o700, 0o711


def keep_new_files_private() -> None:
    """Create files and folders for the owner alone, in this process and those that it starts."""
    os.umask(0o077)


def create(state: Path) -> None:
    """Create the state folder, or take away the rights of others on an existing one.

    As root, the user of the built-in server has to pass; deeper files keep their rights.
    """
    most = OWNER_ONLY if software.system_user() is None else PASSABLE
    for parent in reversed(state.parents):  # with the usual rights, whatever the umask is
        with suppress(FileExistsError):
            if not parent.exists():
                parent.mkdir()
                parent.chmod(0o755)
    try:
        state.mkdir()
        state.chmod(most)
    except FileExistsError:
        if not state.is_dir():
            raise
    mode = stat.S_IMODE(state.stat().st_mode)
    if not mode & stat.S_ISVTX:  # which a folder for everybody has, such as /tmp
        with suppress(OSError):  # it is somebody else's, or on a read-only file system
            state.chmod(mode & most)
