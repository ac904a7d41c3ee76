"""`isobar dashboard`, served for a browser."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.postgres.ports import free_port
from pipelines.runtime.bootstrap import answers, wait_until
from pipelines.runtime.processes import Child
from pipelines_tests.browser import chromium
from pipelines_tests.command import environment

#: Whether a page is drawn, of JavaScript.
IS_IDLE = """() => document.querySelector("[data-testid=stApp]").dataset.testScriptState
    === "notRunning" && !document.querySelector("[data-testid=stSkeleton]")"""


@contextmanager
def served(state: Path, **variables: str) -> Iterator[str]:
    port = free_port()
    words = [sys.executable, "-P", "-m", "pipelines.cli", "dashboard", f"--port={port}"]
    log = state / "dashboard.log"
    child = Child("dashboard", words, environment=environment(state, **variables), log=log)
    child.start()
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{url}/_stcore"), child, chromium.PATIENCE_SECONDS)
        yield url
    finally:
        child.stop()
