"""The jobs of bookings as Dagster runs them, their sensors and their schedule."""

from pathlib import Path

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import build_definitions
from pipelines.ingest import inbox as inboxes
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.sources.bookings.counts import refresh
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.jobs import Runner, failed_checks, failure, metadata
from pipelines_tests.loaders import hasten
from pipelines_tests.sources.bookings.made_up import deliver, event, text_of

COUNTS = "metrics.hotel_bookings_by_event_day"
API = "bookings_events_api"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.05)
    hasten(monkeypatch, "pipelines.sources.bookings.client")
    return tmp_path


@pytest.fixture
def bookings(
    warehouse: Warehouse, folder: Path, source: FakeSource, instance: dg.DagsterInstance
) -> Runner:
    source.will(document([]))
    url = warehouse.engine.url.render_as_string(hide_password=False)
    resources = {
        "warehouse": WarehouseResource(url=url),
        "bookings": source_resource("bookings", inbox=str(folder), events_url=source.url),
    }
    return Runner(resources, instance)


def test_files_and_the_api_land_together_and_are_counted(
    bookings: Runner, folder: Path, source: FakeSource, owner: psycopg.Connection
) -> None:
    source.will(document([event(3), event(4, status=2)]))
    (folder / "a.csv").write_text(text_of([event(1), event(2), event(3)]))
    result = bookings.run("bookings")
    assert result.success
    recorded = metadata(result, "bookings.events")
    assert (recorded["dagster/row_count"], recorded["deliveries"]) == (4, 2)
    assert (recorded["read"], recorded["loaded"], recorded["unchanged"]) == (5, 4, 1)
    counted = metadata(result, COUNTS)
    assert (counted["new_events"], counted["dagster/row_count"]) == (4, 1)
    numbers = "bookings, cancellations, net_bookings"
    query = f"SELECT {numbers} FROM metrics.hotel_bookings(2607, 'year', 2022)"
    assert owner.execute(query.encode()).fetchall() == [(3, 1, 2)]
    assert failed_checks(result) == {"no_findings"}, "event 4 cancels what nobody booked"
    assert metadata(bookings.run("bookings"), COUNTS)["new_events"] == 0


def test_an_unavailable_api_fails_the_run_but_files_are_loaded(
    bookings: Runner, folder: Path, source: FakeSource
) -> None:
    source.will(body(b"gone", 503))
    (folder / "a.csv").write_text(text_of([event(1)]))
    result = bookings.run("bookings")
    assert not result.success
    assert "503" in failure(result)
    assert metadata(result, "bookings.events")["loaded"] == 1
    assert isinstance(bookings.tick("hotel_bookings_lag"), dg.RunRequest), "which counts it"
    assert metadata(bookings.run("refresh_hotel_bookings"), COUNTS)["new_events"] == 1
    assert bookings.tick("hotel_bookings_lag") == "All events are counted."
    alone = folder / "elsewhere"
    alone.write_text(text_of([event(2)]))
    by_hand = bookings.run("bookings", "load_bookings", file=str(alone))
    assert by_hand.success, "for a file alone the API is not queried"
    assert metadata(by_hand, COUNTS)["new_events"] == 1
    source.will(document([]))
    well = bookings.run("bookings")
    assert well.success
    assert failed_checks(well) == set()


def test_the_api_sensor_requests_runs_only_for_new_events(
    bookings: Runner, source: FakeSource
) -> None:
    source.will(document([event(1)]))
    assert isinstance(bookings.tick(API), dg.RunRequest)
    bookings.run("bookings")
    bookings.run("bookings")
    assert bookings.tick(API) == "Nothing new at the API."
    source.will(document([event(1), event(2)]))
    assert isinstance(bookings.tick(API), dg.RunRequest)
    source.will(body(b"gone", 503))
    assert "503" in failure(bookings.run("bookings"))
    assert bookings.tick(API) == "The last run failed; trying again 5 min after its start."


def test_a_rebuild_repairs_counts_that_were_tampered_with(
    bookings: Runner, warehouse: Warehouse, folder: Path, owner: psycopg.Connection
) -> None:
    march = event(2, event_timestamp="2022-03-01 01:00:00")
    deliver(warehouse, folder, [event(1), march], "a.txt")
    refresh(warehouse)
    owner.execute(f"UPDATE {COUNTS} SET bookings = 7 WHERE day > '2022-04-01'")
    wrong = bookings.run("bookings_audit")
    assert failed_checks(wrong) == {"no_findings"}
    bookings.run("refresh_hotel_bookings", "hotel_bookings", rebuild=True)
    assert failed_checks(bookings.run("bookings_audit")) == set()


def test_all_events_are_read_only_in_the_audit() -> None:
    definitions = build_definitions()
    arrival, audit = (
        {
            key.name
            for key in definitions.resolve_job_def(job).asset_layer.asset_graph.asset_check_keys
        }
        for job in ("bookings", "bookings_audit")
    )
    assert "ledger_matches_rows" not in arrival
    assert audit == {"ledger_matches_rows", "no_findings"}
