"""`isobar run` follows a run of Dagster, and knows who stopped it."""

import os
import signal
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator
from rich.console import Console

from pipelines.runtime import run_command


@dg.op
def last() -> None:
    """Succeed."""


@dg.op
def broken() -> None:
    raise ValueError("no bread")


@dg.job(executor_def=dg.in_process_executor)
def sound() -> None:
    last()


@dg.job(executor_def=dg.in_process_executor)
def unsound() -> None:
    broken()
    last()


@pytest.mark.parametrize(
    ("job", "failures"),
    [(sound, ["sound: stopped by a signal"]), (unsound, ["broken: ValueError: no bread"])],
)
def test_ctrl_c_after_the_last_step_stops_the_run_and_hides_no_failure(
    job: dg.JobDefinition, failures: list[str]
) -> None:
    def stopped(events: Iterator[dg.DagsterEvent]) -> Iterator[dg.DagsterEvent]:
        for event in events:
            yield event
            if event.is_step_success and event.step_key == "last":
                os.kill(os.getpid(), signal.SIGINT)

    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(job)
        report = run_command.JobReport(job.name, run.run_id)
        events = stopped(execute_run_iterator(InMemoryJob(job), run, instance))
        run_command._follow(events, report, Console(quiet=True))
    assert report.is_stopped
    assert [one.split(";")[0].split("\n")[0] for one in report.failures] == failures
