"""The job of shipments as Dagster runs it, and the sensor of its inbox."""

import subprocess
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.ingest import file_loader
from pipelines.ingest import inbox as inboxes
from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.source import sources
from pipelines.sources.shipments import load
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import sensors
from pipelines_tests.jobs import failure, metadata
from pipelines_tests.sensors import sensor
from pipelines_tests.sources.shipments.made_up import line, text_of


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.05)
    return tmp_path


@pytest.fixture
def resources(warehouse: Warehouse, inbox: Path, sandbox_url: str) -> dict[str, Any]:
    url = warehouse.engine.url.render_as_string(hide_password=False)
    return {
        "warehouse": WarehouseResource(url=url),
        "shipments": source_resource("shipments", inbox=str(inbox)),
        "weather": source_resource(
            "weather", weather_base_url=sandbox_url, geocoding_base_url=sandbox_url
        ),
    }


def run(
    resources: dict[str, Any], instance: dg.DagsterInstance, **config: Any
) -> dg.ExecuteInProcessResult:
    job = sensors.job("shipments")
    return job.execute_in_process(
        resources=resources,
        instance=instance,
        run_config={"ops": {"load_shipments": {"config": config}}},
        raise_on_error=False,
        tags={"isobar/interactive": "a test"},
    )


def test_all_inbox_files_load_with_their_counts_and_checks(
    resources: dict[str, Any], instance: dg.DagsterInstance, inbox: Path
) -> None:
    (inbox / "a.csv").write_text(text_of([line(1), line(2, article_price="free"), line(4)]))
    (inbox / "b.csv").write_text(text_of([line(3, status="lost")]))
    result = run(resources, instance)
    assert result.success
    recorded = metadata(result, "shipments.shipments")
    assert (recorded["dagster/row_count"], recorded["deliveries"]) == (3, 2)
    assert (recorded["read"], recorded["loaded"], recorded["rejected"]) == (4, 3, 1)
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert [name for name, check in checks.items() if not check.passed] == [
        "known_statuses",
        "no_rejects",
    ]
    again = metadata(run(resources, instance), "shipments.shipments")
    assert (again["deliveries"], again["dagster/row_count"]) == (0, 3)


def test_a_rejected_file_fails_one_run_and_changes_nothing_else(
    resources: dict[str, Any], instance: dg.DagsterInstance, inbox: Path
) -> None:
    (inbox / "good.csv").write_text(text_of([line(1, status="lost")]))
    (inbox / "bad.csv").write_text("nonsense")
    (inbox / "worse.csv").write_text("")
    result = run(resources, instance)
    message = failure(result)
    for words in ("2 of the inbox's files rejected", "bad.csv: its first line", "worse.csv: the"):
        assert words in message
    assert metadata(result, "shipments.shipments")["dagster/row_count"] == 1
    keys = [e.asset_key.path for e in result.get_asset_materialization_events() if e.asset_key]
    assert ["enriched", "shipments"] in keys
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["counts_balance"].passed
    assert not checks["known_statuses"].passed
    assert "bad.csv" in str(checks["readable_files"].metadata["rows"].value)
    again = run(resources, instance)
    assert again.success
    checks = {check.check_name: check for check in again.get_asset_check_evaluations()}
    assert "bad.csv" in str(checks["readable_files"].metadata["rows"].value)
    assert tick(resources, instance) == "Nothing new in the inbox."
    (inbox / "bad.csv").unlink()
    (inbox / "worse.csv").unlink()
    assert isinstance(tick(resources, instance), dg.RunRequest), "the check stays red else"
    gone = {c.check_name: c for c in run(resources, instance).get_asset_check_evaluations()}
    assert gone["readable_files"].passed
    assert tick(resources, instance) == "Nothing new in the inbox."


def test_a_file_in_another_encoding_loads_once_configured(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = text_of([line(1, receiver_address="Weg 1, 80331 M\u00fcnchen, Germany")])
    (inbox / "a.csv").write_bytes(content.encode("latin-1"))
    assert "is not utf-8" in failure(run(resources, instance))
    monkeypatch.setenv("SHIPMENTS_ENCODING", "latin-1")
    assert metadata(run(resources, instance), "shipments.shipments")["loaded"] == 1


def test_a_disk_failure_under_one_file_does_not_block_others(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Files go oldest first: a retry meets the same one again."""
    (inbox / "a.csv").write_text(text_of([line(1)]))
    (inbox / "b.csv").write_text(text_of([line(2)]))
    original = inboxes.open_plain_file

    class Failing(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(
        file_loader,
        "open_plain_file",
        lambda path: Failing() if path.name == "a.csv" else original(path),
    )
    result = run(resources, instance)
    assert "could not be read to its end: Input/output error" in failure(result)
    monkeypatch.setattr(file_loader, "open_plain_file", original)
    again = metadata(run(resources, instance), "shipments.shipments")
    assert (again["loaded"], again["dagster/row_count"]) == (1, 2)


def test_our_own_fault_rejects_a_file_unlike_a_disk_failure(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (inbox / "a.csv").write_text(text_of([line(1)]))
    (inbox / "b.csv").write_text(text_of([line(2)]))
    original, fetcher = load.load_file, vars(sources()["shipments"].fetch[0])

    def failing(error: Exception) -> None:
        def fail(connection: Any, file: Any, delivery: Any, *more: Any) -> Any:
            if delivery.name == "a.csv":
                raise error
            return original(connection, file, delivery, *more)

        monkeypatch.setitem(fetcher, "load", fail)

    failing(OSError(5, "Input/output error"))
    assert "Input/output error" in failure(run(resources, instance))
    failing(LookupError("oops"))
    assert "LookupError: oops" in failure(run(resources, instance))
    monkeypatch.setitem(fetcher, "load", original)
    assert metadata(run(resources, instance), "shipments.shipments")["dagster/row_count"] == 1
    retried = run(resources, instance, retry_quarantine=True)
    assert metadata(retried, "shipments.shipments")["dagster/row_count"] == 2


def test_a_retry_needs_no_inbox(
    resources: dict[str, Any], instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.delenv("SHIPMENTS_INBOX", raising=False)
    off = resources | {"shipments": source_resource("shipments")}
    assert run(off, instance, retry_quarantine=True).success


def test_one_file_is_loaded_from_any_folder(
    resources: dict[str, Any], instance: dg.DagsterInstance, inbox: Path
) -> None:
    elsewhere = inbox / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.csv").write_text(text_of([line(1)]))
    result = run(resources, instance, file=str(elsewhere / "a.csv"))
    assert metadata(result, "shipments.shipments")["read"] == 1


@pytest.mark.answers("T22")
def test_a_missing_file_is_reported(
    resources: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    message = failure(run(resources, instance, file="/nowhere/a.csv"))
    assert "/nowhere/a.csv" in message
    assert "what to do:" in message


def test_without_an_inbox_it_is_skipped_and_not_red(
    resources: dict[str, Any], instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.delenv("SHIPMENTS_INBOX", raising=False)
    result = run(resources | {"shipments": source_resource("shipments")}, instance)
    assert result.success
    assert result.get_asset_materialization_events() == []


def tick(resources: dict[str, Any], instance: dg.DagsterInstance) -> dg.RunRequest | str | None:
    needed = {name: resources[name] for name in ("warehouse", "shipments")}
    context = dg.build_sensor_context(instance=instance, resources=needed)
    answer = sensor("shipments_inbox").evaluate_tick(context)
    found: dg.RunRequest | str | None = (
        answer.run_requests[0] if answer.run_requests else answer.skip_message
    )
    return found


def test_the_sensor_requests_a_run_when_a_file_is_complete(
    resources: dict[str, Any], instance: dg.DagsterInstance, inbox: Path
) -> None:
    assert tick(resources, instance) == "Nothing new in the inbox."
    with (inbox / "a.csv").open("w") as writer:
        writer.write(text_of([line(1)]))
        writer.flush()
        assert tick(resources, instance) == "Still being written: 1 files."
    while not isinstance(tick(resources, instance), dg.RunRequest):
        pass
    assert run(resources, instance).success
    assert tick(resources, instance) == "Nothing new in the inbox."


def test_the_sensor_requests_no_run_while_one_is_under_way(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.0)
    (inbox / "a.csv").write_text(text_of([line(1)]))
    assert isinstance(tick(resources, instance), dg.RunRequest)
    job = sensors.job("shipments")
    under_way = instance.create_run_for_job(job)
    assert tick(resources, instance) == "A run is under way."
    instance.report_run_canceled(under_way)
    assert isinstance(tick(resources, instance), dg.RunRequest)


def test_the_sensor_waits_after_a_failure_unless_there_is_news(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.0)
    (inbox / "a.csv").write_text(text_of([line(1)]))
    job = sensors.job("shipments")
    instance.report_run_failed(instance.create_run_for_job(job))
    assert tick(resources, instance) == (
        "The last run failed with these files; trying again in a minute."
    )
    (inbox / "b.csv").write_text(text_of([line(2)]))
    assert isinstance(tick(resources, instance), dg.RunRequest)


def test_a_killed_import_does_not_block_the_inbox(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.0)
    killed = subprocess.Popen(["sleep", "60"])
    noted = orphaned_runs.tag_of_process(killed.pid)
    job = sensors.job("shipments")
    instance.create_run_for_job(job, tags={orphaned_runs.TAG: noted})
    (inbox / "a.csv").write_text(text_of([line(1)]))
    assert tick(resources, instance) == "A run is under way."
    killed.kill()
    killed.wait()
    time.sleep(0.05)
    (inbox / "b.csv").write_text(text_of([line(1)]))  # newer than the failure
    assert isinstance(tick(resources, instance), dg.RunRequest)
