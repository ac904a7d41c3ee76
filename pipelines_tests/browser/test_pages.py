"""The pages: every asset and its checks."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, expect

from pipelines_tests.browser.watched import Watched
from pipelines_tests.served_ui import Ui

ASSETS = """{ assetNodes { assetKey { path } groupName description isExecutable
    metadataEntries { ...shape } assetMaterializations(limit: 1) { metadataEntries { ...shape } }
    assetChecksOrError { ... on AssetChecks { checks { name } } } } }
fragment shape on MetadataEntry { ... on TableSchemaMetadataEntry { schema { columns { name } } } }
"""
pytestmark = pytest.mark.timeout(1500)  # one looks at every asset


def test_every_asset_has_a_page_that_opens_without_an_error(watched: Watched, ui: Ui) -> None:
    """Those that sources outside deliver as well, which cannot be executed. A graph a group."""
    assets = ui.query(ASSETS)["assetNodes"]
    assert len(assets) >= 31
    drawn = set[str]()
    watched.open("/assets")
    for asset in assets:
        name = "/".join(asset["assetKey"]["path"])
        watched.go_to(f"/assets/{quote(name)}?view=overview")
        expect(tab(watched, "Overview")).to_have_attribute("aria-selected", "true")
        watched.wait_for(asset["description"].splitlines()[0])
        columns = [one["name"] for one in columns_of(asset)]
        assert columns or not asset["isExecutable"], name
        for column in columns:
            cell = watched.page.locator("td:first-child").get_by_text(column, exact=True)
            expect(cell.first).to_be_attached()
        assert watched.faults() == [], name
        tab(watched, "Checks").click()
        for check in asset["assetChecksOrError"].get("checks", ()):
            expect(watched.page.get_by_text(check["name"], exact=True).first).to_be_visible()
        assert watched.faults() == [], f"checks of {name}"
        if asset["groupName"] in drawn:
            continue
        drawn.add(asset["groupName"])
        tab(watched, "Lineage").click()
        # In a graph, the middle of a long name is left out.
        begins = re.compile(rf"\b{re.escape(asset['assetKey']['path'][-1][:5])}")
        box = watched.page.locator("foreignObject:not(.group)").filter(has_text=begins)
        expect(box.first).to_be_visible()
        assert watched.faults() == [], f"lineage of {name}"


def columns_of(asset: Any) -> list[Any]:
    runs = asset["assetMaterializations"]
    entries = asset["metadataEntries"] + (runs[0]["metadataEntries"] if runs else [])
    return next((one["schema"]["columns"] for one in reversed(entries) if "schema" in one), [])


def tab(watched: Watched, name: str) -> Locator:
    return watched.page.get_by_role("tab", name=name, exact=True)
