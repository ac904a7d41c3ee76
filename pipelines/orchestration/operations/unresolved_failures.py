"""Failed runs of chosen assets, by hand or of themselves, that nothing has made good since.

Runs of our own jobs are judged in `problems`, by the newest of each job.
"""

import time
from collections.abc import Sequence, Set
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_key import EntityKey
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, PARTITION_NAME_TAG, WILL_RETRY_TAG
from sqlalchemy import Connection, text

from pipelines.warehouse.sql_files import read_sql

BY_ASSETS = "__ASSET_JOB"
"""The job of runs that bring chosen assets up to date."""
MAX_RUNS = 100
RETRY_SECONDS = 300.0
"""Within these Dagster begins the retry that it promised; else it never does."""
Part = tuple[EntityKey, str | None]
"""A check, an asset, or a partition of an asset."""


def unrepaired(
    connection: Connection, instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> list[dg.RunRecord]:
    """The newest failed runs of chosen assets of which not everything was done since.

    By whatever run; of an asset with partitions, the partition of the run has to be. Newest first.
    """
    graph = repository.asset_graph
    failed = {
        one.dagster_run.run_id: (one, _parts(one, graph))
        for one in _newest(instance, dg.DagsterRunStatus.FAILURE)
        if not _is_retried(one)
    }
    if not failed:
        return []
    done_at = _done_at(
        connection, instance, {part for _, parts in failed.values() for part in parts}
    )
    good = [
        (ended_at(one), _parts(one, graph))
        for one in _newest(instance, dg.DagsterRunStatus.SUCCESS)
    ]
    return [
        record
        for record, parts in failed.values()
        if not _is_done(record, [done_at.get(part, 0.0) for part in parts])
        and not any(at > ended_at(record) and parts <= done for at, done in good)
    ]


def last_done_at(instance: dg.DagsterInstance, keys: Set[EntityKey]) -> dict[EntityKey, float]:
    """When assets were last materialised and checks last evaluated, in seconds since 1970."""
    assets = instance.get_asset_records([key for key in keys if isinstance(key, dg.AssetKey)])
    checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [key for key in keys if isinstance(key, dg.AssetCheckKey)]
    )
    done: dict[EntityKey, float] = {
        one.asset_entry.asset_key: one.asset_entry.last_materialization.timestamp
        for one in assets
        if one.asset_entry.last_materialization
    }
    return done | {
        key: one.event.timestamp
        for key, one in checks.items()
        if one.event and one.status != AssetCheckExecutionRecordStatus.PLANNED
    }


def chosen(record: dg.RunRecord) -> frozenset[EntityKey]:
    """The assets and checks that a run was to bring up to date."""
    return frozenset(record.dagster_run.entity_selection or ())


def partition_of(record: dg.RunRecord) -> str | None:
    """The partition that a run was for, if any."""
    return record.dagster_run.tags.get(PARTITION_NAME_TAG)


def ended_at(record: dg.RunRecord) -> float:
    """In seconds since 1970."""
    return record.end_time or record.create_timestamp.timestamp()


def _newest(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> Sequence[dg.RunRecord]:
    of_job = dg.RunsFilter(job_name=BY_ASSETS, statuses=[status])
    return instance.get_run_records(of_job, limit=MAX_RUNS)


def _is_retried(record: dg.RunRecord) -> bool:
    """Whether Dagster has tried it again of itself, or may be about to; as in failing_jobs.sql."""
    tags = record.dagster_run.tags
    is_young = ended_at(record) > time.time() - RETRY_SECONDS
    return tags.get(WILL_RETRY_TAG) == "true" and (AUTO_RETRY_RUN_ID_TAG in tags or is_young)


def _parts(record: dg.RunRecord, graph: BaseAssetGraph[Any]) -> set[Part]:
    """What a run was to bring up to date, without what is gone."""
    there = graph.get_all_asset_keys() | graph.asset_check_keys
    return {
        (key, partition_of(record) if _has_partitions(key, graph) else None)
        for key in chosen(record) & there
    }


def _has_partitions(key: EntityKey, graph: BaseAssetGraph[Any]) -> bool:
    return isinstance(key, dg.AssetKey) and graph.get(key).partitions_def is not None


def _is_done(record: dg.RunRecord, moments: Sequence[float]) -> bool:
    """Whether each of the moments is after the run began, and one of them after it ended."""
    began_at = record.start_time or record.create_timestamp.timestamp()
    is_since = not moments or max(moments) > ended_at(record)
    return is_since and all(moment > began_at for moment in moments)


def _done_at(
    connection: Connection, instance: dg.DagsterInstance, parts: Set[Part]
) -> dict[Part, float]:
    """When each was last done, where it ever was, in seconds since 1970."""
    whole = last_done_at(instance, {key for key, partition in parts if partition is None})
    done: dict[Part, float] = {(key, None): at for key, at in whole.items()}
    by_name = {
        (key.to_string(), partition): (key, partition)
        for key, partition in parts
        if partition is not None and isinstance(key, dg.AssetKey)
    }
    names = [name for name, _ in by_name]
    partitions = [partition for _, partition in by_name]
    rows = connection.execute(
        text(read_sql("pipelines.orchestration.operations", "last_of_partitions")),
        {"asset_keys": names, "partitions": partitions},
    )
    return done | {by_name[row.asset_key, row.partition]: float(row.done_at) for row in rows}
