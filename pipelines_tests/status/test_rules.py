"""The rules by which `isobar status` says that something is bad, and its report."""

import datetime as dt
import json
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from pipelines.status.collect import (
    GIB,
    ProcessFact,
    noted_processes,
    of_disks,
    of_processes,
    of_schema,
    status_of,
    worst_first,
)
from pipelines.status.text_report import page
from pipelines.warehouse.last_look import Problem

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)


def process(name: str, *, is_alive: bool = True) -> ProcessFact:
    return ProcessFact(name, 7, is_alive, NOW)


def report(problems: Sequence[Problem], **more: Any) -> str:
    return page({"status": status_of(problems), "checked_at": NOW, "problems": problems, **more})


def test_warnings_alone_are_not_bad() -> None:
    warning = Problem("check:a.b:c", "warning", "", "", NOW, "", "")
    error = Problem("run:a", "error", "", "", NOW, "", "")
    assert status_of([]) == "ok"
    assert status_of([warning]) == "warning"
    assert status_of([warning, error]) == "bad"


def test_processes_that_ended_are_one_line_and_the_daemon_another() -> None:
    names = ("isobar ui", "code server", "web server", "daemon")
    first, second = of_processes([process(name, is_alive=False) for name in names], NOW)
    assert first.what.endswith("have ended: isobar ui, code server, web server, daemon")
    assert "Start isobar ui again" in first.remedy
    assert (second.key, second.what) == ("status:daemon", "The daemon has ended")
    (watched,) = of_processes([process("isobar ui"), process("web server", is_alive=False)], NOW)
    assert "starts it again" in watched.remedy


@pytest.mark.parametrize(
    ("schema", "verdict"), [("current", "ok"), ("foreign", "bad"), ("other views", "warning")]
)
def test_what_of_the_schema_is_bad(schema: str, verdict: str) -> None:
    assert status_of(of_schema("database", {"schema": schema, "place": ""}, NOW)) == verdict


def test_little_space_is_a_warning_and_hardly_any_is_bad() -> None:
    for free, verdict in ((6, "ok"), (4, "warning"), (0.5, "bad")):
        disk = {"what": "database", "path": "/data", "free_bytes": free * GIB}
        assert status_of(of_disks([disk], NOW)) == verdict


@pytest.mark.parametrize(
    "record", ['{"url": "http://127.0.0.1:1", "children": ["7 since 1"]}', '{"url": "http', "[]"]
)
def test_an_outdated_or_truncated_state_file_is_no_error(tmp_path: Path, record: str) -> None:
    (tmp_path / "ui.json").write_text(record)
    assert noted_processes(tmp_path) == (None, [])


def test_processes_of_another_machine_are_not_called_dead(tmp_path: Path) -> None:
    record = {
        "url": "http://127.0.0.1:1",
        "host": "elsewhere",
        "processes": {"daemon": "7 since 1"},
    }
    (tmp_path / "ui.json").write_text(json.dumps(record))
    assert noted_processes(tmp_path) == (None, [])
    (tmp_path / "ui.json").write_text(json.dumps(record | {"host": socket.gethostname()}))
    assert [one.is_alive for one in noted_processes(tmp_path)[1]] == [False]


def test_each_remedy_is_printed_under_its_check() -> None:
    remedy = "Look at the rows, " * 12 + "then mend the file."
    warnings = [
        Problem(f"check:{name}", "warning", "w" * 300, name, NOW, "", f"{name}: {remedy}")
        for name in ("first", "second")
    ]
    text = report(warnings)
    assert re.sub(r"\s+", " ", text).count(remedy) == 2
    assert text.index("second: w") > text.index("first: Look")


def test_links_lead_to_the_address_that_people_use(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Problem("run:solar", "error", "", "job solar", NOW, "/runs/1", "See the run:")
    ui = {"url": "http://127.0.0.1:3000"}
    assert "See the run: http://127.0.0.1:3000/runs/1" in report([failed], processes=ui)
    monkeypatch.setenv("ISOBAR_UI_URL", "https://isobar.example.org/")
    assert "See the run: https://isobar.example.org/runs/1" in report([failed], processes=ui)


def test_the_newest_warning_is_the_first_after_the_errors() -> None:
    """Of many warnings, the report shows only the first."""

    def problem(key: str, severity: Literal["error", "warning"], hour: int) -> Problem:
        return Problem(
            key, severity, "", "", dt.datetime(2026, 11, 20, hour, tzinfo=dt.UTC), "", ""
        )

    found = [problem("old", "warning", 1), problem("new", "warning", 3), problem("bad", "error", 2)]
    assert [one.key for one in sorted(found, key=worst_first)] == ["bad", "new", "old"]
