"""Failed runs that no later run has made good: of jobs, and of manually selected assets.

Runs that Dagster retries do not count, nor do those that rejected a person's input.
"""

import time
from collections.abc import Iterable, Iterator

import dagster as dg

from pipelines.orchestration.asset_metadata import REJECTED_INPUT
from pipelines.orchestration.run_state import PARTITION_TAG

#: Job name of runs that materialize selected assets.
BY_ASSETS = "__ASSET_JOB"
MAX_RUNS = 100
#: A retry that Dagster announced starts within this time, or never.
RETRY_SECONDS = 300.0
FAILURE, SUCCESS = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS
Entity = dg.AssetKey | dg.AssetCheckKey


def failing_jobs(instance: dg.DagsterInstance, jobs: Iterable[str]) -> Iterator[dg.RunRecord]:
    """Yield the last finished run of each job, if it failed."""
    failed = [one.job_name for one in instance.get_runs(_runs(FAILURE), limit=MAX_RUNS)]
    is_complete = len(failed) < MAX_RUNS  # otherwise older failures of other jobs may be missing
    for job in jobs:
        if is_complete and job not in failed:
            continue
        finished = _pages(instance, _runs(SUCCESS, FAILURE, job=job))
        newest = next(
            (one for one in finished if not _is_rejected(one) and not is_retried(one)), None
        )
        if newest is not None and newest.dagster_run.status == FAILURE:
            yield newest


def failed_materializations(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[dg.RunRecord]:
    """Return failed runs of selected assets, if they are the last run of one of them."""
    failed = [
        one
        for one in instance.get_run_records(_runs(FAILURE, job=BY_ASSETS), limit=MAX_RUNS)
        if not is_retried(one)
    ]
    if not failed:
        return []
    keys = {key for one in failed for key in chosen(one) if isinstance(key, dg.AssetKey)}
    known = keys & repository.asset_graph.get_all_asset_keys()
    entries = [one.asset_entry for one in instance.get_asset_records([*known])]
    last = {one.last_run_id for one in entries}
    return [one for one in failed if one.dagster_run.run_id in last]


def chosen(record: dg.RunRecord) -> frozenset[Entity]:
    """Return the assets and checks that were selected for a run."""
    return frozenset(record.dagster_run.entity_selection or ())


def partition_of(record: dg.RunRecord) -> str | None:
    """Return the partition of a run, if any."""
    return record.dagster_run.tags.get(PARTITION_TAG)


def ended_at(record: dg.RunRecord) -> float:
    """Return when a run ended, in seconds since 1970."""
    return record.end_time or record.create_timestamp.timestamp()


def is_retried(record: dg.RunRecord) -> bool:
    """Return whether Dagster has retried a run, or may be about to."""
    tags = record.dagster_run.tags
    is_young = ended_at(record) > time.time() - RETRY_SECONDS
    return tags.get("dagster/will_retry") == "true" and (
        "dagster/auto_retry_run_id" in tags or is_young
    )


def _runs(*statuses: dg.DagsterRunStatus, job: str | None = None) -> dg.RunsFilter:
    return dg.RunsFilter(job_name=job, statuses=statuses)


def _pages(instance: dg.DagsterInstance, runs: dg.RunsFilter) -> Iterator[dg.RunRecord]:
    """Yield runs lazily in pages, newest first."""
    cursor = None
    while page := instance.get_run_records(runs, limit=5, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id


def _is_rejected(record: dg.RunRecord) -> bool:
    return REJECTED_INPUT in record.dagster_run.tags
