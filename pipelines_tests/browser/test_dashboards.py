"""The dashboards in a browser, beside the Dagster UI, on what a first run loaded."""

import re
from typing import Literal
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.dashboard.theme import BACKGROUNDS
from pipelines.source import sources
from pipelines_tests.browser import chromium
from pipelines_tests.browser.dashboards import IS_IDLE
from pipelines_tests.browser.watched import Watched

#: How many charts and tables each page has, at least. The overview has numbers.
PAGES = {
    "Overview": 0,
    "Flights": 3,
    "Hotel bookings": 3,
    "Shipments": 3,
    "Solar plants": 5,
    "Weather": 1,
    "Data quality": 2,
    "Ask": 1,
}


def beside_all_places(page: Page) -> None:
    """Click on the map where no place is: on land, on the sea or on a line."""
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    places = [one.bounding_box() for one in chart.locator("svg [aria-roledescription=point]").all()]
    inside = [
        (box["x"] + across * box["width"], box["y"] + down * box["height"])
        for across in (0.3, 0.4, 0.5, 0.6, 0.7)
        for down in (0.4, 0.5, 0.6)
    ]
    page.mouse.click(
        *max(
            inside,
            key=lambda at: min(
                abs(one["x"] - at[0]) + abs(one["y"] - at[1]) for one in places if one
            ),
        )
    )


def test_a_click_on_the_map_leads_to_the_parcel(browser: Browser, dashboards: str) -> None:
    with chromium.visitor(browser) as context:
        page = context.new_page()
        visit(page, dashboards, "Shipments")
        marks = page.get_by_test_id("stVegaLiteChart").first.locator(
            "svg [aria-roledescription=point]"
        )
        expect(marks.nth(3)).to_be_visible()
        beside_all_places(page)
        page.wait_for_timeout(1500)  # a click that opens nothing shows nothing to wait for
        expect(page.get_by_test_id("stException")).to_have_count(0)
        place = re.search(r"place: ([^;]+);", marks.nth(3).get_attribute("aria-label") or "")
        assert place is not None
        marks.nth(3).click(force=True)
        page.wait_for_url(lambda url: f"place={quote_plus(place[1])}" in url)
        page.wait_for_function(IS_IDLE)
        of_one = page.get_by_test_id("stVegaLiteChart").first.locator(
            "svg [aria-roledescription=point][aria-label*='parcels: 1;']"
        )
        of_one.first.click(force=True)
        page.wait_for_url(re.compile(r"parcel="))
        number = re.search(r"parcel=(\w+)", page.url)
        assert number is not None
        expect(page.get_by_role("heading", name=re.compile(number[1]))).to_be_visible()


def test_a_click_on_a_day_shows_its_hours(browser: Browser, dashboards: str) -> None:
    with chromium.visitor(browser) as context:
        page = context.new_page()
        visit(page, dashboards, "Solar plants")
        charts = page.get_by_test_id("stVegaLiteChart")
        # The first chart is the waterfall, the second one has a bar for each day.
        charts.nth(1).locator("svg [aria-roledescription=bar]").nth(5).click(force=True)
        page.wait_for_url(re.compile(r"day=20"))
        expect(page.get_by_role("heading", name=re.compile("All plants on "))).to_be_visible()
        page.wait_for_function(IS_IDLE)
        calendar = charts.filter(has=page.get_by_text("not requested"))
        calendar.locator("svg [aria-roledescription='rect mark']").nth(9).click(force=True)
        page.wait_for_url(re.compile(r"plant="))
        page.wait_for_function(IS_IDLE)
        heading = page.get_by_role("heading", name=re.compile(r" on \d+ \w+ 20\d\d$"))
        expect(heading).not_to_contain_text("All plants")
        shown = heading.inner_text()
        page.reload()
        expect(page.get_by_role("heading", name=shown)).to_be_visible()


#: What can be scrolled sideways and is not a table or a statement, which may; and what is cut off.
SCROLLS = """() => {
    const may = "[data-testid=stDataFrame], [data-testid=stCode], pre";
    const wide = [...document.querySelectorAll("*")].filter(one => {
        const place = one.getBoundingClientRect();
        const shown = one.clientWidth > 0 && place.right > 0 && place.left < innerWidth;
        const root = one === document.documentElement || one === document.body;
        const scrolls = root || ["auto", "scroll"].includes(getComputedStyle(one).overflowX);
        return shown && scrolls && !one.closest(may) && one.scrollWidth > one.clientWidth + 1
            && !one.closest("[data-testid=stSidebar]");
    });
    const cut = [...document.querySelectorAll("[data-testid=stMain] [data-testid]")].filter(one => {
        const place = one.getBoundingClientRect();
        return place.width > 2 && place.height > 2 && place.right > innerWidth + 1
            && !one.closest(may);
    });
    return [...wide, ...cut].map(one => one.dataset.testid || one.className || one.tagName);
}"""
WITHOUT_TEXT = """() => [...document.querySelectorAll("[data-testid=stVegaLiteChart]")].filter(
    one => !/[a-z]{3}.* /.test(one.querySelector("[aria-label]")?.getAttribute("aria-label") ?? "")
).length"""


def visit(page: Page, url: str, name: str) -> None:
    """Open a page by its address, and wait until everything is drawn."""
    path = "" if name == "Overview" else name.lower().replace(" ", "-")
    page.goto(f"{url}/{path}")
    wait_until_drawn(page, name)


def wait_until_drawn(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    page.wait_for_function(IS_IDLE)
    page.wait_for_timeout(300)  # charts take their width after they are drawn


@pytest.mark.parametrize(("width", "colours"), [(380, "dark"), (768, "light"), (1600, "dark")])
def test_each_page_shows_its_data_and_none_scrolls_sideways(
    browser: Browser, dashboards: str, width: int, colours: Literal["light", "dark"]
) -> None:
    with chromium.visitor(browser, width=width, height=844, colours=colours) as context:
        watched, is_wide = Watched(context.new_page(), dashboards), width == 1600
        page = watched.page
        for name, count in PAGES.items():
            if is_wide and name != "Overview":
                page.get_by_role("link", name=name, exact=True).first.click()
                wait_until_drawn(page, name)
            else:
                visit(page, dashboards, name)
            drawn = page.get_by_test_id("stVegaLiteChart").or_(page.get_by_test_id("stDataFrame"))
            numbers = page.get_by_test_id("stMetric").nth(len(sources()) - 2)  # none of the weather
            expect(drawn.nth(count - 1) if count else numbers).to_be_visible()
            assert page.evaluate(SCROLLS) == [], name
            expect(page.get_by_test_id("stException")).to_have_count(0)
            assert page.evaluate(WITHOUT_TEXT) == 0, name
            background = page.evaluate(
                "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
            )
            assert background == RGB[colours]
            page.get_by_text("SQL", exact=True).first.click()
            expect(page.get_by_test_id("stCode").first).to_contain_text("SELECT")
            # By its address, Streamlit looks for its own files below the page first, in vain.
            faults = [one for one in watched.faults() if is_wide or one.startswith("script: ")]
            assert faults == [], (name, faults)
        page.evaluate(
            "document.querySelector('[data-testid=stMainBlockContainer]').innerHTML +="
            " '<div data-testid=wide style=width:3000px;height:9px></div>'"
        )
        assert "wide" in page.evaluate(SCROLLS), "the test would notice"


RGB = {
    name: f"rgb({', '.join(str(int(one[place : place + 2], 16)) for place in (1, 3, 5))})"
    for name, one in BACKGROUNDS.items()
}
