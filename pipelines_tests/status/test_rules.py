"""The rules by which `isobar status` says that something is bad."""

import datetime as dt
import json
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from pipelines.migrations.apply import Condition
from pipelines.orchestration.format_duration import span_in_words
from pipelines.status.collect import Status, worst_first
from pipelines.status.json_report import source_facts
from pipelines.status.rules import (
    GIB,
    Database,
    Disk,
    ProcessFact,
    of_database,
    of_disks,
    of_processes,
    status_of,
)
from pipelines.status.text_report import page
from pipelines.status.web_ui import noted_processes
from pipelines.warehouse.last_look import Look, Problem

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)


def ago(seconds: float) -> dt.datetime:
    return NOW - dt.timedelta(seconds=seconds)


def process(
    name: str, state: Literal["alive", "stopped", "dead"] = "alive", age_seconds: float = 3600
) -> ProcessFact:
    return ProcessFact(name, 7, state, ago(age_seconds) if state != "dead" else None)


def verdicts(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(one.severity, one.key) for one in problems]


def test_warnings_alone_are_not_bad() -> None:
    warning = Problem("check:a.b:c", "warning", "", "", NOW, "", "")
    error = Problem("run:a", "error", "", "", NOW, "", "")
    assert status_of([]) == "ok"
    assert status_of([warning]) == "warning"
    assert status_of([warning, error]) == "bad"


def test_a_power_cut_gives_two_lines_not_one_per_process() -> None:
    names = ("isobar ui", "code server", "web server", "daemon")
    problems = of_processes([process(name, "dead") for name in names], NOW)
    assert verdicts(problems) == [("error", "status:processes"), ("error", "status:daemon:process")]
    assert all("isobar ui again" in one.remedy for one in problems)


def test_only_a_living_isobar_ui_promises_restarts() -> None:
    others = [process("web server", "dead"), process("daemon")]
    watched = of_processes([process("isobar ui"), *others], NOW)
    assert "starts it again" in watched[-1].remedy
    left = of_processes([process("isobar ui", "dead"), *others], NOW)
    assert "Start isobar ui again" in left[-1].remedy


@pytest.mark.parametrize(
    ("schema", "verdict"),
    [
        ("current", "ok"),
        ("missing", "bad"),
        ("behind", "bad"),
        ("foreign", "bad"),
        ("other views", "warning"),
    ],
)
def test_what_of_the_schema_is_bad(schema: Condition, verdict: str) -> None:
    found = Database("database", is_reachable=True, schema=schema)
    assert status_of(of_database(found, NOW)) == verdict


def test_little_space_is_a_warning_and_hardly_any_is_bad() -> None:
    for free, verdict in ((6, "ok"), (4, "warning"), (0.5, "bad")):
        disk = Disk("database", "/data", int(free * GIB), 100 * GIB)
        assert status_of(of_disks([disk], NOW)) == verdict


def test_a_source_that_is_off_promises_nothing_and_one_unknown_is_not_on_time() -> None:
    late = {
        "name": "solar",
        "last_success_at": ago(9000),
        "is_overdue": True,
        "promised_seconds": 7200.0,
        "last_delivery_at": None,
        "in_quarantine": 0,
    }
    seen = Status(NOW, sources=[late, late | {"name": "shipments"}], sources_off={"shipments"})
    solar = source_facts(seen, "solar")
    assert (solar["is_overdue"], solar["age_seconds"], solar["is_on"]) == (True, 9000, True)
    assert source_facts(seen, "shipments")["is_overdue"] is None
    assert source_facts(seen, "flights")["is_overdue"] is None
    text = page(replace(seen, look=Look(NOW)))
    assert "overdue" in text


def test_durations_are_formatted_briefly() -> None:
    spans = [span_in_words(seconds) for seconds in (12, 300, 9000, 400_000)]
    assert spans == ["12 s", "5 min", "2 h", "5 days"]


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
    assert [one.state for one in noted_processes(tmp_path)[1]] == ["dead"]


def test_each_remedy_is_printed_under_its_check() -> None:
    remedy = "Look at the rows, " * 12 + "then mend the file."
    warnings = [
        Problem(f"check:{name}", "warning", "w" * 300, name, NOW, "", f"{name}: {remedy}")
        for name in ("first", "second")
    ]
    text = page(Status(NOW, warnings, is_inspected=False))
    assert re.sub(r"\s+", " ", text).count(remedy) == 2
    assert text.index("second: w") > text.index("first: Look")


def test_links_lead_to_the_address_that_people_use(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Problem("run:solar", "error", "", "job solar", NOW, "/runs/1", "See the run:")
    seen = Status(NOW, [failed], is_inspected=False, url="http://127.0.0.1:3000")
    assert "See the run: http://127.0.0.1:3000/runs/1" in page(seen)
    monkeypatch.setenv("ISOBAR_UI_URL", "https://isobar.example.org/")
    assert "See the run: https://isobar.example.org/runs/1" in page(seen)


def test_the_newest_warning_is_the_first_after_the_errors() -> None:
    """Of many warnings, the report shows only the first."""

    def problem(key: str, severity: Literal["error", "warning"], hour: int) -> Problem:
        return Problem(
            key, severity, "", "", dt.datetime(2026, 11, 20, hour, tzinfo=dt.UTC), "", ""
        )

    found = [problem("old", "warning", 1), problem("new", "warning", 3), problem("bad", "error", 2)]
    assert [one.key for one in sorted(found, key=worst_first)] == ["bad", "new", "old"]
