"""A page of the UI, and everything that goes wrong while it is looked at."""

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

from pipelines_tests.browser.chromium import PATIENCE_SECONDS

#: What Dagster's UI writes where a part of a page could not be drawn.
BROKEN = re.compile(r"can't be displayed|Unexpected GraphQL error|PythonError|Traceback")


class Watched:
    """A browser's page on one UI; `faults` has what went wrong since the last check."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self._faults: list[str] = []
        self._open: set[Request] = set()
        self._unread: set[Response] = set()
        page.on("pageerror", lambda error: self._faults.append(f"script: {error}"))
        page.on("console", self._said)
        page.on("request", self._requested)
        page.on("requestfailed", self._failed)
        page.on("requestfinished", lambda request: self._open.discard(request))
        page.on("response", self._answered)

    def open(self, path: str) -> None:
        self._open.clear()  # requests of the page before are cancelled
        self.page.goto(f"{self.url}{path}")

    def faults(self) -> list[str]:
        """Return the faults, once every request of the page is answered and its answer read."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (self._open or self._unread) and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        found = [*self._faults, *(f"no answer: {request.url}" for request in self._open)]
        self._faults.clear()
        return found + BROKEN.findall(self.page.inner_text("body"))

    def _said(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self._faults.append(f"console: {line.text}")

    def _requested(self, request: Request) -> None:
        requested, ours = urlsplit(request.url), urlsplit(self.url)
        if requested.scheme in ("http", "https"):
            if requested.netloc != ours.netloc:
                self._faults.append(f"requests another host: {request.url}")
            self._open.add(request)

    def _failed(self, request: Request) -> None:
        self._open.discard(request)
        if request.failure != "net::ERR_ABORTED":  # called off by the page itself
            self._faults.append(f"{request.failure}: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._faults.append(f"HTTP {response.status}: {response.url}")
        elif urlsplit(response.url).path == "/graphql":
            self._unread.add(response)
            try:
                answer = response.json()
            except Error:  # the page is left
                return
            finally:
                self._unread.discard(response)
            self._faults += [f"GraphQL: {error}" for error in answer.get("errors") or ()]
            self._faults += [f"GraphQL: {error}" for error in _python_errors(answer)]


def _python_errors(answer: Any) -> Iterator[Any]:
    if isinstance(answer, dict):
        if answer.get("__typename") == "PythonError":
            yield answer.get("message")
        answer = list(answer.values())
    if isinstance(answer, list):
        for one in answer:
            yield from _python_errors(one)
