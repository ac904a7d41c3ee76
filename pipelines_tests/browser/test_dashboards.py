"""The dashboards in a browser, beside the Dagster UI, on what a first run loaded."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from pipelines_tests.browser import chromium
from pipelines_tests.browser.dashboards import served
from pipelines_tests.browser.watched import Watched
from pipelines_tests.served_ui import Ui

#: How many charts and tables each page has, at least.
PAGES = {
    "Overview": 2,
    "Flights": 3,
    "Hotel bookings": 3,
    "Shipments": 3,
    "Solar plants": 5,
    "Data quality": 3,
    "Functions": 3,
}


@pytest.fixture(scope="module")
def dashboards(ui: Ui) -> Iterator[str]:
    with served(ui.state) as url:
        yield url


@pytest.fixture
def seen(browser: Browser, dashboards: str) -> Iterator[Watched]:
    with chromium.visitor(browser) as context:
        page = Watched(context.new_page(), dashboards)
        page.open("/")
        expect(page.page.get_by_role("heading", name="Overview")).to_be_visible()
        yield page
        assert page.faults() == []


@pytest.mark.answers("F18", "E25")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_its_data(seen: Watched, name: str) -> None:
    page = seen.page
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    drawn = page.get_by_test_id("stVegaLiteChart").or_(page.get_by_test_id("stDataFrame"))
    expect(drawn.nth(PAGES[name] - 1)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.get_by_text("SQL", exact=True).first.click()
    expect(page.get_by_test_id("stCode").first).to_contain_text("SELECT")


@pytest.mark.answers("E25")
def test_a_filter_changes_what_is_shown(seen: Watched) -> None:
    page = seen.page
    page.get_by_role("link", name="Hotel bookings", exact=True).click()
    total = page.get_by_test_id("stMetricValue").first
    expect(total).to_have_text(re.compile(r"\d"))
    of_all = total.inner_text()
    page.get_by_test_id("stMultiSelect").locator("input").click()
    page.get_by_role("option").nth(1).click()  # the first one selects all
    expect(total).not_to_have_text(of_all)


@pytest.mark.answers("F35")
@pytest.mark.parametrize("name", ["flights", "shipments"])
def test_a_page_fits_a_telephone(browser: Browser, dashboards: str, name: str) -> None:
    with chromium.visitor(browser, width=390, height=844) as context:
        page = context.new_page()
        page.goto(f"{dashboards}/{name}")
        expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        chart = page.get_by_test_id("stVegaLiteChart").first.bounding_box()
        assert chart is not None
        assert chart["x"] >= 0
        assert chart["x"] + chart["width"] <= 390
