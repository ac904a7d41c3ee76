"""Old events go, and Dagster says the same of every asset as before: on its real storage."""

import datetime as dt
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.storage.tags import PARTITION_NAME_TAG

from pipelines.orchestration.operations.housekeeping import prune, remove_run_files
from pipelines_tests.orchestration.operations.conftest import storage_url

PLANTS = dg.DynamicPartitionsDefinition(name="plants")
A_MONTH = dt.timedelta(days=30)
Said = dict[str, Any]


def result(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """A row count and a version as the run's tags say, or a failure."""
    if context.run.tags.get("fails") == "yes":
        raise dg.Failure("as intended", allow_retries=False)
    version = context.run.tags["version"]
    return dg.MaterializeResult(metadata={"rows": version}, data_version=dg.DataVersion(version))


@dg.asset
def plain(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    context.log_event(dg.AssetObservation("plain", metadata={"seen": context.run.tags["version"]}))
    return result(context)


@dg.asset(partitions_def=PLANTS)
def of_plants(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    return result(context)


@dg.asset_check(asset=plain)
def even(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=int(context.run.tags["version"]) % 2 == 0)


ASSETS = [plain, of_plants]
CHECK_KEY = dg.AssetCheckKey(plain.key, "even")
KEYS = ["1", "2", "3"]


@pytest.fixture
def storage(instance: dg.DagsterInstance) -> Iterator[psycopg.Connection]:
    instance.add_dynamic_partitions("plants", KEYS)
    with psycopg.connect(storage_url(instance), autocommit=True) as connection:
        yield connection


def a_day_of_runs(instance: dg.DagsterInstance, random: Random, version: int) -> None:
    """The asset and a partition of the other, or each twice; some fail."""
    runs = ((plain, [None]), (of_plants, KEYS)) * random.randint(1, 2)
    for number, (asset, partitions) in enumerate(((plain, [None]), *runs)):
        fails = number and random.random() < 0.3
        dg.materialize(
            [*ASSETS, even],
            selection=dg.AssetSelection.assets(asset),
            instance=instance,
            partition_key=random.choice(partitions),
            tags={"version": str(version), "fails": "yes" if fails else "no"},
            raise_on_error=False,
        )


def make_older(storage: psycopg.Connection, days: int) -> None:
    """Have all that happened so far happened so many days earlier."""
    interval = dt.timedelta(days=days)
    storage.execute("UPDATE event_logs SET timestamp = timestamp - %s", (interval,))
    storage.execute(
        "UPDATE asset_check_executions SET create_timestamp = create_timestamp - %s,"
        " evaluation_event_timestamp = evaluation_event_timestamp - %s",
        (interval, interval),
    )


def rows(storage: psycopg.Connection) -> tuple[int, int, int]:
    """Return the row counts of events, check executions and event tags."""
    query = """SELECT (SELECT count(*) FROM event_logs),
        (SELECT count(*) FROM asset_check_executions), (SELECT count(*) FROM asset_event_tags)"""
    return storage.execute(query).fetchone() or (0, 0, 0)


def what_dagster_says(instance: dg.DagsterInstance, since_id: int, since: float) -> Said:
    """Return Dagster's view of the present state and of events since a time and an id."""
    log = instance.event_log_storage
    said: Said = {}
    for key in (asset.key for asset in ASSETS):
        instance.wipe_asset_cached_status([key])  # so that it is computed anew
        lately = dg.AssetRecordsFilter(asset_key=key, after_timestamp=since)
        said |= {
            f"{key} last": instance.get_latest_materialization_event(key),
            f"{key} record": [
                one.asset_entry.last_run_id for one in instance.get_asset_records([key])
            ],
            f"{key} planned": instance.get_latest_planned_materialization_info(key),
            f"{key} version": instance.get_latest_data_version_record(key),
            f"{key} observed": instance.fetch_observations(key, limit=1).records,
            f"{key} history": instance.fetch_materializations(lately, limit=1000).records,
            f"{key} by partition": instance.get_materialized_partitions(key),
        }
    key, kind = of_plants.key, dg.DagsterEventType.ASSET_MATERIALIZATION
    said |= {
        "status": instance.get_status_by_partition(key, KEYS, PLANTS),
        "ids": instance.get_latest_storage_id_by_partition(key, kind),
        "tags": log.get_latest_tags_by_partition(key, kind, ["dagster/data_version"]),
        "changed": log.get_updated_data_version_partitions(key, KEYS, since_id),
    }
    history = log.get_asset_check_execution_history(CHECK_KEY, limit=1000)
    said["check"] = log.get_asset_check_summary_records([CHECK_KEY])
    said["checks"] = [one for one in history if one.create_timestamp >= since]
    said["runs"] = [(run.run_id, run.status) for run in instance.get_runs()]
    return said


def test_pruning_leaves_dagsters_view_of_every_asset_unchanged(
    instance: dg.DagsterInstance, storage: psycopg.Connection
) -> None:
    """Ninety days with runs on every fifteenth; a month of them stays."""
    random, since_id = Random(1), 0
    for version in range(6):
        a_day_of_runs(instance, random, version)
        if version == 4:
            ((since_id,),) = storage.execute("SELECT max(id) FROM event_logs").fetchall()
        make_older(storage, 15)
    cut = dt.datetime.now(dt.UTC) - dt.timedelta(days=35)
    before = what_dagster_says(instance, since_id, cut.timestamp())
    counted = rows(storage)
    removed = {"events": prune(instance, "events", cut), "checks": prune(instance, "checks", cut)}
    left = rows(storage)
    assert removed["events"] == counted[0] - left[0] > 0.4 * counted[0]
    assert removed["checks"] == counted[1] - left[1] > 0
    assert left[2] < counted[2]
    after = what_dagster_says(instance, since_id, cut.timestamp())
    assert {name: words for name, words in after.items() if words != before[name]} == {}
    young = "SELECT count(*) FROM event_logs WHERE timestamp >= %s"
    assert (storage.execute(young, (cut.replace(tzinfo=None),)).fetchone() or (0,))[0] > 0
    assert prune(instance, "events", cut) == prune(instance, "checks", cut) == 0


def test_of_an_unfinished_run_nothing_goes_however_old(
    instance: dg.DagsterInstance, storage: psycopg.Connection
) -> None:
    def begin(tags: dict[str, str]) -> dg.DagsterRun:
        job = dg.Definitions([*ASSETS], jobs=[dg.define_asset_job("all", [plain])])
        run = instance.create_run_for_job(job.resolve_job_def("all"), tags=tags)
        instance.report_engine_event("Started process", run)
        instance.report_dagster_event(
            dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, run.job_name), run.run_id
        )
        return run

    at_work, ended = begin({}), begin({PARTITION_NAME_TAG: "x"})
    instance.report_run_failed(ended, "as intended")
    make_older(storage, 100)
    events = len(instance.all_logs(at_work.run_id))
    assert prune(instance, "events", dt.datetime.now(dt.UTC) - A_MONTH) > 0
    assert len(instance.all_logs(at_work.run_id)) == events > 2
    left = [entry.dagster_event_type for entry in instance.all_logs(ended.run_id)]
    planned = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    assert left == [planned, dg.DagsterEventType.RUN_FAILURE]
    assert instance.get_run_by_id(ended.run_id) is not None, "links to it lead nowhere"


def test_files_of_old_runs_and_ticks_go_and_nothing_else_does(tmp_path: Path) -> None:
    def made(name: str, days: float) -> Path:
        log = tmp_path / name / "x.err"
        log.parent.mkdir(parents=True)
        log.write_text("words")
        for path in (log, log.parent):
            os.utime(path, (time.time() - days * 86_400,) * 2)
        return log.parent

    old, young, at_work = (made(str(uuid.uuid4()), days) for days in (40, 20, 40))
    old_tick, young_tick = (made(f"__repository__/{days}", days) for days in (40, 20))
    value_of_an_asset = made("an_asset", 400)
    before = dt.datetime.now(dt.UTC) - A_MONTH
    removed = remove_run_files(tmp_path, before, {at_work.name})
    assert removed == {"folders": 1, "logs of sensors": 1}
    assert not old.exists()
    assert not (old_tick / "x.err").exists()
    for one in (young, at_work, young_tick, value_of_an_asset):
        assert (one / "x.err").exists(), one
    none = {"folders": 0, "logs of sensors": 0}
    assert remove_run_files(tmp_path, before, {at_work.name}) == none
    assert remove_run_files(tmp_path / "none", before) == none
