"""One browser and one `isobar ui`, on a state of its own, for all tests in this folder."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from pipelines_tests.browser import chromium
from pipelines_tests.browser.dashboards import served
from pipelines_tests.browser.watched import Watched
from pipelines_tests.served_ui import Ui, start
from pipelines_tests.states import copied, load

expect.set_options(timeout=chromium.PATIENCE_SECONDS * 1000)


def path_of_browser() -> str:
    """Return the path of the browser; without one the test is skipped, but fails in CI."""
    path = chromium.installed()
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(chromium.MISSING)
    return str(path)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium.started(path_of_browser()) as browser:
        yield browser


@pytest.fixture(scope="package")
def ui(browser: Browser) -> Iterator[Ui]:
    """Return the UI of a newcomer after `make run` and `make ui`."""
    with copied(load) as state:
        serving = start(state)
        yield serving
        serving.stop()


@pytest.fixture(scope="package")
def dashboards(ui: Ui) -> Iterator[str]:
    with served(ui.state) as url:
        yield url


@pytest.fixture
def watched(browser: Browser, ui: Ui) -> Iterator[Watched]:
    """A page of the UI; the test fails when anything went wrong on it."""
    with chromium.visitor(browser) as context:
        page = Watched(context.new_page(), ui.url)
        yield page
        assert page.faults() == []
