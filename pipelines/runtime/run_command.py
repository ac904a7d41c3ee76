"""`isobar run`: run jobs in this process, with their events, in the instance that the UI shows."""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

# `execute_in_process` returns its events only at the end.
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator  # the same

# Without a remote origin, the UI cannot re-execute a run:
# https://github.com/dagster-io/dagster/issues/19458
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.config import Settings
from pipelines.definitions import definitions
from pipelines.failures import Failure, PermanentFailure
from pipelines.isolation import broken_sources
from pipelines.orchestration.asset_metadata import is_external
from pipelines.orchestration.operations.look import look, tables_of
from pipelines.orchestration.orphaned_runs import TAG, fail_orphaned_runs, tag_of_process
from pipelines.orchestration.resources import utc_now
from pipelines.orchestration.run_failures import KEPT, STOPPED, is_interrupt, why_step_failed
from pipelines.postgres.roles import LOADER
from pipelines.runtime.bootstrap import translated_storage
from pipelines.warehouse import last_look
from pipelines.warehouse.connection import Warehouse

#: Metadata of a materialization that the end of the run repeats, and the words before it.
WARNINGS = {
    "deferred_files": "left for later: ",
    "files_passed_over": "passed over, by the ends of names: ",
    "paused": "",
}
#: Run configuration of ops by job name.
JobsWithConfig = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass
class JobReport:
    """The outcome of one job: a line per asset, and what went wrong."""

    job: str
    run_id: str
    #: Rows and rejected records of each, where they are known.
    assets: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    is_stopped: bool = False


def run_jobs(jobs: JobsWithConfig) -> bool:
    """Run jobs one after the other; True if no load and no blocking check failed.

    Raises `KeyboardInterrupt` if one was stopped by a signal, after all has been printed.
    """
    for job in jobs.keys() - {job.name for job in definitions.jobs or ()}:
        raise PermanentFailure(
            "run",
            f"there is no job {job!r}, as its source is off",
            place="isobar sources",
            remedy="See there why. Fix it, then run again.",
        )
    console = Console(width=None if sys.stdout.isatty() else 100)
    reports: list[JobReport] = []
    with translated_storage(), _own_streams(), dg.DagsterInstance.get() as instance:
        fail_orphaned_runs(instance, has_workers=False)
        for job, config in jobs.items():
            reports.append(_run(instance, job, config, console))
            if reports[-1].is_stopped:
                break
    _say(console, "[red]failed:[/]", (one for report in reports for one in report.failures))
    if any(report.assets for report in reports):
        console.print(_table(reports))
    warnings = dict.fromkeys(one for report in reports for one in report.warnings)
    _say(console, "[yellow]warning:[/]", warnings)
    if warnings:
        is_simulated = Settings.current().sources == "sandbox"
        purpose = " Simulated sources cause some on purpose." if is_simulated else ""
        console.print(f"Warnings block nothing; the UI shows what checks found.{purpose}")
    _note_what_is_wrong(console)
    if reports and reports[-1].is_stopped:
        raise KeyboardInterrupt
    return not any(report.failures for report in reports)


@contextmanager
def _own_streams() -> Iterator[None]:
    """Restore standard output and error, which Dagster leaves redirected on a full disk."""
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


def _note_what_is_wrong(console: Console) -> None:
    try:
        with (
            translated_storage(),
            dg.DagsterInstance.get() as instance,
            Warehouse(Settings.current().warehouse_url(LOADER)) as store,
        ):
            repository = definitions.get_repository_def()
            last_look.write(store, look(instance, repository, tables_of(store), utc_now()))
    except Failure as failure:
        words = f"The dashboards do not show what is wrong now: {failure.problem}"
        _say(console, "[yellow]warning:[/]", [words])


def _say(console: Console, kind: str, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(kind, escape(line), highlight=False, soft_wrap=True)


def _run(
    instance: dg.DagsterInstance,
    name: str,
    config: Mapping[str, Mapping[str, Any]],
    console: Console,
) -> JobReport:
    job = definitions.resolve_job_def(name)
    tags = {
        TAG: tag_of_process(),
        "dagster/max_retries": "0",  # the person who waits can run it again
    }
    run_config = {
        **(job.run_config or {}),
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    if config:
        run_config["ops"] = {op: {"config": values} for op, values in config.items()}
    run = instance.create_run_for_job(
        job_def=job,
        tags={**job.run_tags, **tags},
        run_config=run_config,
        remote_job_origin=RemoteJobOrigin(
            RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("pipelines"), "__repository__"),
            name,
        ),
    )
    report = JobReport(name, run.run_id)
    console.print(name, highlight=False)
    with console.status("starting"):
        _follow(execute_run_iterator(InMemoryJob(job), run, instance), report, console)
    if report.is_stopped and all(STOPPED in one for one in report.failures):  # else an incident
        instance.report_run_canceled(run, f"The run was {STOPPED}; {KEPT}.")
    return report


def _follow(events: Iterable[dg.DagsterEvent], report: JobReport, console: Console) -> None:
    """Print each event as it happens, and collect the lines of the closing table."""
    started: dict[str | None, float] = {}
    has_written = False
    counts: Counter[str] = Counter()
    for event in events:
        if event.is_step_start:
            started[event.step_key] = time.monotonic()
        elif event.is_step_materialization and not is_external(event.materialization.asset_key):
            metadata = event.materialization.metadata
            name = ".".join(event.materialization.asset_key.path)
            if event.partition or not counts:  # partitioned materializations are added up
                counts.update(_counts(metadata))
            report.warnings += [
                f"{name}: {what}{metadata[key].value}"
                for key, what in WARNINGS.items()
                if key in metadata
            ]
            rejects = _count(metadata, "rejected_records")
            rows = _count(metadata, "dagster/row_count")
            if event.partition:
                before = report.assets.get(name, (0, 0))
                rows = (before[0] or 0) + (_count(metadata, "dagster/partition_row_count") or 0)
                rejects = (before[1] or 0) + (rejects or 0)
            report.assets[name] = rows, rejects
            has_written = True
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            _note_check(event, report)
        elif event.is_step_success or event.is_step_failure:
            seconds = time.monotonic() - started.get(event.step_key, time.monotonic())
            verdict = "done" if event.is_step_success else "[red]failed[/]"
            step = (event.step_key or "").replace("__", ".")
            if has_written or event.is_step_failure:  # a check that passed needs no line
                summary = f"  {step} {verdict} in {seconds:.1f} s{_in_words(counts)}"
                console.print(summary, highlight=False)
            has_written = False
            counts.clear()
        elif event.event_type == dg.DagsterEventType.ASSET_OBSERVATION:
            skipped = event.asset_observation_data.asset_observation.metadata.get("skipped")
            if skipped is not None:
                report.warnings.append(f"{report.job} was skipped: {skipped.value}")
        if event.is_step_failure:
            report.failures.append(
                f"{why_step_failed(event)}\n  step: {event.step_key} of {report.job}"
            )
            report.is_stopped = STOPPED in report.failures[-1]
        elif event.is_run_failure:
            report.is_stopped |= is_interrupt(event.job_failure_data.error)
            words = f"{report.job}: {STOPPED}; {KEPT}" if report.is_stopped else event.message
            report.failures = report.failures or [words or "the run failed"]


def _note_check(event: dg.DagsterEvent, report: JobReport) -> None:
    check = event.asset_check_evaluation_data
    if check.passed:
        return
    words, found = check.description, _count(check.metadata, "offending")
    if found is not None:
        words = f"the check {check.check_name} found {found}"
    is_error = check.severity == dg.AssetCheckSeverity.ERROR
    lines = report.failures if is_error else report.warnings
    lines.append(f"{'.'.join(check.asset_key.path)}: {words}")


def _count(metadata: object, name: str) -> int | None:
    value = metadata.get(name) if isinstance(metadata, dict) else None
    return int(value.value) if value is not None else None


def _counts(metadata: object) -> dict[str, int]:
    counts = {name: _count(metadata, name) for name in ("read", "loaded", "unchanged", "rejected")}
    return {name: count for name, count in counts.items() if count is not None}


def _in_words(counts: Mapping[str, int]) -> str:
    if counts.get("read") == 0:
        return ": nothing new"
    words = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    return f": {words}" if words else ""


def _table(reports: list[JobReport]) -> Table:
    table = Table("asset", box=None, header_style="bold", pad_edge=False)
    for column in ("rows", "in quarantine"):
        table.add_column(column, justify="right")
    lines = {name: line for report in reports for name, line in report.assets.items()}
    for name, numbers in lines.items():  # each asset's last
        table.add_row(name, *("" if one is None else f"{one:,}" for one in numbers))
    for broken in broken_sources():
        table.add_row(f"[red]{escape(broken.name)}[/]", "[red]broken[/]")
    return table
