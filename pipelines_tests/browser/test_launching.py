"""Launches from the UI: an asset, and a job with its own configuration."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from pipelines_tests.browser.watched import Watched
from pipelines_tests.served_ui import Ui

pytestmark = pytest.mark.timeout(1500)  # the first one makes the UI
UNDER_WAY = ("REQUESTED", "CANCELING", "FAILING")
LAST_RUNS = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetMaterializations(limit: 5) { runId metadataEntries { label
        ... on IntMetadataEntry { intValue } } } } } }"""

BACKFILL = """{ partitionBackfillsOrError(limit: 1) { ... on PartitionBackfills { results {
    id status runs(limit: 100) { status assetSelection { path } } } } } }"""
ASSETS = """{ assetNodes { assetKey { path } isMaterializable partitionDefinition { name }
    partitionStats { numPartitions numMaterialized numFailed } } }"""


def wait_for_backfill(ui: Ui, before: str | None) -> dict[str, Any]:
    deadline = time.monotonic() + 600
    while True:
        found = ui.query(BACKFILL)["partitionBackfillsOrError"]["results"]
        if found and found[0]["id"] != before and found[0]["status"] not in UNDER_WAY:
            return dict(found[0])
        assert time.monotonic() < deadline, found
        time.sleep(1)


def last_backfill(ui: Ui) -> str | None:
    found = ui.query(BACKFILL)["partitionBackfillsOrError"]["results"]
    return str(found[0]["id"]) if found else None


def launch_backfill(watched: Watched) -> None:
    """Click, and see the page say that the backfill was created."""
    watched.page.get_by_role("button", name="Launch backfill").click()
    created = watched.page.get_by_text("Created backfill")
    # Either of both; then the page's own words and faults say why there is none.
    expect(created.or_(watched.page.get_by_text("View error")).first).to_be_visible()
    assert created.is_visible(), watched.faults()


def test_materialising_everything_by_click_is_green_and_takes_each_asset_once(
    watched: Watched, ui: Ui
) -> None:
    before = last_backfill(ui)
    watched.open("/asset-groups")
    watched.page.get_by_role("button", name=re.compile("Materialize all")).first.click()
    dialog = watched.page.get_by_role("dialog")
    dialog.get_by_text("All", exact=True).first.click()  # of the plants
    launch_backfill(watched)
    backfill = wait_for_backfill(ui, before)
    assert backfill["status"] == "COMPLETED_SUCCESS", backfill
    assert {run["status"] for run in backfill["runs"]} == {"SUCCESS"}
    taken = ["/".join(one["path"]) for run in backfill["runs"] for one in run["assetSelection"]]
    nodes = ui.query(ASSETS)["assetNodes"]
    there = ["/".join(one["assetKey"]["path"]) for one in nodes if one["isMaterializable"]]
    assert sorted(taken) == sorted(there)
    watched.open(f"/runs/b/{backfill['id']}")
    expect(
        watched.page.get_by_text(re.compile("^(Completed|Success|Succeeded)$")).first
    ).to_be_visible()


@pytest.mark.parametrize(
    "key",
    ["metrics/solar_plant_health", "metrics/hotel_bookings_by_event_day"],
    ids=["alone", "with_another"],
)
def test_materialising_an_asset_by_click_shows_its_metadata(
    watched: Watched, ui: Ui, key: str
) -> None:
    watched.open(f"/assets/{key}?view=overview")
    watched.page.get_by_role("button", name=re.compile("Materialize$")).click()
    confirm, launched = watched.page.get_by_role("button", name="Confirm"), "Launched run"
    expect(confirm.or_(watched.page.get_by_text(launched)).first).to_be_visible()
    if confirm.is_visible():  # another asset is made by the same step
        confirm.click()
    expect(watched.page.get_by_text(launched)).to_be_visible()
    watched.page.get_by_role("link", name="View", exact=True).click()
    watched.page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"))
    run_id = watched.page.url.rpartition("/")[2]
    assert ui.wait_for_run(run_id) == "SUCCESS"
    expect(watched.page.get_by_text("Success", exact=True).first).to_be_visible()
    assert watched.faults() == []

    runs = ui.query(LAST_RUNS, key={"path": key.split("/")})["assetNodeOrError"]
    entries = {one["runId"]: one["metadataEntries"] for one in runs["assetMaterializations"]}
    (rows,) = [e["intValue"] for e in entries[run_id] if e["label"] == "dagster/row_count"]
    watched.open(f"/assets/{key}?view=overview")
    expect(watched.page.get_by_text(f"{rows:,}", exact=True).first).to_be_visible()
    watched.page.get_by_role("button", name="Plots").click()
    expect(watched.page.locator("canvas").first).to_be_visible()


def test_a_launchpad_opens_valid(watched: Watched) -> None:
    watched.open("/locations/pipelines/jobs/backfill_solar_days/playground")
    expect(watched.page.get_by_text("No errors")).to_be_visible()
    expect(watched.page.get_by_role("button", name="Launch Run")).to_be_enabled()
    assert watched.faults() == []
