"""Runs whose process was killed fail, free their slots and are retried; others go on."""

import json
import re
import socket
import sys
from collections.abc import Iterator
from itertools import product
from subprocess import Popen
from typing import Any

import dagster as dg
import psutil
import pytest
from dagster._core.events import EngineEventData
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from pipelines.orchestration import orphaned_runs, run_state
from pipelines.orchestration.operations import housekeeping
from pipelines_tests.orchestration.operations.made_up import until

Status = dg.DagsterRunStatus
BEGUN = (Status.STARTING, Status.STARTED)
HERE = "127.0.0.1"
ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("pipelines"), "__repository__"), "idling"
)


@dg.op
def idle() -> None: ...


@dg.job
def idling() -> None:
    idle()


@pytest.fixture
def sleeper() -> Iterator[Popen[bytes]]:
    """A process that lives until the test kills it."""
    process = Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def made(
    instance: dg.DagsterInstance, tags: dict[str, str], status: Status, **more: Any
) -> dg.DagsterRun:
    return instance.create_run_for_job(
        idling, tags=tags, status=status, remote_job_origin=ORIGIN, **more
    )


def begun(
    instance: dg.DagsterInstance, pid: int, *, host: str = HERE, status: Status = Status.STARTED
) -> dg.DagsterRun:
    """A run of the daemon with a worker, as Dagster leaves it."""
    tags = {".dagster/grpc_info": json.dumps({"host": host, "port": 4000})}
    run = made(instance, tags, status)
    instance.report_engine_event("Launched as an automatic retry", run)
    instance.report_engine_event("Started process", run, EngineEventData.in_process(pid))
    return run


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Status:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def look(instance: dg.DagsterInstance) -> str:
    said = housekeeping.orphaned_runs(dg.build_sensor_context(instance=instance))
    assert isinstance(said, dg.SkipReason)
    return said.skip_message or ""


def test_a_killed_workers_run_fails_and_frees_its_slot(
    instance: dg.DagsterInstance, sleeper: Popen[bytes]
) -> None:
    slots = instance.event_log_storage
    slots.set_concurrency_slots("a source", 6)
    cases = list(product((HERE, "localhost", socket.gethostname()), BEGUN))
    runs = [begun(instance, sleeper.pid, host=host, status=status) for host, status in cases]
    for run in runs:
        assert slots.claim_concurrency_slot("a source", run.run_id, "idle").is_claimed
    assert look(instance) == "None was killed."
    assert [status_of(instance, run) for run in runs] == [status for _, status in cases]
    sleeper.kill()  # it stays a zombie, as in a container
    until(lambda: psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE)
    said = look(instance)
    assert said.count("idling ") == len(runs)
    for run in runs:
        assert f"idling {run.run_id[:8]}" in said
        found = instance.get_run_by_id(run.run_id)
        assert found
        assert (found.status, found.tags["dagster/will_retry"]) == (Status.FAILURE, "true")
    assert slots.get_concurrency_info("a source").claimed_slots == []
    assert look(instance) == "None was killed."


def test_a_process_that_reuses_the_pid_is_not_the_worker(
    instance: dg.DagsterInstance, sleeper: Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(instance, sleeper.pid)
    monkeypatch.setattr(orphaned_runs, "CLOCK_SECONDS", -3600)  # as if it were younger
    assert run.run_id[:8] in look(instance)


def test_workers_of_other_machines_and_unstarted_runs_are_ignored(
    instance: dg.DagsterInstance, sleeper: Popen[bytes]
) -> None:
    sleeper.kill()
    sleeper.wait()
    runs = [
        begun(instance, sleeper.pid, host="code-server"),
        begun(instance, sleeper.pid, status=Status.QUEUED),  # tags of the run before
        begun(instance, sleeper.pid, status=Status.CANCELING),  # Dagster ends it
        made(instance, {}, Status.STARTED),
        made(instance, {".dagster/grpc_info": json.dumps({"host": HERE})}, Status.STARTED),
    ]
    # Its process is none of here, though that of the attempt before was, and left its tags.
    runs.append(begun(instance, sleeper.pid))
    instance.add_run_tags(runs[-1].run_id, {DAGSTER_CELERY_TASK_ID_TAG: "a task"})
    before = [status_of(instance, run) for run in runs]
    assert look(instance) == "None was killed."
    assert [status_of(instance, run) for run in runs] == before


def test_a_run_that_succeeds_during_the_probe_is_not_failed(
    instance: dg.DagsterInstance, sleeper: Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(instance, sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    judge = orphaned_runs._worker_was_killed

    def then_it_ends(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
        found = judge(instance, run)
        done = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_SUCCESS.value, run.job_name)
        instance.report_dagster_event(done, run.run_id)
        return found

    monkeypatch.setattr(orphaned_runs, "_worker_was_killed", then_it_ends)
    assert orphaned_runs.fail_orphaned_runs(instance) == []
    assert status_of(instance, run) == Status.SUCCESS


def test_a_repeated_run_is_not_mistaken_for_its_predecessor(instance: dg.DagsterInstance) -> None:
    """Attempts have the tags of the run before them."""
    tags = {orphaned_runs.TAG: f"1 since 1 on {socket.gethostname()}"}
    killed = made(instance, tags, Status.STARTED)
    ids = {"parent_run_id": killed.run_id, "root_run_id": killed.run_id}
    again = made(instance, tags, Status.QUEUED, **ids)
    orphaned_runs.fail_orphaned_runs(instance, has_workers=False)
    assert status_of(instance, killed) == Status.FAILURE
    assert status_of(instance, again) == Status.QUEUED
    assert run_state.has_unfinished_run(instance, "idling")


def test_a_killed_command_of_dagster_is_noticed_on_the_machine_of_the_database(
    instance: dg.DagsterInstance, sleeper: Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dg launch` and the like execute a run in their own process."""
    run = made(instance, {}, Status.STARTED)
    instance.report_engine_event("Executing", run, EngineEventData.in_process(sleeper.pid))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert look(instance) == "None was killed."
    sleeper.kill()
    sleeper.wait()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DATABASE_URL", "postgresql://db.example.org/isobar")
        assert look(instance) == "None was killed."
    assert run.run_id[:8] in look(instance)
    assert status_of(instance, run) == Status.FAILURE


def test_the_tag_of_a_run_names_its_living_process(instance: dg.DagsterInstance) -> None:
    tag = orphaned_runs.tag_of_process()
    assert re.fullmatch(r"\d+ since \d+ on \S+", tag)
    alive = made(instance, {orphaned_runs.TAG: tag}, Status.STARTED)
    by_hand = {orphaned_runs.TAG: "yes, by me"}
    unknown = made(instance, by_hand, Status.STARTED)
    orphaned_runs.fail_orphaned_runs(instance, has_workers=False)
    assert [status_of(instance, run) for run in (alive, unknown)] == [Status.STARTED] * 2
