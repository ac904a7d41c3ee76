"""The definitions as Dagster loads them."""

import datetime as dt
import sys
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from pipelines.definitions import definitions
from pipelines.orchestration import asset_metadata
from pipelines.orchestration.orphaned_runs import TAG
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.testing.fake_source import FakeSource, body, cut, document
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import executed
from pipelines_tests.jobs import Runner, failure
from pipelines_tests.loaders import hasten
from pipelines_tests.sources.flights.made_up import flights_document, itinerary


@pytest.fixture
def resources(
    few_airports: None,
    warehouse: Warehouse,
    source: FakeSource,
    sandbox_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    hasten(monkeypatch, "pipelines.sources.flights.client")
    url = warehouse.engine.url.render_as_string(hide_password=False)
    return {
        "warehouse": WarehouseResource(url=url),
        "flights": source_resource("flights", url=source.url),
        "weather": source_resource(
            "weather", weather_base_url=sandbox_url, geocoding_base_url=sandbox_url
        ),
    }


def run(
    resources: dict[str, Any], *, attended: bool = True, instance: Any = None
) -> dg.ExecuteInProcessResult:
    tags = {TAG: "a test"} if attended else {}
    job = definitions.resolve_job_def("flights")
    return job.execute_in_process(
        instance=instance, resources=resources, raise_on_error=False, tags=tags
    )


def test_they_load_without_a_warning_or_a_heavy_library() -> None:
    """The sensor of alerts is among them, and loads apprise when there is an alert."""
    code = (
        "import sys; from pipelines.definitions import definitions;"
        "print({'pandas', 'pyarrow', 'apprise'} & set(sys.modules));"
        "definitions.resolve_job_def('flights')"
    )
    done = executed(sys.executable, "-W", "error", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "set()\n", "")


def test_each_resource_says_what_it_is_and_what_may_be_set() -> None:
    """The UI's launchpad and `dagster` show it."""
    repository = definitions.get_repository_def()
    for name, resource in repository.get_top_level_resources().items():
        assert resource.description, name
        schema: Any = resource.config_schema.config_type
        for field, declared in schema.fields.items():
            assert declared.description, f"{name}.{field}"


def test_the_key_of_an_asset_is_where_its_table_is(warehouse: Warehouse) -> None:
    with warehouse.engine.connect() as connection:
        for key in definitions.resolve_all_asset_keys():
            if key.path[0] == asset_metadata.EXTERNAL:
                continue
            query = text("SELECT coalesce(to_regclass(:name)::text, to_regproc(:name)::text)")
            name = ".".join(key.path)
            assert connection.execute(query, {"name": name}).scalar() == name


def test_a_job_lands_flights_and_their_counts(
    resources: dict[str, Any], source: FakeSource
) -> None:
    source.will(document(flights_document()))
    result = run(resources)
    assert result.success
    pages = {
        ".".join(event.asset_key.path): event.materialization.metadata
        for event in result.all_events
        if event.is_step_materialization and event.asset_key
    }
    received = {
        name: pages.pop(name) for name in [*pages] if name.startswith(asset_metadata.EXTERNAL)
    }
    assert received["sources.flights_document"]["loaded"].value == 5
    counts: dict[str, Any] = {name: page["dagster/row_count"].value for name, page in pages.items()}
    for name, page in pages.items():
        assert ("bytes_on_disk" in page) == (name.split(".")[0] not in ("enriched", "metrics"))
    assert counts["flights.itineraries"] == counts["enriched.itineraries"] == 2
    assert counts["flights.legs"] == 3
    assert len(counts) == 20, "the weather has a job of its own"
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_checks_show_rejects_and_drift_and_a_wrong_ledger_blocks(
    resources: dict[str, Any], source: FakeSource, warehouse: Warehouse
) -> None:
    source.will(document(flights_document([itinerary(1, [1], cabin="Y"), itinerary(2, [9])])))
    result = run(resources)
    assert result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["counts_balance"].passed
    assert not checks["schema_drift"].passed
    assert not checks["no_rejects"].passed
    shown = str(checks["no_rejects"].metadata["rows"].value)
    assert "itineraries[1]" in shown
    assert "leg_9" in shown
    assert 'unknown key "cabin"' in str(checks["schema_drift"].metadata["rows"].value)
    with warehouse.engine.begin() as connection:
        connection.execute(text("DELETE FROM ops.quarantine"))
    result = run(resources)
    assert not result.success
    materialized = {
        ".".join(e.asset_key.path) for e in result.get_asset_materialization_events() if e.asset_key
    }
    assert "flights.itineraries" in materialized
    assert "enriched.itineraries" not in materialized


def test_a_source_with_nothing_yet_is_not_red(
    resources: dict[str, Any], source: FakeSource
) -> None:
    source.will(body(b"", status=204))
    result = run(resources)
    assert result.success
    assert not [one for one in result.get_asset_check_evaluations() if not one.passed]


def test_a_broken_source_fails_the_run_and_writes_nothing(
    resources: dict[str, Any], source: FakeSource, warehouse: Warehouse
) -> None:
    for fault, words in (
        (cut(b'{"itineraries": [', said_length=400), "IncompleteRead"),
        (body(b"gone", status=404), "answered 404"),
        (document({"itineraries": []}), 'has no list "legs"'),
    ):
        source.will(fault)
        message = failure(run(resources))
        assert words in message
        assert source.url in message
        assert "FLIGHTS_URL" in message
    with warehouse.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM flights.payloads")).scalar() == 0


def test_where_nobody_waits_a_step_looks_again_before_it_fails(
    resources: dict[str, Any], source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asset_metadata, "PATIENCE_SECONDS", (0.1, 0.1))
    broken = body(b"<!doctype html>")
    source.will(*[broken] * 4, document(flights_document()))  # two attempts a look
    assert run(resources, attended=False).success
    source.will(broken)
    requested = len(source.requests)
    assert "HTML instead of JSON" in failure(run(resources, attended=False))
    assert len(source.requests) == requested + 6
    source.will(body(b"", status=404))
    requested = len(source.requests)
    assert "answered 404" in failure(run(resources, attended=False))
    assert len(source.requests) == requested + 1


def test_a_day_with_an_unavailable_source_is_loaded_later(
    resources: dict[str, Any],
    source: FakeSource,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = {name: resources[name] for name in ("flights", "warehouse")}

    def look() -> dg.RunRequest | str:
        return Runner(used, instance).tick("flights_retry")

    assert look() == "No run has begun and ended today."
    source.will(body(b"down", 503))
    run(resources, instance=instance)
    assert look() == "The last run archived nothing; trying again in a few minutes."
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    with monkeypatch.context() as after_midnight:
        after_midnight.setattr("pipelines.sources.flights.jobs.utc_now", lambda: tomorrow)
        assert look() == "No run has begun and ended today.", "the schedule fetches that day's"
    monkeypatch.setattr("pipelines.sources.flights.jobs.AFTER_FAILURE_SECONDS", 0.0)
    requested = look()
    assert isinstance(requested, dg.RunRequest)
    source.will(document(flights_document()))
    assert run(resources, instance=instance).success
    assert look() == "Today's document is archived."
