"""Other accounts of the machine read nothing in the state folder."""

import stat
from pathlib import Path

from pipelines.postgres import state_folder
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import isobar


def readable_by_others(state: Path) -> list[str]:
    """Return what the rights of files and folders let every account read or list."""
    found: list[str] = []

    def look(folder: Path) -> None:
        for one in folder.iterdir():
            mode = one.lstat().st_mode
            if mode & stat.S_IROTH and not one.is_symlink():
                found.append(str(one.relative_to(state)))
            if stat.S_ISDIR(mode) and mode & stat.S_IXOTH:
                look(one)

    if state.stat().st_mode & stat.S_IXOTH:
        look(state)
    return found


def test_other_accounts_read_nothing_of_a_run(empty_state: Path) -> None:
    """Dagster's storage, logs with samples of rows, and inboxes were readable by everybody."""
    state = empty_state / "new" / "folders" / ".isobar"
    try:
        done = isobar(state, "run", "shipments")
        assert done.returncode == 0, done.stderr
        assert list(state.glob("dagster/storage/*/compute_logs/*.err"))
        assert list(state.glob("inbox/shipments/*.csv"))
        assert readable_by_others(state) == []
        assert not state.stat().st_mode & 0o066
        assert state.parent.stat().st_mode & 0o777 == 0o755
        assert (state / "postgres").is_dir(), "its user may pass through the folder"
    finally:
        EmbeddedPostgres(state).stop()


def test_a_folder_that_an_operator_names_is_left_alone(state: Path, tmp_path: Path) -> None:
    """Other accounts deliver files there."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    inbox.chmod(0o777)
    live = {"ISOBAR_SOURCES": "live", "SHIPMENTS_INBOX": str(inbox)}
    assert isobar(state, "run", "shipments", **live).returncode == 0
    assert stat.S_IMODE(inbox.stat().st_mode) == 0o777


def test_a_folder_for_everybody_is_left_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    state_folder.create(shared)
    state_folder.create(state)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    assert stat.S_IMODE(state.stat().st_mode) & 0o077 in (0, 0o011)
