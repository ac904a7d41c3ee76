"""Names and kinds of files that someone may drop: nothing outside the inbox is read or written."""

from pathlib import Path

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest import inbox as inboxes
from pipelines.ingest.file_loader import load_file, load_files
from pipelines.ingest.inbox import Inbox, inspect_file
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.loaders import runner
from pipelines_tests.sources.shipments.made_up import deliver, line, text_of

SECRET = text_of([line(1, article_name="of another folder")])


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.0)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "secret.csv").write_text(SECRET)
    return Inbox("shipments", tmp_path / "inbox", "SHIPMENTS_INBOX", "utf-8")


def stored(owner: psycopg.Connection) -> list[tuple[str]]:
    return owner.execute("SELECT article_name FROM shipments.articles").fetchall()


def test_a_file_replaced_by_a_link_is_not_followed(
    warehouse: Warehouse, inbox: Inbox, owner: psycopg.Connection
) -> None:
    (inbox.folder / "a.csv").write_text(text_of([line(1)]))
    files, _ = inbox.ready(warehouse, wait_seconds=5)
    (inbox.folder / "a.csv").unlink()
    (inbox.folder / "a.csv").symlink_to(inbox.folder.parent / "secret.csv")
    outcomes, failures = load_files(runner("shipments", warehouse), inbox, files)
    assert (outcomes, len(failures)) == ([], 1)
    assert stored(owner) == []


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/stdin", "/", "/proc/self/fd"])
def test_a_device_or_a_folder_is_not_imported_by_hand(warehouse: Warehouse, path: str) -> None:
    with pytest.raises(PermanentFailure, match=r"regular file|no such file"):
        load_file(runner("shipments", warehouse), inspect_file("shipments", Path(path)))


def test_a_header_of_a_hundred_thousand_columns_is_rejected(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    header, good = text_of([line(1)]).splitlines()
    names = ",".join(f"c{number}" for number in range(100_000))
    with pytest.raises(PermanentFailure, match=r"the header has 100,\d+ columns"):
        deliver(warehouse, tmp_path, f"{header},{names}\n{good}{',1' * 100_000}\n")
    assert owner.execute("SELECT problem IS NULL FROM ops.deliveries").fetchall() == [(False,)]
