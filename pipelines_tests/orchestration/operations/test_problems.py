"""Problems of a real instance: what counts, since when, and their messages."""

import datetime as dt
import time
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterCodeLocationNotFoundError, DagsterUserCodeUnreachableError
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, MAX_RETRIES_TAG
from dagster._daemon.types import DaemonHeartbeat
from sqlalchemy import Engine, event, text

from pipelines.orchestration.operations.problems import of_daemon
from pipelines.warehouse.last_look import Problem
from pipelines_tests.orchestration.operations.made_up import (
    FILES,
    LEGS,
    OURS,
    POSSIBLE,
    PRICES,
    World,
)


def only(world: World) -> Problem:
    (problem,) = world.problems()
    return problem


def ended_at(world: World, run_id: str) -> dt.datetime:
    record = world.instance.get_run_record_by_id(run_id)
    assert record is not None
    return dt.datetime.fromtimestamp(record.end_time or 0.0, dt.UTC)


def test_a_failed_run_reports_our_message(world: World) -> None:
    world.run("flights")
    world.run("flights", OURS)
    last = world.execute("flights", OURS)
    assert only(world) == Problem(
        key="run:flights",
        severity="error",
        what="flights: it answered 404\n  where: https://flights.example",
        where="job flights",
        since=ended_at(world, last),
        path=f"/runs/{last}",
        remedy="Mend FLIGHTS_URL.",
    )
    world.run("flights")
    assert world.problems() == []


def test_a_killed_run_without_a_retry_is_reported(world: World) -> None:
    lost = world.lose_a_run("audit", **{MAX_RETRIES_TAG: "0"})
    assert "process of this run was killed" in only(world).what
    assert only(world).since == ended_at(world, lost)


def test_a_killed_run_whose_retry_never_comes_is_reported(world: World) -> None:
    of_job, of_assets = world.lose_a_run("audit"), world.lose_a_run("__ASSET_JOB", LEGS)
    world.age_runs(240)
    assert world.keys() == []
    world.age_runs(360)
    assert {one.key: one.path for one in world.problems()} == {
        "run:audit": f"/runs/{of_job}",
        "materialisation:flights.legs": f"/runs/{of_assets}",
    }
    for lost in (of_job, of_assets):
        world.instance.add_run_tags(lost, {AUTO_RETRY_RUN_ID_TAG: "1234"})
    assert world.keys() == []


def test_a_job_or_check_that_is_gone_is_no_problem(world: World) -> None:
    world.run("audit", OURS)
    world.check(passed=False)
    world.stop("inbox")
    assert len(world.problems()) == 3
    world.repository = dg.Definitions().get_repository_def()
    assert world.problems() == []


def test_what_the_tables_know_is_not_taken_from_checks(world: World) -> None:
    """Incident: the banner counted eight rejects above a table with seven."""
    world.check(passed=False, key=FILES)
    assert world.keys() == []


def test_other_runs_hide_no_failure_and_years_of_them_are_not_read(world: World) -> None:
    world.run("audit", OURS)
    world.run("flights")
    world.tick("inbox", OURS, at=time.time())
    audit = world.definitions.resolve_job_def("audit")
    canceled = world.instance.create_run_for_job(audit)
    world.instance.report_run_canceled(canceled)
    world.instance.create_run_for_job(audit)  # under way
    with world.instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(text("UPDATE runs SET id = id + 100000"))
        connection.execute(text(OLDER_AND_NEWER_RUNS), {"canceled": canceled.run_id})
        connection.execute(text(OLDER_TICKS), {"now": time.time()})
    counts: list[int] = []

    def note(*execution: Any) -> None:
        _, cursor, statement, *_ = execution
        if "pg_catalog" not in statement:  # Dagster sees whether its tables are there
            counts.append(cursor.rowcount)

    event.listen(Engine, "after_cursor_execute", note)
    try:
        assert world.keys() == ["run:audit", "sensor:inbox"]
    finally:
        event.remove(Engine, "after_cursor_execute", note)
    assert sum(counts) < 500


OLDER_AND_NEWER_RUNS = """
INSERT INTO runs (id, run_id, pipeline_name, status, run_body, end_time)
SELECT CASE run_id WHEN :canceled THEN 200000 + n ELSE 30000 - n END, run_id || ' ' || n,
    pipeline_name, status, replace(run_body, run_id, run_id || ' ' || n), end_time - n * 60
FROM runs CROSS JOIN generate_series(1, 3000) AS n WHERE status IN ('FAILURE', 'CANCELED')
"""
OLDER_TICKS = """
INSERT INTO job_ticks (job_origin_id, selector_id, type, status, timestamp, tick_body)
SELECT job_origin_id, selector_id, type, status, timestamp - n * interval '30 seconds',
    regexp_replace(tick_body, '("timestamp": )[0-9.]+', '\\1' || (:now - n * 30)::text)
FROM job_ticks CROSS JOIN generate_series(1, 3000) AS n
"""


def test_failed_assets_are_a_problem_until_each_is_in_another_run(world: World) -> None:
    world.materialise(LEGS, PRICES, error=OURS)
    last = world.execute("__ASSET_JOB", OURS, asset_selection=[LEGS, PRICES])
    problem = only(world)
    assert problem.key == "materialisation:flights.legs, flights.prices"
    assert problem.where == "materialisation of flights.legs, flights.prices"
    assert (problem.since, problem.path) == (ended_at(world, last), f"/runs/{last}")
    world.materialise(PRICES)
    assert only(world) == problem
    world.materialise(LEGS)
    assert world.problems() == []


def test_a_failed_check_reports_its_severity_and_expectation(world: World) -> None:
    world.check(passed=True)
    rows = [{"leg_id": f"leg_{number}", "note": "x" * 300} for number in range(2)]
    for said, severity in (("WARN", "warning"), ("ERROR", "error")):
        before = dt.datetime.now(dt.UTC)
        world.check(passed=False, severity=said, rows=rows)
        problem = only(world)
        assert before <= problem.since <= dt.datetime.now(dt.UTC)
        assert (problem.key, problem.severity) == ("check:flights.legs:possible_times", severity)
        assert problem.what == "Found 12; expected: They are possible."
        assert problem.where == "check possible_times of flights.legs"
        assert problem.path == "/assets/flights/legs?view=checks&checkDetail=possible_times"
        shown = [(one["leg_id"], len(one["note"])) for one in problem.rows]
        assert shown == [("leg_0", 200), ("leg_1", 200)]
        world.check(passed=True)
        assert world.problems() == []


def test_a_check_under_evaluation_keeps_its_result(world: World) -> None:
    world.check(passed=False)
    world.instance.create_run_for_job(world.definitions.resolve_job_def("flights"))
    latest = world.instance.event_log_storage.get_latest_asset_check_execution_by_key([POSSIBLE])
    assert latest[POSSIBLE].status.value == "PLANNED"
    assert world.keys() == ["check:flights.legs:possible_times"]


def test_a_failing_tick_is_reported_until_one_succeeds(world: World) -> None:
    now = time.time()
    for name, kind in (("inbox", "sensor"), ("daily", "schedule")):
        world.tick(name, at=now - 90, kind=kind.upper())
        world.tick(name, OURS, at=now - 60, kind=kind.upper())
        problem = only(world)
        assert (problem.key, problem.where) == (f"{kind}:{name}", f"{kind} {name}")
        assert problem.what.endswith("flights: it answered 404\n  where: https://flights.example")
        assert problem.remedy == "Mend FLIGHTS_URL."
        assert problem.since == dt.datetime.fromtimestamp(now - 60, dt.UTC)
        assert problem.path == f"/locations/pipelines/{kind}s/{name}"
        world.tick(name, at=now, kind=kind.upper())
        assert world.problems() == []


def test_ticks_that_a_restart_fails_are_no_problem(world: World) -> None:
    now = time.time()
    away = DagsterUserCodeUnreachableError("Unable to reach the user code server")
    world.tick("inbox", away, at=now - 10)
    assert world.problems() == []
    world.tick("api", away, at=now - 300)
    world.tick("api", away, at=now - 10)
    assert world.keys() == ["sensor:api"]
    gone = DagsterCodeLocationNotFoundError("Location pipelines does not exist in workspace")
    world.tick("a", gone, at=now - 3600)  # it was waiting when the daemon stopped
    assert world.keys() == ["sensor:api"]


def test_stopped_automation_is_reported_unless_off_by_default(world: World) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    world.tick("inbox", OURS, at=time.time())
    world.stop("inbox")
    world.stop("off")
    problem = only(world)
    assert (problem.key, problem.severity) == ("stopped:inbox", "warning")
    assert before <= problem.since <= dt.datetime.now(dt.UTC)
    assert "Switch it on" in problem.remedy
    world.resume("inbox")
    world.tick("inbox", at=time.time())
    assert world.problems() == []


def test_the_daemon_is_judged_by_its_signs_of_life(world: World) -> None:
    instance, names = world.instance, sorted(world.instance.get_required_daemon_types())

    def found(*ages: float) -> list[str]:
        for name, age in zip(names, ages, strict=False):
            instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - age, name, "x", []))
        found = of_daemon(instance, dt.datetime.now(dt.UTC))
        return [f"{one.severity}: {one.what}" for one in found]

    assert found() == ["warning: No daemon has run yet: schedules and sensors start no runs"]
    assert found(200.0, 20.0) == [], "a part of it is busy"
    (said,) = found(*[100.0] * len(names))
    assert "error: The daemon is dead or stands still: no sign of life since" in said


def test_foreign_text_can_neither_leak_secrets_nor_colour_a_terminal(world: World) -> None:
    bad = f"postgresql://me:hunter2@db/x?password=hunter2 \x1b[31mred\x1b[0m {'x' * 5000}"
    world.execute("audit", ValueError(bad), tags={"dagster/partition": "\x1b[31m7"})
    problem = only(world)
    assert "hunter2" not in problem.what
    assert "\x1b" not in problem.what + problem.where
    assert "red" in problem.what, "the innermost cause"
    assert len(problem.what) <= 600
    assert "run it again" in problem.remedy
