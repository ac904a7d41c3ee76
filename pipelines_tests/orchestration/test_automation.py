"""Automation on the real graph: derived assets across sources, and manual jobs."""

from typing import Any

import dagster as dg
import pytest

from pipelines.definitions import build_definitions, definitions
from pipelines.orchestration.orphaned_runs import TAG
from pipelines.orchestration.run_state import is_by_hand
from pipelines.source import sources

DOMAINS = {
    ".".join(node.key.path): node.tags["source"]
    for node in definitions.get_repository_def().asset_graph.asset_nodes
}
#: What shows losses, which the weather may change.
OF_LOSSES = {
    *("enriched.solar_hour_losses", "enriched.solar_impossible_hours"),
    *("metrics.solar_daily", "metrics.solar_day_losses", "metrics.solar_losses"),
    "metrics.solar_soiling",
}
OF_SOLAR = OF_LOSSES | {
    *("enriched.solar_corrections", "enriched.solar_missing_hours", "enriched.solar_readings"),
    *("metrics.solar_coverage", "metrics.solar_fleet_days", "metrics.solar_gaps"),
    *("metrics.solar_hourly", "metrics.solar_plant_health", "metrics.solar_syncs"),
    "solar.coverage",
}


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(name.split("."))


class Follower:
    """The daemon's evaluation, tick after tick."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: Any = None
        assert self.tick() == set()

    def tick(self) -> set[str]:
        result = dg.evaluate_automation_conditions(
            definitions, self.instance, dg.AssetSelection.all(), cursor=self.cursor
        )
        self.cursor = result.cursor
        keys = definitions.resolve_all_asset_keys()
        return {".".join(one.path) for one in keys if result.get_num_requested(one)}

    def materialise(self, *names: str, partition: str | None = None) -> None:
        for name in names:
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(key(name), partition=partition)
            )


def test_what_is_derived_follows_another_domain_once(instance: dg.DagsterInstance) -> None:
    follower = Follower(instance)
    follower.materialise("weather.hourly")
    shown_in = {
        *("enriched.itinerary_legs", "enriched.shipment_weather", "enriched.solar_readings"),
        *("enriched.weather_places", *OF_LOSSES),
    }
    assert follower.tick() == shown_in
    follower.materialise(*shown_in)
    assert follower.tick() == follower.tick() == set()
    follower.materialise("bookings.events")
    shown_in = {
        *("enriched.hotel_events", "enriched.hotels", "enriched.reservation_changes"),
        *("enriched.reservation_nights", "metrics.hotel_stays"),
    }
    assert follower.tick() == shown_in


def test_assets_refreshed_by_a_job_are_not_requested_again(instance: dg.DagsterInstance) -> None:
    follower = Follower(instance)
    for job in sources():
        layer = definitions.resolve_job_def(job).asset_layer
        made = [
            ".".join(one.path)
            for one in layer.asset_graph.toposorted_asset_keys
            if one in layer.selected_asset_keys
        ]
        follower.materialise(*made)
    assert follower.tick() == set()


def test_derived_assets_wait_for_the_run_in_progress(instance: dg.DagsterInstance) -> None:
    """And not, as `eager` would, for weather, flights and a plant that never came."""
    follower = Follower(instance)
    run = instance.create_run_for_job(
        definitions.resolve_job_def("solar"), status=dg.DagsterRunStatus.STARTED
    )
    instance.add_dynamic_partitions("solar_plants", ["1", "2"])
    follower.materialise("solar.readings", partition="1")
    assert follower.tick() == set()
    instance.report_run_failed(run, "it was killed half way")
    assert follower.tick() == OF_SOLAR


def test_a_disabled_source_has_no_freshness_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setenv("MONITORING_URL", "http://127.0.0.1:9")
    nodes = build_definitions().get_repository_def().asset_graph.asset_nodes
    without = {
        ".".join(one.key.path)
        for one in nodes
        if one.is_executable and one.freshness_policy is None
    }
    off = {"bookings", "flights", "shipments"}
    assert {DOMAINS[name] for name in without} == off
    assert {"enriched.shipments", "metrics.hotel_bookings_by_stay_night"} < without


def test_a_run_knows_whether_a_person_requested_it(instance: dg.DagsterInstance) -> None:
    automatic = ("sensor_name", "schedule_name", "from_automation_condition")
    for tag in (TAG, *(f"dagster/{one}" for one in automatic)):
        job = definitions.resolve_job_def("flights")
        run = instance.create_run_for_job(job, tags={tag: "this"})
        assert is_by_hand(run) == (tag == TAG), tag
