"""Files of an inbox: when they are loaded, deferred or rejected."""

import gzip
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.failures import NotReady, PermanentFailure
from pipelines.ingest import inbox as inboxes
from pipelines.ingest.feeds import Content, Feed, Parsed
from pipelines.ingest.file_loader import load_file, load_files
from pipelines.ingest.inbox import Inbox
from pipelines.ingest.runner import Runner
from pipelines.ingest.statements import translate_parse_errors
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.ingest.levels import Owner

NAMES = ("plain.csv", "with space.CSV", "Größe.csv", "new\nline.csv", "-rf.csv", "a'b\"c;.csv")


class Box:
    """The folder of an inbox, and the database into which its files are loaded."""

    def __init__(self, warehouse: Warehouse, owner: psycopg.Connection, folder: Path) -> None:
        self.warehouse, self.owner, self.folder = warehouse, owner, folder
        self.inbox = Inbox("trains", folder, "TRAINS_INBOX", "utf-8", cut_seconds=0)
        feed = Feed(name="trains", parse=lambda content, _: self.parse(content))
        self.runner = Runner(Owner("trains"), feed, warehouse, None)
        self.parse: Any = parse

    def look(self) -> tuple[list[str], list[str]]:
        """Load what is ready; return the names loaded, and the problems of those rejected."""
        files, _ = self.inbox.ready(self.warehouse, wait_seconds=5)
        outcomes, failures = load_files(self.runner, self.inbox, files)
        query = "SELECT delivery_id, name FROM ops.deliveries"
        ledger = {number: str(name) for number, name in self.owner.execute(query)}
        names = [ledger[outcome.delivery_id] for outcome in outcomes]
        return names, [one.problem for one in failures]


@pytest.fixture
def box(warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path) -> Box:
    (tmp_path / "inbox").mkdir()
    return Box(warehouse, owner, tmp_path / "inbox")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.0)


def parse(content: Content) -> list[Parsed]:
    """Read nothing of a file; one that contains `bad` is rejected."""
    if content.file and content.file.read() == b"bad":
        raise PermanentFailure("trains", "it is bad", place="", remedy="Mend it.")
    return []


def test_any_file_name_is_loaded_exactly_once(box: Box) -> None:
    for number, name in enumerate(NAMES):
        (box.folder / name).write_text(str(number))
    (box.folder / "notes.txt").write_text("not mine")
    (box.folder / ".hidden.csv").write_text("still on its way")
    (box.folder / "folder.csv").mkdir()
    (box.folder / os.fsdecode(b"y-\xff.csv")).write_text("7")
    (box.folder / "y-\\xff.csv").write_text("8")
    assert sorted(box.look()[0]) == sorted([*NAMES, "bytes/y-\\xff.csv", "y-\\xff.csv"])
    assert box.look() == ([], [])


def test_files_of_one_time_come_in_the_order_of_the_numbers_in_their_names(box: Box) -> None:
    names = ["s_9.csv", "s_09b.csv", "s_10.csv", "s_100.csv", "t1.csv", "t9.csv"]
    for number, name in enumerate(reversed([*names, "older_99.csv"])):
        (box.folder / name).write_text(str(number))
        os.utime(box.folder / name, (1e9, 1e9 - (name == "older_99.csv")))
    assert box.look()[0] == ["older_99.csv", *names]


def test_a_changed_file_is_redelivered_unlike_a_touched_one(box: Box) -> None:
    (box.folder / "a.csv").write_text("one")
    assert box.look()[0] == ["a.csv"]
    (box.folder / "a.csv").write_text("two")
    assert box.look()[0] == ["a.csv"]
    os.utime(box.folder / "a.csv")
    assert box.look()[0] == []
    (box.folder / "a.csv").write_text("one")
    assert box.look()[0] == ["a.csv"]
    assert box.owner.execute("SELECT count(*) FROM ops.deliveries").fetchone() == (3,)


def test_a_file_that_has_just_changed_waits(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 60)
    (box.folder / "slow.csv").write_text("half")
    files, growing = box.inbox.ready(box.warehouse)
    assert (files, [file.name for file in growing]) == ([], ["slow.csv"])


@pytest.mark.parametrize("text", ["one", "bad"])
def test_a_file_that_changes_while_read_is_deferred(box: Box, text: str) -> None:
    file = box.folder / "a.csv"
    file.write_text(text)

    def parse_slowly(content: Content) -> list[Parsed]:
        try:
            return parse(content)
        finally:
            file.write_text(f"{text} and more")

    (seen,), _ = box.inbox.ready(box.warehouse, wait_seconds=5)
    box.parse = parse_slowly
    with pytest.raises(NotReady, match="changed while it was being read"):
        load_file(box.runner, seen, box.inbox)
    assert box.owner.execute("SELECT count(*) FROM ops.deliveries").fetchone() == (0,)
    box.parse = parse
    assert box.look()[0] == ["a.csv"]


def test_links_and_pipes_are_passed_over_and_named(box: Box) -> None:
    (box.folder.parent / "secret").write_text("root:x:0:0")
    (box.folder / "out.csv").symlink_to(box.folder.parent / "secret")
    (box.folder / "dead.csv").symlink_to("nowhere")
    os.mkfifo(box.folder / "pipe.csv")
    (box.folder / "real.csv").write_text("here")
    assert box.look() == (["real.csv"], [])
    assert box.inbox.passed_over() == ["dead.csv", "out.csv", "pipe.csv"]


def test_a_rejected_file_is_reported_once_without_blocking_others(box: Box) -> None:
    for name, content in (("a.csv", "good"), ("b.csv", "bad"), ("c.csv", "good too")):
        (box.folder / name).write_text(content)
    assert box.look() == (["a.csv", "c.csv"], ["it is bad"])
    assert box.look() == ([], [])
    assert (box.folder / "b.csv").exists()
    query = "SELECT name, problem FROM ops.deliveries WHERE problem IS NOT NULL"
    assert box.owner.execute(query).fetchall() == [("b.csv", "it is bad")]
    query = "SELECT name FROM ops.inbox_files WHERE sha256 IS NULL"
    assert box.owner.execute(query).fetchall() == [("b.csv",)]
    (box.folder / "b.csv").write_text("mended")
    assert box.look() == (["b.csv"], [])
    assert box.owner.execute(query).fetchall() == []


def test_a_file_that_disappears_before_loading_is_no_failure_but_in_the_log(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    (box.folder / "a.csv").write_text("one")
    files, _ = box.inbox.ready(box.warehouse, wait_seconds=5)
    (box.folder / "a.csv").unlink()
    assert load_files(box.runner, box.inbox, files) == ([], [])
    assert "the file is gone" in caplog.text


def test_a_file_without_a_final_line_break_waits_until_it_stays_the_same(box: Box) -> None:
    """Incident: a file that ended within its last value was loaded, with a value nobody sent."""
    patient = replace(box.inbox, cut_seconds=60)
    (box.folder / "whole.csv").write_text("a\n1\n")
    (box.folder / "cut.csv").write_text("a\n1")
    (box.folder / "begun.CSV").write_text("")
    began = time.monotonic()
    files, deferred = patient.ready(box.warehouse, wait_seconds=5)
    assert [file.name for file in files] == ["whole.csv"]
    assert sorted(file.name for file in deferred) == ["begun.CSV", "cut.csv"]
    assert time.monotonic() - began < 4  # it does not wait for what takes longer anyway
    (cut,) = (file for file in deferred if file.name == "cut.csv")
    assert 50 < patient.settles_in(cut) <= 60
    assert patient.settles_in(replace(cut, changed_ns=time.time_ns() - 61 * 10**9)) == 0
    assert replace(box.inbox, cut_seconds=0).settles_in(cut) == 0


@pytest.mark.parametrize("error", [RuntimeError, AssertionError, gzip.BadGzipFile])
def test_whatever_a_parser_raises_rejects_its_delivery(error: type[Exception]) -> None:
    """Incident: a parser that raised another error stopped all other files of its box.inbox."""
    with (
        pytest.raises(PermanentFailure, match=f"could not be read: {error.__name__}: no page 3"),
        translate_parse_errors("trains", __package__, "trains.xls"),
    ):
        raise error("no page 3")
