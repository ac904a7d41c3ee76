"""One browser and one `isobar ui`, on a state of its own, for all tests in this folder."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.browser import chromium
from pipelines_tests.browser.watched import Watched
from pipelines_tests.command import isobar
from pipelines_tests.served_ui import Ui, start

expect.set_options(timeout=chromium.PATIENCE_SECONDS * 1000)


def path_of_browser() -> str:
    """Where the browser is; without one the test is skipped, but fails where CI runs it."""
    path = chromium.installed()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(chromium.MISSING)
    if path is None:
        pytest.skip(chromium.MISSING)
    return path


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium.started(path_of_browser()) as browser:
        yield browser


@pytest.fixture(scope="package")
def ui(browser: Browser, state_folder: Path) -> Iterator[Ui]:
    """What a newcomer has after `make run` and `make ui`."""
    state = Path(tempfile.mkdtemp(dir=state_folder))
    state.chmod(0o755)
    try:
        done = isobar(state, "run")
        assert done.returncode == 0, done.stderr
        serving = start(state)
        yield serving
        serving.stop()
    finally:
        EmbeddedPostgres(state).stop()


@pytest.fixture
def watched(browser: Browser, ui: Ui) -> Iterator[Watched]:
    """A page of the UI; the test fails when anything went wrong on it."""
    with chromium.visitor(browser) as context:
        page = Watched(context.new_page(), ui.url)
        yield page
        assert page.faults() == []
