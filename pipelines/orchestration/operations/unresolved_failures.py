"""Failed runs that no later run has made good: of jobs, and of manually selected assets.

Runs that Dagster retries do not count, nor do those that rejected a person's input.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set

import dagster as dg

from pipelines.orchestration.asset_metadata import REJECTED_INPUT
from pipelines.orchestration.run_state import PARTITION_TAG

#: Job name of runs that materialize selected assets.
BY_ASSETS = "__ASSET_JOB"
MAX_RUNS = 100
MAX_EVENTS = 1_000
#: A retry that Dagster announced starts within this time, or never.
RETRY_SECONDS = 300.0
FAILURE, SUCCESS = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS
Entity = dg.AssetKey | dg.AssetCheckKey
#: A check, an asset, or a partition of an asset.
Part = tuple[Entity, str | None]


def failing_jobs(
    instance: dg.DagsterInstance, jobs: Iterable[str]
) -> Iterator[tuple[dg.RunRecord, dg.RunRecord]]:
    """Yield, for each job whose last run failed, that run and the first failure since a success."""
    failed = [one.job_name for one in instance.get_runs(_runs(FAILURE), limit=MAX_RUNS)]
    is_complete = len(failed) < MAX_RUNS  # otherwise older failures of other jobs may be missing
    for job in jobs:
        if is_complete and job not in failed:
            continue
        finished = _pages(instance, _runs(SUCCESS, FAILURE, job=job))
        newest = next(
            (one for one in finished if not _is_rejected(one) and not is_retried(one)), None
        )
        if newest is None or newest.dagster_run.status != FAILURE:
            continue
        good = instance.get_run_records(_runs(SUCCESS, job=job), limit=1)
        after = good[0].dagster_run.run_id if good else None
        since = _pages(instance, _runs(FAILURE, job=job), after, ascending=True)
        yield newest, next(one for one in since if not _is_rejected(one))


def failed_materializations(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[dg.RunRecord]:
    """Return failed runs of selected assets that were not all refreshed since, newest first.

    Any run counts as a refresh. For a partitioned asset, it has to be of the same partition.
    """
    failed = {
        one.dagster_run.run_id: (one, _parts(one, repository))
        for one in instance.get_run_records(_runs(FAILURE, job=BY_ASSETS), limit=MAX_RUNS)
        if not is_retried(one)
    }
    if not failed:
        return []
    began_at = min(_began_at(record) for record, _ in failed.values())
    done_at = _done_at(instance, {part for _, parts in failed.values() for part in parts}, began_at)
    good = [
        (ended_at(one), _parts(one, repository))
        for one in instance.get_run_records(_runs(SUCCESS, job=BY_ASSETS), limit=MAX_RUNS)
    ]
    return [
        record
        for record, parts in failed.values()
        if not _is_done(record, [done_at.get(part, 0.0) for part in parts])
        and not any(at > ended_at(record) and parts <= done for at, done in good)
    ]


def last_done_at(instance: dg.DagsterInstance, keys: Set[Entity]) -> dict[Entity, float]:
    """Return when assets were materialized and checks evaluated last, in seconds since 1970."""
    assets = instance.get_asset_records([key for key in keys if isinstance(key, dg.AssetKey)])
    checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [key for key in keys if isinstance(key, dg.AssetCheckKey)]
    )
    done: dict[Entity, float] = {
        one.asset_entry.asset_key: one.asset_entry.last_materialization.timestamp
        for one in assets
        if one.asset_entry.last_materialization
    }
    return done | {
        key: one.event.timestamp
        for key, one in checks.items()
        if one.event and one.status.value != "PLANNED"
    }


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


def _pages(
    instance: dg.DagsterInstance,
    runs: dg.RunsFilter,
    cursor: str | None = None,
    *,
    ascending: bool = False,
) -> Iterator[dg.RunRecord]:
    """Yield runs lazily in pages, newest first unless `ascending`."""
    while page := instance.get_run_records(runs, limit=5, cursor=cursor, ascending=ascending):
        yield from page
        cursor = page[-1].dagster_run.run_id


def _is_rejected(record: dg.RunRecord) -> bool:
    return REJECTED_INPUT in record.dagster_run.tags


def _parts(record: dg.RunRecord, repository: dg.RepositoryDefinition) -> set[Part]:
    """Return the parts that were selected for a run, without those that no longer exist."""
    graph, partition = repository.asset_graph, partition_of(record)
    assets, checks = graph.get_all_asset_keys(), graph.asset_check_keys
    return {
        (key, partition if key in assets and graph.get(key).partitions_def else None)
        for key in chosen(record) & (assets | checks)
    }


def _began_at(record: dg.RunRecord) -> float:
    return record.start_time or record.create_timestamp.timestamp()


def _is_done(record: dg.RunRecord, moments: Sequence[float]) -> bool:
    """Return whether every time is after the start of the run, and at least one after its end."""
    is_since = not moments or max(moments) > ended_at(record)
    return is_since and all(moment > _began_at(record) for moment in moments)


def _done_at(instance: dg.DagsterInstance, parts: Set[Part], began_at: float) -> dict[Part, float]:
    """Return when each part was last done since a time, in seconds since 1970."""
    whole = last_done_at(instance, {key for key, partition in parts if partition is None})
    done: dict[Part, float] = {(key, None): at for key, at in whole.items()}
    partitions: dict[dg.AssetKey, list[str]] = defaultdict(list)
    for key, partition in parts:
        if partition is not None and isinstance(key, dg.AssetKey):
            partitions[key].append(partition)
    for key, names in partitions.items():
        since = dg.AssetRecordsFilter(key, asset_partitions=names, after_timestamp=began_at)
        found = instance.fetch_materializations(since, limit=MAX_EVENTS, ascending=False).records
        for record in reversed(found):
            done[key, record.partition_key] = record.timestamp
    return done
