"""Whatever can turn red stands in the page of operations, with what to do then."""

import inspect
import re

from docs import reference
from pipelines.definitions import build_definitions
from pipelines.migrations import apply
from pipelines.orchestration.operations import housekeeping, problems
from pipelines.source import sources
from pipelines.status import collect, rules
from pipelines.status.probes import dagster, databases
from pipelines_tests.documents.pages import OPERATIONS, rows

ROWS, REFERENCE = rows(OPERATIONS), rows(reference.PAGE)


def names() -> set[str]:
    """Every check, schedule, sensor and job."""
    definitions = build_definitions()
    repository = definitions.get_repository_def()
    found = {key.name for key in repository.asset_graph.asset_check_keys}
    found |= {one.name for one in repository.schedule_defs}
    found |= {one.name for one in repository.sensor_defs}
    return found | {name for name in repository.job_names if not name.startswith("__")}


def test_the_reference_is_what_is_declared() -> None:
    """And with it whatever can turn red has a row with what to do."""
    assert reference.PAGE.read_text() == reference.page(build_definitions())
    for file, made in (
        (reference.EXAMPLE, reference.example),
        (reference.COMPOSE, reference.compose),
    ):
        assert file.read_text() == made(file.read_text()), file
    listed = {name for row in REFERENCE for name in re.findall(r"^`(\w+)`$", row[0])}
    assert names() - listed == set()


def test_every_check_has_a_runbook() -> None:
    checks = [row for row in REFERENCE if len(row) == 5]
    assert len(checks) > 25
    assert [row[0] for row in checks if len(row[-1].split()) < 3] == []
    assert [row[0] for row in checks if row[2] == "error"] == ["`counts_balance`"]


def test_the_page_names_no_removed_check_schedule_or_sensor() -> None:
    documented = [name for row in ROWS for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", row[0])]
    roles = {"isobar_owner", "isobar_loader", "isobar_analyst", "isobar_operator"}
    assert [name for name in documented if name not in names() | roles] == []


def test_every_kind_of_alert_has_a_row() -> None:
    documented = {
        row[0].split("`")[1].split()[0] for row in ROWS if len(row) == 5 and "`" in row[0]
    }
    source = inspect.getsource(problems)
    kinds = set(re.findall(r'f"(job|materialisation|check|asset) ', source))
    assert kinds == {"job", "materialisation", "check", "asset"}
    assert documented == kinds | {"sensor"}


def test_status_messages_are_quoted_literally() -> None:
    """And so is what it may say: each problem of `verdicts` has a row."""
    section = OPERATIONS.read_text().split("## Health check")[1].split("## Alerts")[0]
    quoted = [
        span
        for line in re.findall(r"^\| (`.*?) \|", section, re.M)
        for span in line.split("`")[1::2]
    ]
    modules = (rules, collect, dagster, databases, apply)
    words = re.sub(r'"\s*f?"', "", "".join(map(inspect.getsource, modules)))
    assert [one for one in quoted if len(one) < 9] == []
    assert [one for one in quoted if one not in words] == []
    begins = r'(?:what = |trouble\((?:"\w+"|key), )f?"([^"{]*)'
    said = re.findall(begins, inspect.getsource(rules))
    assert len(said) > 8
    unquoted = [
        one
        for one in said
        if len(one) > 6 and not any(q in one or one.strip() in q for q in quoted)
    ]
    assert unquoted == []


def test_housekeeping_uses_the_days_stated_on_the_page() -> None:
    documented = {row[0]: row[1] for row in ROWS if len(row) == 3}
    of_dagster, of_files, rejected, calls, documents = (
        documented[name]
        for name in (
            "events and executions of checks in Dagster's storage",
            "files of runs, logs of sensors",
            "rejected records",
            "calls of the weather's providers",
            "documents of flights",
        )
    )
    assert of_dagster == str(housekeeping.EVENT_DAYS)
    assert of_files == str(housekeeping.RUN_FILE_DAYS)
    assert rejected.startswith(f"{housekeeping.QUARANTINE_DAYS} after")
    kept = {one.name: one.days for source in sources().values() for one in source.retention}
    assert calls == str(kept["delete_weather_requests"])
    assert documents.startswith("never")
    assert kept["remove_flight_documents"] is None
