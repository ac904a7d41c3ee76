"""What sources that come as files have in common in Dagster: taking, its check, its sensor.

The resource of such a source has `open_inbox`, which gives None where the source is off.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.failures import PermanentFailure, in_one_line
from pipelines.ingest import file_loader
from pipelines.ingest import inbox as inboxes
from pipelines.ingest.deliveries import Outcome
from pipelines.ingest.file_loader import Load, UnsteadyFile, take
from pipelines.ingest.inbox import Inbox, InboxFile, is_settled
from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.checks import verdict
from pipelines.orchestration.remedies import with_remedy
from pipelines.orchestration.resources import WarehouseResource
from pipelines.orchestration.schedule_config import about_sensor, every_seconds
from pipelines.warehouse.connection import Warehouse

PATIENCE_SECONDS = 10.0
"""How long a run that a person waits for waits for files that are still being written."""
AFTER_FAILURE_SECONDS = 60.0


class Taking(dg.Config):
    """What to take in."""

    file: str | None = Field(
        default=None,
        description="Path of a file on the machine of the run, to be taken instead of the inbox.",
    )
    retry_quarantine: bool = Field(
        default=False,
        description="First read again what is in quarantine, and look again at refused files, as"
        " after a change of the code.",
    )


def take_inbox(
    context: dg.AssetExecutionContext, store: Warehouse, inbox: Inbox, load: Load
) -> tuple[list[Outcome], int]:
    """Take what is whole; also how many files are left because they are still being written.

    What was refused is told by the check `readable_files`.
    """
    is_attended = orphaned_runs.TAG in context.run.tags
    files, growing = inbox.ready(store, wait_seconds=PATIENCE_SECONDS if is_attended else 0.0)
    outcomes, refusals = take(store, inbox, files, load, context.run.run_id)
    for refusal in refusals:
        context.log.error("%s", refusal)
    if unsteady := [one for one in refusals if isinstance(one, UnsteadyFile)]:
        raise unsteady[0]
    return outcomes, len(growing)


def left_for_later(growing: int) -> dict[str, str]:
    """What an asset's page shows of files that were left, when there were any."""
    return {"left for later": f"{growing} files that are still being written"} if growing else {}


def readable_files(key: dg.AssetKey, source: str, variable: str) -> dg.AssetChecksDefinition:
    """The check that no file of an inbox, set by `variable`, was refused as a whole."""

    @dg.asset_check(  # type: ignore[arg-type]  # it takes generators too
        asset=key,
        name="readable_files",
        description=with_remedy(
            "readable_files",
            "No file of the inbox was refused as a whole. The run that refuses one fails here,"
            " once; the other files and checks are not touched by it.",
        ),
    )
    def check(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        with warehouse.open() as store, store.engine.connect() as connection:
            refused = file_loader.refused(connection, source)
        yield verdict(
            [{name: row[name] for name in ("name", "problem", "looked_at")} for row in refused],
            dg.AssetCheckSeverity.WARN,
        )
        if fresh := [row for row in refused if row["run_id"] == context.run.run_id]:
            told = "".join(f"\n  - {in_one_line(row['name'])}: {row['problem']}" for row in fresh)
            failure = PermanentFailure(
                source,
                f"{len(fresh)} of the inbox's files refused:{told}",
                place=variable,
                remedy="Mend them or take them away; one that changes is looked at again.",
            )
            raise dg.Failure(description=str(failure), allow_retries=False)

    return check


def newest_change(files: Sequence[InboxFile]) -> float:
    """When the last of some files was last touched, in seconds since 1970."""
    return max(file.changed_ns for file in files) / 1e9


def inbox_sensor(
    source: str, variable: str, job: dg.JobDefinition | Any, replaces: str
) -> dg.SensorDefinition:
    """The sensor that starts `job` for new files of an inbox, set by `variable`."""
    name = f"{source}_inbox"

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=every_seconds(name),
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={source, "warehouse"},
        description=about_sensor(
            name,
            f"Start the job when there is a new or changed CSV file in {variable} that is whole (by"
            f" default the folder inbox/{source} of ISOBAR_HOME), or a refused one was taken away."
            f" It replaces {replaces}.",
        ),
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        inbox = getattr(context.resources, source).open_inbox()
        if inbox is None:
            return dg.SkipReason(f"{variable} is not set.")
        with context.resources.warehouse.open() as store, store.engine.connect() as connection:
            pending = inbox.pending(connection)
            refused = {str(row["name"]) for row in file_loader.refused(connection, source)}
        if not pending:
            if not refused or refused <= {file.name for file in inbox.files()}:
                return dg.SkipReason("Nothing new in the inbox.")
            if orphaned_runs.is_under_way(context.instance, job.name):
                return dg.SkipReason("A run is under way.")
            if orphaned_runs.failed_lately(context.instance, job.name, AFTER_FAILURE_SECONDS):
                return dg.SkipReason("A refused file is gone; a run forgets it in a minute.")
            return dg.RunRequest()
        age = time.time() - newest_change(pending)
        time.sleep(min(max(0.0, inboxes.SETTLE_SECONDS - age), inboxes.SETTLE_SECONDS))
        settled = [file for file in pending if is_settled(file)]
        if not settled:
            return dg.SkipReason(f"Still being written: {len(pending)} files.")
        if orphaned_runs.will_see(context.instance, job.name, newest_change(settled)):
            return dg.SkipReason("A run is under way.")
        failed_at = orphaned_runs.last_failure_at(context.instance, job.name) or 0.0
        is_lately = time.time() - failed_at < AFTER_FAILURE_SECONDS
        if is_lately and newest_change(pending) < failed_at:
            return dg.SkipReason("The last run failed with these files; trying again in a minute.")
        return dg.RunRequest()

    return sensor
