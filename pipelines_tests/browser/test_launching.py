"""Launches from the UI: all assets, and a job with its own configuration."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from pipelines_tests.browser.watched import Watched
from pipelines_tests.served_ui import Ui

pytestmark = pytest.mark.timeout(1500)  # the first one makes the UI
UNDER_WAY = ("REQUESTED", "CANCELING", "FAILING")

BACKFILL = """{ partitionBackfillsOrError(limit: 1) { ... on PartitionBackfills { results {
    id status runs(limit: 100) { status assetSelection { path } } } } } }"""
ASSETS = "{ assetNodes { assetKey { path } isMaterializable } }"


def wait_for_backfill(ui: Ui, before: str | None) -> dict[str, Any]:
    deadline = time.monotonic() + 600
    while True:
        found = ui.query(BACKFILL)["partitionBackfillsOrError"]["results"]
        if found and found[0]["id"] != before and found[0]["status"] not in UNDER_WAY:
            return dict(found[0])
        assert time.monotonic() < deadline, found
        time.sleep(1)


def test_materialising_everything_by_click_is_green_and_takes_each_asset_once(
    watched: Watched, ui: Ui
) -> None:
    found = ui.query(BACKFILL)["partitionBackfillsOrError"]["results"]
    watched.open("/asset-groups")
    watched.page.get_by_role("button", name=re.compile("Materialize all")).first.click()
    dialog = watched.page.get_by_role("dialog")
    dialog.get_by_text("All", exact=True).first.click()  # of the plants
    watched.page.get_by_role("button", name="Launch backfill").click()
    created = watched.page.get_by_text("Created backfill")
    # Either of both; then the page's own words and faults say why there is none.
    expect(created.or_(watched.page.get_by_text("View error")).first).to_be_visible()
    assert created.is_visible(), watched.faults()
    backfill = wait_for_backfill(ui, found[0]["id"] if found else None)
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


def test_a_launchpad_opens_valid(watched: Watched) -> None:
    watched.open("/locations/pipelines/jobs/backfill_solar_days/playground")
    expect(watched.page.get_by_text("No errors")).to_be_visible()
    expect(watched.page.get_by_role("button", name="Launch Run")).to_be_enabled()
    assert watched.faults() == []
