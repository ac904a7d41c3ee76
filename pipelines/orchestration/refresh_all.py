"""The job with which a person refreshes all sources, or some of them, at once.

Each source has a run of its own, so that one that fails stops no other. The job therefore only
records what is requested, and a sensor starts the jobs of the sources.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.orchestration.resources import utc_now
from pipelines.orchestration.run_state import REQUESTED_BY_TAG
from pipelines.orchestration.schedule_config import due_sensor
from pipelines.source import sources

#: Stands for every source.
ALL = "all"
SourceName = StrEnum("SourceName", {name: name for name in (ALL, *sources())})  # type: ignore[misc]
#: How long a request stays valid. Handled requests are in the cursor.
LATELY = dt.timedelta(days=3)


class Refreshing(dg.Config):
    """What to refresh."""

    sources: list[SourceName] = Field(
        default=[ALL],  # type: ignore[list-item]  # Dagster serialises it
        description="Sources whose jobs to start, as a list of names. The word all means every"
        " source.",
    )


@dg.op
def request_refresh(context: dg.OpExecutionContext, config: Refreshing) -> None:
    """Note which sources are to be refreshed."""
    names = _chosen(map(str, config.sources))
    context.log.info("Requested: %s. Their runs start within seconds.", ", ".join(names))
    context.add_output_metadata({"requested": ", ".join(names)})


@dg.job(
    description="Refresh all sources, or the selected ones: starts the job of each, which loads"
    " new data and refreshes the derived assets. These runs have the tag isobar/requested_by."
)
def refresh_everything() -> None:
    """Refresh all sources."""
    request_refresh()


def refresh_requests(jobs: Iterable[Any]) -> dg.SensorDefinition:
    """Return the sensor that starts the jobs of the sources, which are among `jobs`."""

    @due_sensor("refresh_requests", seconds=3, jobs=[job for job in jobs if job.name in sources()])
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Start the jobs that a run of refresh_everything requests."""
        assert context.repository_def is not None
        lately = dg.RunsFilter(
            job_name=refresh_everything.name,
            statuses=[dg.DagsterRunStatus.SUCCESS],
            updated_after=utc_now() - LATELY,
        )
        requested = {run.run_id: run for run in context.instance.get_runs(lately)}
        fresh = requested.keys() - set((context.cursor or "").split())
        if not fresh:
            return dg.SkipReason("Nothing is requested.")
        requests = [
            one for id_ in fresh for one in requested_runs(requested[id_], context.repository_def)
        ]
        return dg.SensorResult(run_requests=requests, cursor=" ".join(requested))

    return sensor


def requested_runs(
    requested: dg.DagsterRun, repository: dg.RepositoryDefinition
) -> Iterator[dg.RunRequest]:
    """Yield the runs that a run of `refresh_everything` requested."""
    ops: Any = requested.run_config.get("ops", {})
    named = ops.get(request_refresh.name, {}).get("config", {}).get("sources", [])
    for name in _chosen(named):
        if not repository.has_job(name):  # its source was switched off since
            continue
        yield dg.RunRequest(
            run_key=f"{requested.run_id} {name}",
            job_name=name,
            tags={REQUESTED_BY_TAG: requested.run_id},
        )


def _chosen(names: Iterable[str]) -> list[str]:
    """Return the requested sources without duplicates; all sources if none or `all` is named."""
    named = list(dict.fromkeys(names))
    return list(sources()) if not named or ALL in named else named
