"""The browser that is installed, driven by Playwright. None is downloaded."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MISSING = (
    "there is no Chromium (none of chromium, chromium-browser, google-chrome is on the PATH);"
    " on Debian: apt install chromium"
)
#: A name that has the address of this machine, as anybody can give to one.
ELSEWHERE = "evil.example"
#: For anything to appear, on a busy machine.
PATIENCE_SECONDS = 90.0


def installed() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def started(path: str) -> Iterator[Browser]:
    """The browser at `path`, without a window."""
    with sync_playwright() as playwright:
        rule = f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=path, args=[rule])
        yield browser
        browser.close()


def visitor(
    browser: Browser,
    width: int = 1440,
    height: int = 900,
    pixels: float = 1,
    colours: Literal["light", "dark"] = "light",
    locale: str = "en-GB",
) -> BrowserContext:
    """A person who was never here: no cookies, times in UTC."""
    context = browser.new_context(
        viewport=ViewportSize(width=width, height=height),
        device_scale_factor=pixels,
        color_scheme=colours,
        timezone_id="UTC",
        locale=locale,
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    return context
