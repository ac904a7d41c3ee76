"""`isobar dashboard`, served for a browser."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from pipelines.postgres.ports import free_port
from pipelines_tests.browser import chromium
from pipelines_tests.command import environment


@contextmanager
def served(state: Path) -> Iterator[str]:
    """The dashboards of a state folder; gives their address."""
    port = free_port()
    words = [sys.executable, "-P", "-m", "pipelines.cli.main", "dashboard", f"--port={port}"]
    with subprocess.Popen(words, env=environment(state)) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + chromium.PATIENCE_SECONDS
            while not _answers(url):
                assert process.poll() is None, "it ended at its start"
                assert time.monotonic() < deadline, "it does not answer"
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/_stcore/health", timeout=5).ok
    except requests.ConnectionError:
        return False
