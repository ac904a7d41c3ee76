"""The rules by which `isobar status` says that something is bad."""

import datetime as dt
import json
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import pytest

from pipelines.migrations.apply import Condition
from pipelines.orchestration.format_duration import span_in_words
from pipelines.orchestration.operations.problems import Problem
from pipelines.source import sources
from pipelines.status.collect import Status
from pipelines.status.json_report import source_facts
from pipelines.status.probes.dagster import DagsterFacts
from pipelines.status.probes.web_ui import noted_processes
from pipelines.status.rules import (
    GIB,
    Code,
    Database,
    Disk,
    Heartbeat,
    ProcessFact,
    Runs,
    of_code,
    of_daemon,
    of_database,
    of_disks,
    of_processes,
    of_runs,
    status_of,
    trouble,
)
from pipelines.status.text_report import page

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


def test_a_daemon_is_dead_after_75_seconds_not_30_minutes() -> None:
    beating = [Heartbeat("SENSOR", ago(74)), Heartbeat("SCHEDULER", ago(74))]
    assert of_daemon(beating, [], NOW) == []
    silent = [Heartbeat("SENSOR", ago(76)), Heartbeat("SCHEDULER", ago(90))]
    (problem,) = of_daemon(silent, [], NOW)
    assert (problem.severity, problem.since) == ("error", ago(76))
    assert "no sign of life for 76 s" in problem.what


def test_a_silent_thread_of_a_stopped_daemon_is_mended_by_a_start() -> None:
    beats = [Heartbeat("SENSOR", ago(74)), Heartbeat("SCHEDULER", ago(90))]
    (stopped,) = of_daemon(beats, [], NOW)
    assert "start isobar ui" in stopped.remedy
    (running,) = of_daemon(beats, [process("daemon", age_seconds=900)], NOW)
    assert "kill the daemon" in running.remedy


def test_a_daemon_that_just_began_is_given_time() -> None:
    old = [Heartbeat("SENSOR", ago(9000)), Heartbeat("SCHEDULER", None)]
    assert of_daemon(old, [process("daemon", age_seconds=20)], NOW) == []
    assert verdicts(of_daemon(old, [process("daemon", age_seconds=90)], NOW)) == [
        ("error", "status:daemon")
    ]


def test_one_daemon_thread_may_be_busy_but_not_for_ever() -> None:
    others = [Heartbeat("SCHEDULER", ago(5))]
    for age, verdict in ((70, []), (80, ["warning"]), (299, ["warning"]), (301, ["error"])):
        problems = of_daemon([*others, Heartbeat("SENSOR", ago(age))], [], NOW)
        assert [one.severity for one in problems] == verdict
    assert verdicts(of_daemon([*others, Heartbeat("SENSOR", None)], [], NOW)) == [
        ("warning", "status:daemon:SENSOR")
    ]
    (failing,) = of_daemon([Heartbeat("SENSOR", ago(5), ("it broke",))], [], NOW)
    assert (failing.severity, failing.what) == ("warning", "SENSOR of the daemon: it broke")


def test_a_dead_daemon_is_reported_once_despite_its_old_heartbeat() -> None:
    found = [process("isobar ui"), process("daemon", "dead")]
    assert verdicts(of_processes(found, NOW)) == [("error", "status:daemon:process")]
    assert of_daemon([Heartbeat("SENSOR", ago(9000))], found, NOW) == []


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


def test_what_others_have_built_is_a_warning_before_an_upgrade_and_while_it_prevents_one() -> None:
    views = tuple(f"view jane.v{number} of jane on enriched.hotels" for number in range(6))
    found = Database("database", is_reachable=True, schema="current", built_on=views)
    assert of_database(found, NOW) == []
    _, before = of_database(replace(found, schema="other views"), NOW)
    assert (before.severity, before.key) == ("warning", "status:database:built_on")
    assert "view jane.v0 of jane on enriched.hotels; " in before.what
    assert "and 1 more" in before.what
    innocent = "view jane.other of jane on solar.readings"
    left = replace(found, built_on=(innocent, *views[:1]), not_upgraded=("enriched.hotels",))
    (prevented,) = of_database(left, NOW)
    assert (prevented.severity, prevented.key) == ("warning", "status:database:not_upgraded")
    assert "enriched.hotels" in prevented.what
    assert prevented.remedy.startswith("Drop or change view jane.v0 of jane on enriched.hotels, ")
    seen = Status(NOW, warehouse=found)
    assert "built on it" in page(seen)
    assert "built on it" not in page(Status(NOW, warehouse=replace(found, built_on=())))


def test_a_run_waiting_or_lasting_too_long_is_a_warning() -> None:
    assert of_runs(Runs(3, 2, ago(800), ago(3500)), NOW) == []
    problems = of_runs(Runs(3, 2, ago(1000), ago(3700)), NOW)
    assert verdicts(problems) == [
        ("warning", "status:runs:queued"),
        ("warning", "status:runs:hangs"),
    ]
    assert all(one.path for one in problems)


def test_little_space_is_a_warning_and_hardly_any_is_bad() -> None:
    for free, verdict in ((6, "ok"), (4, "warning"), (0.5, "bad")):
        disk = Disk("database", "/data", int(free * GIB), 100 * GIB)
        assert status_of(of_disks([disk], NOW)) == verdict


def test_the_same_definition_error_is_reported_once() -> None:
    assert len(of_code(Code("http://ui", False, "E: broken at line 3", "E: broken"), NOW)) == 1
    assert len(of_code(Code("http://ui", True, None, "E: broken"), NOW)) == 1
    assert len(of_code(Code(None, False, "E: broken", "E: broken"), NOW)) == 1
    assert of_code(Code("http://ui", True, None, None), NOW) == []


def test_a_source_is_overdue_by_dagsters_verdict_or_unknown() -> None:
    late = Problem("freshness:solar.readings", "error", "", "", NOW, "", "")
    nobody_knows = trouble("problems", "", "", "", NOW)

    def is_overdue(name: str, *problems: Problem, own_error: str | None = None) -> bool | None:
        dagster = DagsterFacts(
            [], Runs(0, 0, None, None), dict.fromkeys(sources()), [], [*problems]
        )
        code = Code(own_error=own_error)
        seen = Status(NOW, code=code, dagster=dagster, sources_off={"shipments"})
        return cast(bool | None, source_facts(seen, name)["is_overdue"])

    assert is_overdue("solar", late) is True
    assert is_overdue("flights", late) is False
    assert is_overdue("shipments", late) is None
    assert is_overdue("solar", nobody_knows) is None
    assert is_overdue("solar", own_error="broken") is None
    assert source_facts(Status(NOW), "solar")["is_overdue"] is None


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
    """In docker compose the probe's own address is http://web:3000, which no browser opens."""
    failed = Problem("run:solar", "error", "", "job solar", NOW, "/runs/1", "See the run:")
    seen = Status(NOW, [failed], is_inspected=False, code=Code(web_server="http://web:3000"))
    assert "See the run: http://web:3000/runs/1" in page(seen)
    monkeypatch.setenv("ISOBAR_UI_URL", "https://isobar.example.org/")
    assert "See the run: https://isobar.example.org/runs/1" in page(seen)
