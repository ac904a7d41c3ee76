"""The pages: every asset and its checks."""

import re
from collections.abc import Iterator
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
CHECKS = """{ assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks { checks { name
    executionForLatestMaterialization { evaluation { success metadataEntries { label
        ... on TableMetadataEntry { table { records } } } } } } } } } }"""
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
            expect(row(watched, column).first).to_be_attached()
        assert watched.faults() == [], name
        tab(watched, "Checks").click()
        for check in asset["assetChecksOrError"].get("checks", ()):
            expect(watched.page.get_by_text(check["name"], exact=True).first).to_be_visible()
        assert watched.faults() == [], f"checks of {name}"
        if asset["groupName"] in drawn:
            continue
        drawn.add(asset["groupName"])
        tab(watched, "Lineage").click()
        expect(node(watched, asset["assetKey"]["path"][-1])).to_be_visible()
        assert watched.faults() == [], f"lineage of {name}"


def columns_of(asset: Any) -> list[Any]:
    runs = asset["assetMaterializations"]
    entries = asset["metadataEntries"] + (runs[0]["metadataEntries"] if runs else [])
    return next((one["schema"]["columns"] for one in reversed(entries) if "schema" in one), [])


def tab(watched: Watched, name: str) -> Locator:
    return watched.page.get_by_role("tab", name=name, exact=True)


def node(watched: Watched, name: str) -> Locator:
    """The box of an asset in a graph, where long names have their middle left out."""
    ends = rf"\b{re.escape(name[:5])}\w*…\w*{re.escape(name[-4:])}"
    shown = re.compile(rf"({re.escape(name)}|{ends})")
    return watched.page.locator("foreignObject:not(.group)").filter(has_text=shown).first


def row(watched: Watched, column: str) -> Locator:
    """The line of a table that begins with the name of a column."""
    cell = watched.page.locator("td:first-child").get_by_text(column, exact=True)
    return watched.page.locator("table tr").filter(has=cell)


def failed_checks(ui: Ui) -> Iterator[tuple[str, str, list[Any]]]:
    """Assets, their checks that found something, and the rows that these show."""
    for asset in ui.query(CHECKS)["assetNodes"]:
        for check in asset["assetChecksOrError"].get("checks", ()):
            run = check["executionForLatestMaterialization"]
            if run and run["evaluation"] and not run["evaluation"]["success"]:
                entries = {one["label"]: one for one in run["evaluation"]["metadataEntries"]}
                records = entries["rows"]["table"]["records"]
                yield "/".join(asset["assetKey"]["path"]), check["name"], records


def test_a_check_that_failed_shows_the_rows_that_it_found(watched: Watched, ui: Ui) -> None:
    """The simulated sources deliver dirt on purpose, so some find something."""
    failed = list(failed_checks(ui))
    assert ("flights/itineraries", "dangling_legs") in [(asset, name) for asset, name, _ in failed]
    for asset, name, records in failed:
        watched.open(f"/assets/{asset}?view=checks&checkDetail={name}")
        expect(watched.page.get_by_text("This is a non-blocking asset check")).to_be_visible()
        table = watched.page.locator("table table tbody tr")
        expect(table).to_have_count(len(records))
        text = " ".join(table.all_inner_texts())
        assert text.strip()
        assert watched.faults() == [], name
