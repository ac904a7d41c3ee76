"""The jobs of bookings as Dagster runs them, their sensors and their schedule."""

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import build_definitions
from pipelines.ingest import inbox as inboxes
from pipelines.orchestration.resources import WarehouseResource, source_resource, utc_now
from pipelines.sources.bookings.jobs import audit_of, hotel_bookings_lag
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import sensors
from pipelines_tests.fake_source import FakeSource, body, document
from pipelines_tests.jobs import failed_checks, failure, metadata
from pipelines_tests.loaders import hasten
from pipelines_tests.sensors import sensor
from pipelines_tests.sources.bookings.made_up import event, quarantined, stored, text_of


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.05)
    hasten(monkeypatch, "pipelines.sources.bookings.client")
    return tmp_path


@pytest.fixture
def resources(warehouse: Warehouse, inbox: Path, source: FakeSource) -> dict[str, Any]:
    source.will(document([]))
    url = warehouse.engine.url.render_as_string(hide_password=False)
    return {
        "warehouse": WarehouseResource(url=url),
        "bookings": source_resource("bookings", inbox=str(inbox), events_url=source.url),
    }


def run(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    job: str = "bookings",
    operation: str = "load_bookings",
    **config: Any,
) -> dg.ExecuteInProcessResult:
    return sensors.job(job).execute_in_process(
        resources=resources,
        instance=instance,
        run_config={"ops": {operation: {"config": config}}} if config else {},
        raise_on_error=False,
        tags={"isobar/interactive": "a test"},
    )


def tick(
    sensor: dg.SensorDefinition, resources: dict[str, Any], instance: dg.DagsterInstance
) -> dg.RunRequest | str | None:
    needed = {name: resources[name] for name in sensor.required_resource_keys}
    context = dg.build_sensor_context(instance=instance, resources=needed)
    answer = sensor.evaluate_tick(context)
    return answer.run_requests[0] if answer.run_requests else answer.skip_message


@pytest.mark.answers("E16")
def test_files_and_the_api_land_together_and_are_counted(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    source: FakeSource,
    owner: psycopg.Connection,
) -> None:
    source.will(document([event(3), event(4, status=2)]))
    (inbox / "a.csv").write_text(text_of([event(1), event(2), event(3)]))
    result = run(resources, instance)
    assert result.success
    recorded = metadata(result, "bookings.events")
    assert (recorded["dagster/row_count"], recorded["deliveries"]) == (4, 2)
    assert (recorded["read"], recorded["loaded"], recorded["unchanged"]) == (5, 4, 1)
    counted = metadata(result, "metrics.hotel_bookings_by_event_day")
    assert (counted["new_events"], counted["dagster/row_count"]) == (4, 1)
    query = "SELECT * FROM metrics.hotel_bookings(2607, 'year', 2022)"
    assert owner.execute(query).fetchall()[0][1:] == (3, 1, 2)
    assert failed_checks(result) == set()
    again = metadata(run(resources, instance), "metrics.hotel_bookings_by_event_day")
    assert again["new_events"] == 0


def test_an_unavailable_api_fails_the_run_but_files_are_counted(
    resources: dict[str, Any], instance: dg.DagsterInstance, inbox: Path, source: FakeSource
) -> None:
    source.will(body(b"gone", 503))
    (inbox / "a.csv").write_text(text_of([event(1)]))
    result = run(resources, instance)
    assert not result.success
    assert "503" in failure(result)
    assert failed_checks(result) == {"readable_api"}
    assert metadata(result, "metrics.hotel_bookings_by_event_day")["new_events"] == 1
    source.will(document([]))
    well = run(resources, instance)
    assert well.success
    assert failed_checks(well) == set()


def test_a_rejected_file_fails_one_run_and_blocks_no_other(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    owner: psycopg.Connection,
) -> None:
    (inbox / "a.csv").write_bytes(bytes(range(256)) * 100)
    (inbox / "b.csv.gz").write_bytes(b"\x1f\x8b broken")
    (inbox / "c.csv").write_text("")
    (inbox / "d.csv").write_text(text_of([event(1)]))
    (inbox / "notes.txt").write_text("not for us")
    result = run(resources, instance)
    assert "3 of the inbox's files rejected" in failure(result)
    assert len(stored(owner)) == 1
    assert metadata(result, "metrics.hotel_bookings_by_event_day")["new_events"] == 1
    assert run(resources, instance).success


def test_without_a_source_the_job_is_skipped(
    resources: dict[str, Any], instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    off = resources | {"bookings": source_resource("bookings")}
    result = run(off, instance)
    assert result.success
    assert metadata(result, "bookings.events") == {}
    assert tick(sensor("bookings_inbox"), off, instance) == "BOOKINGS_INBOX is not set."
    assert tick(sensor("bookings_events_api"), off, instance) == "BOOKINGS_EVENTS_URL is not set."


def test_one_file_is_loaded_by_hand(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    tmp_path_factory: pytest.TempPathFactory,
    owner: psycopg.Connection,
) -> None:
    file = tmp_path_factory.mktemp("elsewhere") / "mine.csv"
    file.write_text(text_of([event(1)]))
    assert run(resources, instance, file=str(file)).success
    assert len(stored(owner)) == 1
    missing = run(resources, instance, file="/nowhere.csv")
    assert "there is no such file" in failure(missing)


def test_a_retry_is_counted_like_a_load(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: psycopg.Connection,
) -> None:
    from pipelines.sources.bookings import transform

    events = [event(number) for number in range(20)]
    events[7] = event(7, status=3)
    (inbox / "a.csv").write_text(text_of(events))
    assert failed_checks(run(resources, instance)) == {"no_rejects"}
    monkeypatch.setitem(transform.STATUSES, "3", "cancellation")
    result = run(resources, instance, retry_quarantine=True)
    assert metadata(result, "metrics.hotel_bookings_by_event_day")["new_events"] == 1
    assert quarantined(owner) == []
    assert failed_checks(result) == set()


def test_the_api_sensor_requests_runs_only_for_new_events(
    resources: dict[str, Any], instance: dg.DagsterInstance, source: FakeSource
) -> None:
    source.will(document([event(1)]))
    assert isinstance(tick(sensor("bookings_events_api"), resources, instance), dg.RunRequest)
    run(resources, instance)
    run(resources, instance)
    assert tick(sensor("bookings_events_api"), resources, instance) == "Nothing new at the API."
    source.will(document([event(1), event(2)]))
    assert isinstance(tick(sensor("bookings_events_api"), resources, instance), dg.RunRequest)
    source.will(body(b"gone", 503))
    assert failed_checks(run(resources, instance)) == set(), "it loads what the sensor has read"
    assert isinstance(tick(sensor("bookings_events_api"), resources, instance), dg.RunRequest)
    run(resources, instance)
    outcome = tick(sensor("bookings_events_api"), resources, instance)
    assert isinstance(outcome, str)
    assert outcome.startswith("The last request failed; trying again 5 minutes after it: bookings:")


def test_an_unavailable_api_fails_one_run_and_is_paused(
    resources: dict[str, Any], instance: dg.DagsterInstance, source: FakeSource
) -> None:
    run(resources, instance)
    source.will(body(b"gone", 503))
    assert isinstance(tick(sensor("bookings_events_api"), resources, instance), dg.RunRequest)
    failed = run(resources, instance)
    assert failed_checks(failed) == {"readable_api"}
    outcome = tick(sensor("bookings_events_api"), resources, instance)
    assert isinstance(outcome, str)
    assert "503" in outcome


def test_a_failed_job_is_not_restarted_at_once_for_news(
    resources: dict[str, Any], instance: dg.DagsterInstance, source: FakeSource
) -> None:
    run(resources, instance)
    job = sensors.job("bookings")
    broken = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    instance.report_run_failed(broken, "the database is away")
    source.will(document([event(1)]))
    outcome = tick(sensor("bookings_events_api"), resources, instance)
    assert outcome == "The last run failed; trying again in a few minutes."


def test_counts_that_a_killed_run_left_behind_are_caught_up(
    resources: dict[str, Any], instance: dg.DagsterInstance, warehouse: Warehouse, inbox: Path
) -> None:
    from pipelines_tests.sources.bookings.made_up import deliver

    run(resources, instance)
    assert tick(sensor("bookings_inbox"), resources, instance) == "Nothing new in the inbox."
    assert tick(hotel_bookings_lag, resources, instance) == "All events are counted."
    deliver(warehouse, inbox, [event(1)], "a.txt")
    assert isinstance(tick(hotel_bookings_lag, resources, instance), dg.RunRequest)
    result = run(resources, instance, "refresh_hotel_bookings")
    assert metadata(result, "metrics.hotel_bookings_by_event_day")["new_events"] == 1
    assert tick(hotel_bookings_lag, resources, instance) == "All events are counted."


def test_a_rebuild_repairs_counts_that_were_tampered_with(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    inbox: Path,
    owner: psycopg.Connection,
) -> None:
    march = event(2, event_timestamp="2022-03-01 01:00:00")
    (inbox / "a.csv").write_text(text_of([event(1), march]))
    run(resources, instance)
    assert failed_checks(run(resources, instance, "bookings_audit")) == set()
    owner.execute(
        "UPDATE metrics.hotel_bookings_by_event_day SET bookings = 7 WHERE day > '2022-04-01'"
    )
    wrong = run(resources, instance, "bookings_audit")
    assert failed_checks(wrong) == {"matches_recount", "axes_reconcile"}
    run(resources, instance, "bookings", "hotel_bookings", rebuild=True)
    assert failed_checks(run(resources, instance, "bookings_audit")) == set()


def test_audits_run_for_new_events_after_failures_and_daily(
    resources: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    job = sensors.job("bookings_audit")

    later = dt.timedelta()

    def audit(load_number: int, status: dg.DagsterRunStatus) -> None:
        request = audit_of(load_number, instance, utc_now() + later)
        assert isinstance(request, dg.RunRequest)
        instance.create_run_for_job(job, status=status, tags=dict(request.tags))

    def skipped(load_number: int) -> str | None:
        reason = audit_of(load_number, instance, utc_now() + later)
        assert isinstance(reason, dg.SkipReason)
        return reason.skip_message

    assert skipped(0) == "There are no events yet."
    audit(1, dg.DagsterRunStatus.FAILURE)
    audit(1, dg.DagsterRunStatus.STARTED)
    assert skipped(1) == "No new events since the last audit."
    audit(2, dg.DagsterRunStatus.SUCCESS)
    assert skipped(2) == "No new events since the last audit."
    later = dt.timedelta(days=1)
    audit(2, dg.DagsterRunStatus.SUCCESS)


def test_checks_that_read_all_events_run_only_in_the_audit() -> None:
    definitions = build_definitions()
    arrival = definitions.resolve_job_def("bookings").asset_layer
    audit = definitions.resolve_job_def("bookings_audit").asset_layer
    thorough = {"no_double_booking", "booked_before_cancelled", "event_before_stay"}
    thorough |= {"matches_recount", "axes_reconcile"}
    names = [{key.name for key in layer.asset_graph.asset_check_keys} for layer in (arrival, audit)]
    assert names[0] & thorough == set()
    assert names[1] == thorough
